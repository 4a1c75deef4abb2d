"""All steps so far as one, for a database without them: a first start takes seconds less (decision 057)."""

from importlib import import_module

import apps.core.owners
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

make_deployments = import_module("apps.inference.migrations.0003_deployments_of_deployed_models").make_deployments


class Migration(migrations.Migration):

    replaces = [('inference', '0001_batch_answers'), ('inference', '0002_deployments'), ('inference', '0003_deployments_of_deployed_models'), ('inference', '0004_traffic'), ('inference', '0005_captures_and_shadows'), ('inference', '0006_videos'), ('inference', '0007_teams'), ('inference', '0008_served_as_chosen'), ('inference', '0009_plurals'), ('inference', '0010_outlines_in_captures')]

    initial = True

    dependencies = [
        ('accounts', '0006_teams'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('annotations', '0004_versions'),
        ('core', '0003_paused'),
        ('datasets', '0006_class_change_restore'),
        ('models', '0008_served_as_chosen'),
    ]

    operations = [
        migrations.CreateModel(
            name='BatchVideo',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('codec', models.CharField(max_length=20)),
                ('width', models.PositiveIntegerField(default=0, help_text='Pixels, upright.')),
                ('height', models.PositiveIntegerField(default=0)),
                ('frame_rate', models.FloatField(help_text='Frames a second, as its header says.')),
                ('seconds', models.FloatField(help_text='How long it is, as its header says; 0 where it does not.')),
                ('num_frames', models.PositiveBigIntegerField(default=0, help_text='That were decoded.')),
                ('timeline', models.JSONField(default=dict, help_text='Objects of each class over time: {seconds, classes}.')),
                ('job', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='video', to='core.job')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Capture',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_on', models.BooleanField(default=True)),
                ('mode', models.CharField(choices=[('all', 'every picture'), ('rate', 'a share of the pictures'), ('below', 'pictures with an unsure box'), ('disagreements', 'pictures that the shadow answers differently')], default='rate', max_length=13)),
                ('rate', models.FloatField(default=0.1, help_text='0..1 of the questions, in the mode “rate”.')),
                ('below', models.FloatField(default=0.5, help_text='In the mode “below”: a box is unsure below this confidence.')),
                ('max_images', models.PositiveIntegerField(default=500, help_text='Most images that wait in the inbox.')),
                ('max_bytes', models.PositiveBigIntegerField(default=1073741824, help_text='Most bytes of them.')),
                ('keep_days', models.PositiveIntegerField(default=30, help_text='What nobody labelled or tagged by then is deleted.')),
                ('num_known', models.PositiveBigIntegerField(default=0, help_text='Not kept: the dataset had the same bytes.')),
                ('num_over', models.PositiveBigIntegerField(default=0, help_text='Not kept: the inbox was full.')),
                ('stopped', models.CharField(blank=True, help_text='Why the platform turned it off.', max_length=300)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='captures', to='datasets.dataset')),
                ('user', models.ForeignKey(help_text='By whose rights images are added.', on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Captured',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(choices=[('all', 'every picture'), ('rate', 'a share of the pictures'), ('below', 'pictures with an unsure box'), ('disagreements', 'pictures that the shadow answers differently')], max_length=13)),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(db_index=True)),
                ('capture', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='captured', to='inference.capture')),
                ('image', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='captured', to='datasets.datasetimage')),
                ('model', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.trainedmodel')),
            ],
            options={
                'verbose_name_plural': 'captured images',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Deployment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True, max_length=5000)),
                ('is_active', models.BooleanField(default=True, help_text='Whether it answers at all.')),
                ('is_public', models.BooleanField(default=False)),
                ('defaults', models.JSONField(blank=True, default=dict, help_text='Of what a call leaves out: conf, per_class, iou, max_det, classes.')),
                ('gate_split', models.CharField(choices=[('val', 'validation'), ('test', 'test')], default='val', max_length=5)),
                ('max_fall', models.FloatField(default=0.01, help_text='How much lower its mAP50-95 may be.')),
                ('shadow_share', models.FloatField(default=0.1, help_text='0..1 of the questions.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('build', models.ForeignKey(blank=True, help_text='How its owner wants the model served; nothing: as the model itself was built.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.servingbuild')),
                ('gate_version', models.ForeignKey(blank=True, help_text='The frozen images that a new version of the model is judged on.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='annotations.datasetversion')),
                ('model', models.ForeignKey(blank=True, help_text='It answers.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='deployments', to='models.trainedmodel')),
                ('owner', models.ForeignKey(on_delete=apps.core.owners.of_person_or_team, related_name='deployments', to=settings.AUTH_USER_MODEL)),
                ('previous', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.trainedmodel')),
                ('previous_build', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.servingbuild')),
                ('shadow', models.ForeignKey(blank=True, help_text='A candidate that answers a share of the questions too; nobody sees its answers but the charts.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.trainedmodel')),
                ('team', models.ForeignKey(blank=True, db_index=False, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['team', '-id'], name='inference_d_team_id_d88c35_idx'), models.Index(fields=['is_public', '-id'], name='inference_d_is_publ_3079b6_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('team', None)), fields=('owner', 'name'), name='a_person_names_a_deployment_once'), models.UniqueConstraint(fields=('team', 'name'), name='a_team_names_a_deployment_once')],
            },
        ),
        migrations.AddField(
            model_name='capture',
            name='deployment',
            field=models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='capture', to='inference.deployment'),
        ),
        migrations.CreateModel(
            name='ShadowSample',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64)),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('live_boxes', models.JSONField(default=list, help_text='[class name, confidence, x1, y1, x2, y2, matched] …')),
                ('shadow_boxes', models.JSONField(default=list)),
                ('weight', models.FloatField(help_text='Sum of the confidences of the boxes that only one of them found.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shadow_samples', to='inference.deployment')),
                ('live', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='models.trainedmodel')),
                ('shadow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='models.trainedmodel')),
            ],
            options={
                'ordering': ['-weight', '-pk'],
                'constraints': [models.UniqueConstraint(fields=('deployment', 'live', 'shadow', 'sha256'), name='a_picture_is_one_sample')],
            },
        ),
        migrations.CreateModel(
            name='ShadowTraffic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('start', models.DateTimeField()),
                ('answered', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0, help_text='Chosen, and not asked: the machine was busy.')),
                ('failed', models.PositiveIntegerField(default=0, help_text='Asked, and the shadow could not answer.')),
                ('counts', models.JSONField(default=dict)),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shadow_traffic', to='inference.deployment')),
                ('live', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='models.trainedmodel')),
                ('shadow', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='models.trainedmodel')),
            ],
            options={
                'verbose_name_plural': 'shadow traffic',
                'ordering': ['start'],
                'indexes': [models.Index(fields=['start'], name='inference_s_start_bdbeb4_idx')],
                'constraints': [models.UniqueConstraint(fields=('deployment', 'live', 'shadow', 'start'), name='one_row_of_five_minutes')],
            },
        ),
        migrations.CreateModel(
            name='Switch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('state', models.CharField(choices=[('waiting', 'being built and judged'), ('done', 'switched'), ('blocked', 'blocked by the gate'), ('failed', 'Failed')], default='waiting', max_length=8)),
                ('choice', models.JSONField(blank=True, default=dict, help_text='How the new one is to be served: runtime, precision, img_size.')),
                ('is_final', models.BooleanField(default=False, help_text='No reason overrules what the gate said.')),
                ('is_return', models.BooleanField(default=False, help_text='Back to the model before; no gate then.')),
                ('judgement', models.JSONField(blank=True, default=dict, help_text='What the gate measured of both models.')),
                ('reason', models.CharField(blank=True, help_text='Why the gate blocked, or the switch failed.', max_length=400)),
                ('overruled', models.CharField(blank=True, help_text='Why its owner switched nevertheless.', max_length=400)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('switched_at', models.DateTimeField(blank=True, null=True)),
                ('by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('deployment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='switches', to='inference.deployment')),
                ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('new', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.trainedmodel')),
                ('new_build', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.servingbuild')),
                ('old', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.trainedmodel')),
                ('old_build', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.servingbuild')),
            ],
            options={
                'verbose_name_plural': 'switches',
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='TokenUsage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_name', models.CharField(max_length=100)),
                ('day', models.DateField()),
                ('requests', models.PositiveBigIntegerField(default=0)),
                ('errors', models.PositiveBigIntegerField(default=0, help_text='Answered with a status from 400, but for the quota.')),
                ('refused', models.PositiveBigIntegerField(default=0, help_text='Refused because the quota of the day was used up.')),
                ('token', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='usage', to='accounts.apitoken')),
                ('user', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='token_usage', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name_plural': 'token usage',
                'ordering': ['-day', 'pk'],
                'indexes': [models.Index(fields=['user', 'day'], name='inference_t_user_id_c8e9ec_idx')],
                'constraints': [models.UniqueConstraint(fields=('token', 'day'), name='a_tokens_day_is_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='Track',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text='The `track_id` in the answers.')),
                ('class_id', models.PositiveIntegerField(help_text='What most of its boxes are.')),
                ('class_name', models.CharField(max_length=200)),
                ('first_frame', models.PositiveBigIntegerField()),
                ('last_frame', models.PositiveBigIntegerField()),
                ('first_seconds', models.FloatField()),
                ('last_seconds', models.FloatField()),
                ('frames', models.PositiveIntegerField(help_text='Answered frames in which it was found.')),
                ('confidence', models.FloatField(help_text='Of its boxes, on average.')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tracks', to='core.job')),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('job', 'number'), name='one_row_a_track')],
            },
        ),
        migrations.CreateModel(
            name='Traffic',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('step', models.CharField(choices=[('minute', 'Minute'), ('hour', 'Hour'), ('day', 'Day')], max_length=6)),
                ('start', models.DateTimeField()),
                ('requests', models.PositiveBigIntegerField(default=0)),
                ('errors', models.PositiveBigIntegerField(default=0, help_text='Of the requests: answered with a status from 400.')),
                ('counts', models.JSONField(default=dict)),
                ('deployment', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='traffic', to='inference.deployment')),
                ('model', models.ForeignKey(blank=True, db_constraint=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='traffic', to='models.trainedmodel')),
            ],
            options={
                'verbose_name_plural': 'traffic',
                'ordering': ['start', 'pk'],
                'indexes': [models.Index(fields=['deployment', 'start'], name='inference_t_deploym_1b6d3d_idx'), models.Index(fields=['model', 'start'], name='inference_t_model_i_3bc0b8_idx'), models.Index(fields=['step', 'start'], name='inference_t_step_17d5dd_idx')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('deployment__isnull', False)), fields=('deployment', 'model', 'step', 'start'), name='a_deployments_traffic_is_counted_once'), models.UniqueConstraint(condition=models.Q(('deployment__isnull', True)), fields=('model', 'step', 'start'), name='a_models_traffic_is_counted_once')],
            },
        ),
        migrations.CreateModel(
            name='BatchAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('name', models.CharField(max_length=1000)),
                ('image_id', models.PositiveBigIntegerField(help_text="Of a dataset's image.", null=True)),
                ('frame', models.PositiveBigIntegerField(help_text='Of a video: which of all its frames, from 0.', null=True)),
                ('seconds', models.FloatField(help_text='Of a video: when, from its first frame.', null=True)),
                ('objects_found', models.PositiveIntegerField(default=0)),
                ('answer', models.JSONField(default=dict, help_text='As predictions/infer gives it; empty where there is an error.')),
                ('error', models.TextField(blank=True, help_text='Why there is no answer.')),
                ('job', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='core.job')),
            ],
            options={
                'ordering': ['number'],
                'constraints': [models.UniqueConstraint(fields=('job', 'number'), name='one_answer_an_image')],
            },
        ),
        migrations.CreateModel(
            name='CaptureWaiting',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('sha256', models.CharField(max_length=64)),
                ('num_bytes', models.PositiveBigIntegerField()),
                ('reason', models.CharField(choices=[('all', 'every picture'), ('rate', 'a share of the pictures'), ('below', 'pictures with an unsure box'), ('disagreements', 'pictures that the shadow answers differently')], max_length=13)),
                ('answer', models.JSONField(default=list, help_text='[class name, confidence, x_center, y_center, width, height, outline] …')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('capture', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='waiting', to='inference.capture')),
                ('model', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='models.trainedmodel')),
            ],
            options={
                'verbose_name': 'waiting capture',
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['capture', 'sha256'], name='inference_c_capture_094215_idx')],
            },
        ),
        # The first release had deployed models, and nothing of this room: its database takes this road, too.
        migrations.RunPython(make_deployments, migrations.RunPython.noop),
    ]
