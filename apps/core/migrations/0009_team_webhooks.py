import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.owners


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0006_teams'),
        ('core', '0008_quotas'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='webhook',
            name='team',
            field=models.ForeignKey(blank=True, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='accounts.team'),
        ),
        migrations.AlterField(
            model_name='webhook',
            name='owner',
            field=models.ForeignKey(help_text='Who made it.', on_delete=apps.core.owners.of_person_or_team, related_name='webhooks', to=settings.AUTH_USER_MODEL),
        ),
    ]
