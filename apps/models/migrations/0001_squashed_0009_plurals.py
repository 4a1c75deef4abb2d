"""All steps so far as one, for a database without them: a first start takes seconds less (decision 057)."""

import apps.core.owners
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('models', '0001_initial'), ('models', '0002_evaluations'), ('models', '0003_lines'), ('models', '0004_versions_of_older_models'), ('models', '0005_every_model_has_a_line'), ('models', '0006_exports'), ('models', '0007_teams'), ('models', '0008_served_as_chosen'), ('models', '0009_plurals')]

    initial = True

    dependencies = [
        ('accounts', '0006_teams'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('annotations', '0004_versions'),
        ('core', '0007_teams'),
        ('datasets', '0003_fill_counts'),
    ]

    operations = [
        migrations.CreateModel(
            name='ModelLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('versions_made', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('owner', models.ForeignKey(on_delete=apps.core.owners.of_person_or_team, related_name='model_lines', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(blank=True, db_index=False, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('team', None)), fields=('owner', 'name'), name='a_person_names_a_line_once'), models.UniqueConstraint(fields=('team', 'name'), name='a_team_names_a_line_once')],
            },
        ),
        migrations.CreateModel(
            name='TrainedModel',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(help_text='Of the version within its line, from 1.')),
                ('stage', models.CharField(choices=[('candidate', 'Candidate'), ('live', 'Live'), ('archived', 'Archived')], default='candidate', max_length=10)),
                ('origin', models.CharField(choices=[('trained', 'trained here'), ('uploaded', 'Uploaded')], default='trained', max_length=10)),
                ('format', models.CharField(choices=[('pt', 'PyTorch'), ('onnx', 'ONNX')], default='pt', help_text='Of its file.', max_length=4)),
                ('licence', models.CharField(blank=True, help_text='Under which the weights may be used.', max_length=120)),
                ('card', models.JSONField(blank=True, default=dict, help_text='How it was made, as it was noted then: settings, by whom, from what; of an upload what was checked.')),
                ('description', models.TextField(blank=True, max_length=5000, verbose_name='notes')),
                ('task', models.CharField(default='detect', max_length=10)),
                ('model_type', models.CharField(help_text='The architecture, as yolov8n.', max_length=40)),
                ('file', models.FileField(help_text='The weights.', max_length=200, upload_to='')),
                ('sha256', models.CharField(max_length=64)),
                ('num_bytes', models.PositiveBigIntegerField(default=0)),
                ('img_size', models.PositiveIntegerField(default=640)),
                ('num_classes', models.PositiveIntegerField(default=0)),
                ('class_names', models.JSONField(default=list)),
                ('metrics', models.JSONField(blank=True, default=dict)),
                ('training_id', models.PositiveBigIntegerField(blank=True, db_index=True, null=True)),
                ('operating_point', models.JSONField(blank=True, default=dict, help_text='The confidence below which predictions do not count, and by class.')),
                ('is_public', models.BooleanField(default=False)),
                ('is_deployed', models.BooleanField(default=False)),
                ('serving_file', models.FileField(blank=True, help_text='The archive of the serving format.', max_length=200, upload_to='')),
                ('serving', models.JSONField(blank=True, default=dict, help_text='Format, precision, and how it was proven.')),
                ('deployed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('dataset_version', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='models', to='annotations.datasetversion')),
                ('line', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='models.modelline')),
                ('owner', models.ForeignKey(on_delete=apps.core.owners.of_person_or_team, related_name='models', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(blank=True, help_text='Its training began with.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='children', to='models.trainedmodel')),
                ('team', models.ForeignKey(blank=True, db_index=False, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
                ('upload_job', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
            ],
            options={
                'ordering': ['-pk'],
                'indexes': [models.Index(fields=['owner', '-id'], name='models_trai_owner_i_a3af4d_idx'), models.Index(fields=['team', '-id'], name='models_trai_team_id_2ed848_idx'), models.Index(fields=['is_public', '-id'], name='models_trai_is_publ_a09cca_idx')],
                'constraints': [models.UniqueConstraint(fields=('line', 'number'), name='a_line_gives_a_number_once'), models.UniqueConstraint(condition=models.Q(('training_id__isnull', False)), fields=('training_id',), name='a_training_makes_one_model')],
            },
        ),
        migrations.CreateModel(
            name='ServingBuild',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('runtime', models.CharField(choices=[('auto', 'whichever is quicker'), ('openvino', 'OpenVINO'), ('onnxruntime', 'ONNX Runtime')], default='auto', max_length=12)),
                ('precision', models.CharField(choices=[('auto', 'the quickest that answers the same'), ('f32', 'f32'), ('bf16', 'bf16'), ('int8', 'int8')], default='auto', max_length=4)),
                ('img_size', models.PositiveIntegerField(help_text='The longer side in pixels.')),
                ('file', models.FileField(help_text='The archive of the serving format.', max_length=200, upload_to='')),
                ('serving', models.JSONField(default=dict, help_text='Format, what was timed, and how it was proven.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='builds', to='models.trainedmodel')),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(fields=('model', 'runtime', 'precision', 'img_size'), name='a_way_is_built_once')],
            },
        ),
        migrations.CreateModel(
            name='ModelTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(db_index=True, max_length=40)),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='models.trainedmodel')),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('model', 'name'), name='a_tag_once')],
            },
        ),
        migrations.CreateModel(
            name='ModelExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('format', models.CharField(help_text='As ultralytics calls it: onnx, openvino, engine.', max_length=20)),
                ('precision', models.CharField(choices=[('fp32', 'fp32'), ('fp16', 'fp16'), ('int8', 'int8')], default='fp32', max_length=4)),
                ('img_size', models.PositiveIntegerField()),
                ('dynamic', models.BooleanField(default=False, help_text='Free batch, height and width.')),
                ('nms', models.BooleanField(default=False, help_text='Overlapping boxes are suppressed in the graph.')),
                ('file', models.FileField(blank=True, help_text='The export; the zip of one that is a folder.', max_length=200, upload_to='')),
                ('num_bytes', models.PositiveBigIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('weights_sha256', models.CharField(blank=True, help_text='Of the weights that it was made from.', max_length=64)),
                ('figures', models.JSONField(blank=True, default=dict, help_text='What weights and export answered, and how fast.')),
                ('verdict', models.CharField(blank=True, choices=[('same', 'same answers'), ('differs', 'answers differently'), ('unknown', 'not measured')], max_length=8)),
                ('reason', models.CharField(blank=True, help_text='Of the verdict, in words.', max_length=400)),
                ('exported_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='exports', to='models.trainedmodel')),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(fields=('model', 'format', 'precision', 'img_size', 'dynamic', 'nms'), name='an_export_is_made_once')],
            },
        ),
        migrations.CreateModel(
            name='Evaluation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('split', models.CharField(choices=[('val', 'validation'), ('test', 'test'), ('train', 'training')], max_length=5)),
                ('weights_sha256', models.CharField(blank=True, help_text='Of the weights that were measured.', max_length=64)),
                ('results', models.JSONField(blank=True, default=dict)),
                ('curves', models.JSONField(blank=True, default=dict)),
                ('images', models.FileField(blank=True, help_text='A line per image: labels, predictions, matches.', max_length=200, upload_to='')),
                ('evaluated_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('dataset_version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evaluations', to='annotations.datasetversion')),
                ('job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('model', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='evaluations', to='models.trainedmodel')),
            ],
            options={
                'ordering': ['-pk'],
                'constraints': [models.UniqueConstraint(fields=('model', 'dataset_version', 'split'), name='a_split_is_measured_once')],
            },
        ),
        migrations.CreateModel(
            name='ConfirmedLabels',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveIntegerField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('confirmed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='datasets.datasetimage')),
            ],
            options={
                'verbose_name': 'confirmed labels',
                'verbose_name_plural': 'confirmed labels',
                'constraints': [models.UniqueConstraint(fields=('image', 'revision'), name='labels_confirmed_once')],
            },
        ),
    ]
