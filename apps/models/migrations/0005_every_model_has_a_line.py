"""A model's name is its line's; on its own, for PostgreSQL changes no table whose rows the same transaction changed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("models", "0004_versions_of_older_models")]

    operations = [
        migrations.RemoveField("trainedmodel", "name"),
        migrations.AlterField("trainedmodel", "line", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="models.modelline")),
        migrations.AlterField("trainedmodel", "number", models.PositiveIntegerField(help_text="Of the version within its line, from 1.")),
        migrations.AlterField("trainedmodel", "licence", models.CharField(blank=True, help_text="Under which the weights may be used.", max_length=120)),
        migrations.AddConstraint("trainedmodel", models.UniqueConstraint(fields=("line", "number"), name="a_line_gives_a_number_once")),
    ]
