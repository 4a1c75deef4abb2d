"""All steps so far as one, for a database without them: a first start takes seconds less (decision 057)."""

import apps.core.owners
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('training', '0001_initial'), ('training', '0002_version_made_later'), ('training', '0003_device_and_batch_that_fits'), ('training', '0004_paused'), ('training', '0005_log_pieces_and_usage'), ('training', '0006_remove_trainingjob_logs'), ('training', '0007_queue'), ('training', '0008_pictures'), ('training', '0009_fruitless_starts'), ('training', '0010_checkpoint_in_the_store'), ('training', '0011_teams')]

    initial = True

    dependencies = [
        ('accounts', '0006_teams'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('annotations', '0004_versions'),
        ('datasets', '0007_teams'),
        ('models', '0007_teams'),
    ]

    operations = [
        migrations.CreateModel(
            name='Trainer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(help_text='Of the Celery worker.', max_length=200)),
                ('slots', models.PositiveIntegerField(help_text='Jobs at a time.')),
                ('heartbeat_at', models.DateTimeField(db_index=True)),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now)),
            ],
            options={
                'ordering': ['name', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='TrainingJob',
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
                ('name', models.CharField(max_length=120)),
                ('model_type', models.CharField(max_length=40)),
                ('weights', models.CharField(default='auto', help_text="auto, pretrained, scratch, or a model's id", max_length=40)),
                ('started_from', models.CharField(blank=True, help_text='What the weights came to be.', max_length=60)),
                ('epochs', models.PositiveIntegerField()),
                ('batch_size', models.IntegerField(help_text='Images a step; -1 is as many as fit.')),
                ('img_size', models.PositiveIntegerField()),
                ('device', models.CharField(default='auto', help_text='auto, cpu, a GPU as 0, or several as 0,1', max_length=40)),
                ('learning_rate', models.FloatField(blank=True, null=True)),
                ('patience', models.PositiveIntegerField()),
                ('time_limit', models.PositiveIntegerField(blank=True, help_text='Seconds of training, over all starts; then the best so far is the model.', null=True)),
                ('seed', models.PositiveIntegerField(default=0)),
                ('arguments', models.JSONField(blank=True, default=dict, help_text='Further training arguments: augmentation, optimizer.')),
                ('current_epoch', models.PositiveIntegerField(default=0)),
                ('epoch_progress', models.FloatField(default=0, help_text='0 to 1 within the epoch under way')),
                ('phase', models.CharField(blank=True, max_length=60)),
                ('best_map', models.FloatField(blank=True, help_text='The best mAP50-95 so far.', null=True)),
                ('best_epoch', models.PositiveIntegerField(blank=True, help_text='Whose weights are the best so far.', null=True)),
                ('training_time', models.FloatField(default=0, help_text='Seconds in training processes.')),
                ('ended_by', models.CharField(blank=True, help_text='epochs, patience, time_limit or cancelled; of a failed job the code of its reason.', max_length=20)),
                ('fruitless_starts', models.PositiveIntegerField(default=0, help_text='Starts since an epoch was last done.')),
                ('paused_at', models.DateTimeField(blank=True, null=True)),
                ('weights_due', models.BooleanField(default=False, help_text='Cancelled, and its best weights are still to become a model.')),
                ('checkpoint_epoch', models.PositiveIntegerField(blank=True, editable=False, help_text='Of which epoch the checkpoint in the store is.', null=True)),
                ('cleaned_at', models.DateTimeField(blank=True, help_text='When its checkpoint was deleted.', null=True)),
                ('environment', models.JSONField(blank=True, default=dict, help_text='Device, versions, parameters.')),
                ('queued_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When a person last put it into the queue.')),
                ('served_at', models.DateTimeField(blank=True, help_text='When a trainer last took it.', null=True)),
                ('usual_epoch_seconds', models.FloatField(blank=True, help_text='Seconds of an epoch by the usual figures, before what was learned here.', null=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='training_jobs', to='datasets.dataset')),
                ('dataset_version', models.ForeignKey(help_text='None: a large dataset, of which the trainer makes a version first.', null=True, on_delete=django.db.models.deletion.RESTRICT, related_name='training_jobs', to='annotations.datasetversion')),
                ('model', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='training_job', to='models.trainedmodel')),
                ('team', models.ForeignKey(blank=True, db_index=False, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
                ('user', models.ForeignKey(on_delete=apps.core.owners.of_person_or_team, related_name='training_jobs', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['user', '-id'], name='training_tr_user_id_7dc153_idx'), models.Index(fields=['team', '-id'], name='training_tr_team_id_30c0b7_idx'), models.Index(fields=['dataset', '-id'], name='training_tr_dataset_3dbec5_idx')],
            },
        ),
        migrations.CreateModel(
            name='TrainingEpoch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.PositiveIntegerField(help_text='Counting from 1.')),
                ('metrics', models.JSONField(default=dict)),
                ('seconds', models.FloatField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='epoch_rows', to='training.trainingjob')),
            ],
            options={
                'ordering': ['epoch'],
                'constraints': [models.UniqueConstraint(fields=('job', 'epoch'), name='an_epoch_once')],
            },
        ),
        migrations.CreateModel(
            name='TrainingLogPiece',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text='Counting from 0.')),
                ('text', models.TextField()),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='log_pieces', to='training.trainingjob')),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('job', 'number'), name='a_log_piece_once')],
            },
        ),
        migrations.CreateModel(
            name='TrainingLook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('epoch', models.PositiveIntegerField(help_text='Counting from 1.')),
                ('found', models.JSONField(help_text='For each image [[class id, confidence, x, y, width, height]], or null.')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='looks', to='training.trainingjob')),
            ],
            options={
                'ordering': ['epoch'],
                'constraints': [models.UniqueConstraint(fields=('job', 'epoch'), name='a_look_once')],
            },
        ),
        migrations.CreateModel(
            name='TrainingPicture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('batch', 'One of the first batches'), ('closed', 'The first batch without mosaic')], max_length=10)),
                ('number', models.PositiveIntegerField(help_text='Counting from 1.')),
                ('epoch', models.PositiveIntegerField()),
                ('images', models.PositiveIntegerField(help_text='Of the batch.')),
                ('tiles', models.PositiveIntegerField(help_text='Those of them that are drawn.')),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pictures', to='training.trainingjob')),
            ],
            options={
                'ordering': ['kind', 'number'],
                'constraints': [models.UniqueConstraint(fields=('job', 'kind', 'number'), name='a_training_picture_once')],
            },
        ),
        migrations.CreateModel(
            name='TrainingUsage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(help_text='When it began.')),
                ('seconds', models.FloatField(help_text='How long it was measured.')),
                ('values', models.JSONField(default=dict)),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='usage_rows', to='training.trainingjob')),
            ],
            options={
                'verbose_name_plural': 'training usage',
                'ordering': ['pk'],
            },
        ),
        migrations.CreateModel(
            name='TrainingWatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('classes', models.JSONField(help_text='[{name, color}], by class id.')),
                ('images', models.JSONField(help_text='[{sha256, filename, width, height, labels: [[class id, x, y, width, height]]}]')),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='watch', to='training.trainingjob')),
            ],
            options={
                'verbose_name_plural': 'training watches',
            },
        ),
    ]
