"""Lines, versions, stages, tags, cards: the columns. What they hold for older models is in the next migration."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0002_upload"),
        ("models", "0002_evaluations"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120)),
                ("versions_made", models.PositiveIntegerField(default=0)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("owner", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="model_lines", to=settings.AUTH_USER_MODEL)),
            ],
            options={"constraints": [models.UniqueConstraint(fields=("owner", "name"), name="an_owner_names_a_line_once")]},
        ),
        migrations.CreateModel(
            name="ModelTag",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(db_index=True, max_length=40)),
                ("model", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="tags", to="models.trainedmodel")),
            ],
            options={
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("model", "name"), name="a_tag_once")],
            },
        ),
        migrations.AddField("trainedmodel", "line", models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name="versions", to="models.modelline")),
        migrations.AddField("trainedmodel", "number", models.PositiveIntegerField(default=1, help_text="Of the version within its line, from 1.")),
        migrations.AddField("trainedmodel", "stage", models.CharField(choices=[("candidate", "Candidate"), ("live", "Live"), ("archived", "Archived")], default="candidate", max_length=10)),
        migrations.AddField("trainedmodel", "origin", models.CharField(choices=[("trained", "trained here"), ("uploaded", "Uploaded")], default="trained", max_length=10)),
        migrations.AddField("trainedmodel", "format", models.CharField(choices=[("pt", "PyTorch"), ("onnx", "ONNX")], default="pt", help_text="Of its file.", max_length=4)),
        migrations.AddField("trainedmodel", "licence", models.CharField(blank=True, default="", help_text="Under which the weights may be used.", max_length=120)),
        migrations.AddField("trainedmodel", "card", models.JSONField(blank=True, default=dict, help_text="How it was made, as it was noted then: settings, by whom, from what; of an upload what was checked.")),
        migrations.AddField("trainedmodel", "parent", models.ForeignKey(blank=True, help_text="Its training began with.", null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="children", to="models.trainedmodel")),
        migrations.AddField("trainedmodel", "upload_job", models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="core.job")),
        migrations.AlterField("trainedmodel", "description", models.TextField(blank=True, max_length=5000, verbose_name="notes")),
        migrations.AlterField("trainedmodel", "file", models.FileField(help_text="The weights.", max_length=200, upload_to="")),
        migrations.AlterField("trainedmodel", "name", models.CharField(default="", max_length=120)),
    ]
