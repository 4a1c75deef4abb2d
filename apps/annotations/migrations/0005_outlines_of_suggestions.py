from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('annotations', '0004_versions'),
    ]

    operations = [
        migrations.AddField(
            model_name='suggestion',
            name='points',
            field=models.JSONField(blank=True, help_text='The outline that a model found: [[x, y], …] in 0..1.', null=True),
        ),
    ]
