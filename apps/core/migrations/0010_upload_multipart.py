from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0009_team_webhooks'),
    ]

    operations = [
        migrations.AddField(
            model_name='upload',
            name='multipart',
            field=models.CharField(blank=True, db_default='', default='', editable=False, help_text="The store's name for the parts that go straight there.", max_length=1024),
        ),
    ]
