"""All steps so far as one, for a database without them: a first start takes seconds less (decision 057)."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('annotations', '0001_initial'), ('annotations', '0002_trash_classes_reports'), ('annotations', '0003_class_keys_of_versions'), ('annotations', '0004_versions'), ('annotations', '0005_outlines_of_suggestions')]

    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('datasets', '0003_fill_counts'),
    ]

    operations = [
        migrations.CreateModel(
            name='DatasetVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('content_hash', models.CharField(max_length=64)),
                ('class_names', models.JSONField(default=list)),
                ('class_keys', models.JSONField(default=list)),
                ('num_images', models.PositiveIntegerField(default=0)),
                ('num_boxes', models.PositiveIntegerField(default=0)),
                ('split_counts', models.JSONField(default=dict)),
                ('labeled_counts', models.JSONField(default=dict, help_text='Labelled images by split, and boxes to learn from.')),
                ('manifest', models.FileField(max_length=200, upload_to='')),
                ('note', models.CharField(blank=True, help_text='What people call it.', max_length=200)),
                ('hashed_as', models.PositiveSmallIntegerField(default=1, help_text="By which format's rules the content is hashed.")),
                ('same_at', models.DateTimeField(help_text="The dataset's updated_at when it was last seen to be this.", null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='versions', to='datasets.dataset')),
            ],
            options={
                'ordering': ['-number'],
                'constraints': [models.UniqueConstraint(fields=('dataset', 'number'), name='version_numbers_of_a_dataset'), models.UniqueConstraint(fields=('dataset', 'content_hash'), name='a_content_is_one_version')],
            },
        ),
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('revision', models.PositiveIntegerField()),
                ('action', models.CharField(choices=[('accept', 'Accept'), ('send_back', 'Send Back')], max_length=9)),
                ('note', models.TextField(blank=True, max_length=2000)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviews', to='datasets.datasetimage')),
                ('reviewer', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='Revision',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('edit', 'Edit'), ('import', 'Import'), ('restore', 'Restore'), ('classes', 'Classes')], default='edit', max_length=8)),
                ('annotations', models.JSONField(default=list)),
                ('num_annotations', models.PositiveIntegerField(default=0)),
                ('added', models.PositiveIntegerField(default=0)),
                ('removed', models.PositiveIntegerField(default=0)),
                ('changed', models.PositiveIntegerField(default=0)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('author', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='revisions', to='datasets.datasetimage')),
            ],
            options={
                'ordering': ['-number'],
                'constraints': [models.UniqueConstraint(fields=('image', 'number'), name='revision_numbers_of_an_image')],
            },
        ),
        migrations.CreateModel(
            name='Suggestion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model_name', models.CharField(max_length=120)),
                ('class_key', models.PositiveIntegerField()),
                ('x_center', models.FloatField()),
                ('y_center', models.FloatField()),
                ('width', models.FloatField()),
                ('height', models.FloatField()),
                ('points', models.JSONField(blank=True, help_text='The outline that a model found: [[x, y], …] in 0..1.', null=True)),
                ('confidence', models.FloatField()),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='suggestions', to='datasets.datasetimage')),
            ],
            options={
                'ordering': ['-confidence', 'pk'],
            },
        ),
        migrations.CreateModel(
            name='VersionComparison',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('of', models.DateTimeField(help_text="The dataset's updated_at, where it is with the working state.", null=True)),
                ('summary', models.JSONField(default=dict)),
                ('index', models.JSONField(default=dict, help_text='Where the pages of each list of images begin in the file.')),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comparisons', to='datasets.dataset')),
                ('newer', models.ForeignKey(help_text='None: as it was.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.datasetversion')),
                ('older', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='annotations.datasetversion')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('older', 'newer'), name='two_versions_compared_once'), models.UniqueConstraint(condition=models.Q(('newer', None)), fields=('older',), name='a_version_compared_with_now_once')],
            },
        ),
        migrations.CreateModel(
            name='Annotation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('class_key', models.PositiveIntegerField()),
                ('x_center', models.FloatField()),
                ('y_center', models.FloatField()),
                ('width', models.FloatField()),
                ('height', models.FloatField()),
                ('points', models.JSONField(blank=True, help_text='A polygon: [[x, y], …] in 0..1.', null=True)),
                ('confidence', models.FloatField(blank=True, null=True)),
                ('source', models.CharField(choices=[('manual', 'Manual'), ('imported', 'Imported'), ('model', 'Model')], default='manual', max_length=8)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('image', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='annotations', to='datasets.datasetimage')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(fields=['class_key', 'image'], name='labels_by_class')],
            },
        ),
    ]
