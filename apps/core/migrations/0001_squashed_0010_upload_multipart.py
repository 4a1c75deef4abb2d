"""All steps so far as one, for a database without them: a first start takes seconds less (decision 057)."""

import apps.core.models
import apps.core.owners
import apps.core.webhooks.models
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('core', '0001_initial'), ('core', '0002_upload'), ('core', '0003_paused'), ('core', '0004_audit'), ('core', '0005_upload_pieces'), ('core', '0006_webhooks'), ('core', '0007_teams'), ('core', '0008_quotas'), ('core', '0009_team_webhooks'), ('core', '0010_upload_multipart')]

    initial = True

    dependencies = [
        ('accounts', '0006_teams'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('actor_id', models.BigIntegerField(blank=True, help_text="The person's id; empty for nobody.", null=True)),
                ('actor_name', models.CharField(blank=True, max_length=150)),
                ('verb', models.CharField(max_length=60)),
                ('subject_type', models.CharField(blank=True, help_text='As "datasets.dataset".', max_length=60)),
                ('subject_id', models.CharField(blank=True, max_length=40)),
                ('subject_name', models.CharField(blank=True, max_length=200)),
                ('team_id', models.BigIntegerField(blank=True, null=True)),
                ('address', models.GenericIPAddressField(blank=True, null=True)),
                ('token_id', models.BigIntegerField(blank=True, help_text='The API token that was used.', null=True)),
                ('detail', models.JSONField(blank=True, default=dict)),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['actor_id', '-id'], name='core_audite_actor_i_eb3f1c_idx'), models.Index(fields=['team_id', '-id'], name='core_audite_team_id_0df574_idx'), models.Index(fields=['verb', '-id'], name='core_audite_verb_88fa54_idx'), models.Index(fields=['subject_type', 'subject_id', '-id'], name='core_audite_subject_1c7303_idx')],
            },
        ),
        migrations.CreateModel(
            name='Upload',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('filename', models.CharField(max_length=255)),
                ('size', models.PositiveBigIntegerField(help_text='Bytes, as announced.')),
                ('offset', models.PositiveBigIntegerField(default=0, help_text='Bytes that are here, as last noted.')),
                ('pieces', models.JSONField(blank=True, default=list, editable=False, help_text='[[name in the store, bytes], …]')),
                ('multipart', models.CharField(blank=True, db_default='', default='', editable=False, help_text="The store's name for the parts that go straight there.", max_length=1024)),
                ('file', models.FileField(blank=True, max_length=200, upload_to='')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('owner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='uploads', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at'],
            },
        ),
        migrations.CreateModel(
            name='Webhook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.CharField(max_length=500, verbose_name='address')),
                ('description', models.CharField(blank=True, max_length=200)),
                ('events', models.JSONField(default=list)),
                ('secret', models.CharField(default=apps.core.webhooks.models.new_secret, editable=False, max_length=80)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('failures', models.PositiveIntegerField(default=0, help_text='Attempts in a row that failed.')),
                ('failing_since', models.DateTimeField(blank=True, null=True)),
                ('disabled_because', models.CharField(blank=True, help_text='Why the platform switched it off.', max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(help_text='Who made it.', on_delete=apps.core.owners.of_person_or_team, related_name='webhooks', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(blank=True, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.CASCADE, related_name='webhooks', to='accounts.team')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Job',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('running', 'Running'), ('paused', 'Paused'), ('completed', 'Completed'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], db_index=True, default='pending', max_length=12)),
                ('error_message', models.TextField(blank=True, help_text='What went wrong, in words, and what to do.')),
                ('traceback', models.TextField(blank=True, help_text='For the operator.')),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('run_token', models.CharField(blank=True, editable=False, max_length=32)),
                ('heartbeat_at', models.DateTimeField(blank=True, null=True)),
                ('enqueued_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('started_at', models.DateTimeField(blank=True, null=True)),
                ('completed_at', models.DateTimeField(blank=True, null=True)),
                ('kind', models.CharField(max_length=40)),
                ('task', models.CharField(help_text='The Celery task that does it.', max_length=120)),
                ('subject', models.CharField(blank=True, help_text='What it is about, as "dataset:12".', max_length=60)),
                ('params', models.JSONField(blank=True, default=dict)),
                ('progress', models.FloatField(default=0, help_text='0 to 1')),
                ('message', models.CharField(blank=True, max_length=300)),
                ('result', models.JSONField(blank=True, default=dict)),
                ('upload', models.FileField(blank=True, max_length=200, upload_to=apps.core.models.upload_path)),
                ('file', models.FileField(blank=True, max_length=200, upload_to=apps.core.models.result_path)),
                ('expires_at', models.DateTimeField(blank=True, help_text='When its files go.', null=True)),
                ('owner', models.ForeignKey(help_text='Who asked for it.', on_delete=apps.core.owners.of_person_or_team, related_name='jobs', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(blank=True, db_index=False, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['subject', '-id'], name='core_job_subject_836013_idx'), models.Index(fields=['owner', '-id'], name='core_job_owner_i_118f16_idx'), models.Index(fields=['team', '-id'], name='core_job_team_id_f41235_idx')],
            },
        ),
        migrations.CreateModel(
            name='Quota',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('storage_mb', models.PositiveIntegerField(blank=True, help_text='Empty: as the settings say. 0: no limit.', null=True, verbose_name='storage, MB')),
                ('trainings_at_once', models.PositiveIntegerField(blank=True, help_text='Empty: as the settings say. 0: no limit.', null=True)),
                ('person', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('team', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.team')),
            ],
            options={
                'ordering': ['pk'],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('person', None), ('team__isnull', False)), models.Q(('person__isnull', False), ('team', None)), _connector='OR'), name='a_quota_is_a_persons_or_a_teams', violation_error_message='Choose a person or a team, one of them.')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('event', models.CharField(max_length=40)),
                ('body', models.TextField(help_text='Exactly what is sent.')),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('delivered', 'Delivered'), ('failed', 'Failed')], default='pending', max_length=10)),
                ('due_at', models.DateTimeField(blank=True, help_text='The next attempt, not before.', null=True)),
                ('enqueued_at', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.JSONField(default=list, help_text='Each: at, status or error, seconds, answered.')),
                ('tries', models.PositiveSmallIntegerField(default=0, help_text='Attempts since it was written or sent again.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('webhook', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='core.webhook')),
            ],
            options={
                'verbose_name_plural': 'deliveries',
                'ordering': ['-created_at', 'pk'],
                'indexes': [models.Index(fields=['webhook', '-created_at'], name='core_delive_webhook_ef6de0_idx'), models.Index(condition=models.Q(('status', 'pending')), fields=['due_at'], name='deliveries_to_send'), models.Index(fields=['created_at'], name='core_delive_created_855853_idx')],
            },
        ),
    ]
