"""All steps so far as one, for a database without them: a first start takes seconds less (decision 057)."""

import apps.core.owners
import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [('datasets', '0001_initial'), ('datasets', '0002_trash_classes_reports'), ('datasets', '0003_fill_counts'), ('datasets', '0004_gallery'), ('datasets', '0005_scan_by_id'), ('datasets', '0006_class_change_restore'), ('datasets', '0007_teams')]

    initial = True

    dependencies = [
        ('accounts', '0006_teams'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ('core', '0002_upload'),
    ]

    operations = [
        migrations.CreateModel(
            name='PendingDeletion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=200)),
                ('due_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name='Dataset',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120)),
                ('description', models.TextField(blank=True, max_length=5000)),
                ('task', models.CharField(choices=[('detect', 'Detection (boxes)'), ('segment', 'Segmentation (polygons)')], default='detect', max_length=10)),
                ('class_names', models.JSONField(blank=True, default=list)),
                ('class_keys', models.JSONField(blank=True, default=list, help_text='The permanent number of each class.')),
                ('class_colors', models.JSONField(blank=True, default=list)),
                ('next_class_key', models.PositiveIntegerField(default=0)),
                ('num_classes', models.PositiveIntegerField(default=0)),
                ('num_images', models.PositiveIntegerField(default=0)),
                ('num_labeled', models.PositiveIntegerField(default=0)),
                ('num_boxes', models.PositiveIntegerField(default=0)),
                ('num_trashed', models.PositiveIntegerField(default=0)),
                ('split_counts', models.JSONField(blank=True, default=dict, help_text='Images by split; without one under an empty name.')),
                ('is_public', models.BooleanField(default=False, help_text='Everyone who is signed in can see it.')),
                ('cover', models.JSONField(blank=True, default=list, help_text='Ids of its first images, for the lists.')),
                ('is_sample', models.BooleanField(default=False, editable=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('owner', models.ForeignKey(on_delete=apps.core.owners.of_person_or_team, related_name='datasets', to=settings.AUTH_USER_MODEL)),
                ('team', models.ForeignKey(blank=True, db_index=False, help_text="Whose it is; empty: it is its owner's own.", null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.team')),
            ],
            options={
                'ordering': ['-updated_at', '-pk'],
                'indexes': [models.Index(fields=['owner', '-updated_at'], name='datasets_da_owner_i_0e313b_idx'), models.Index(fields=['team', '-updated_at'], name='datasets_da_team_id_dc07b1_idx'), models.Index(fields=['is_public', '-updated_at'], name='datasets_da_is_publ_2e975f_idx')],
            },
        ),
        migrations.CreateModel(
            name='ClassChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('add', 'Add'), ('rename', 'Rename'), ('recolor', 'Recolor'), ('reorder', 'Reorder'), ('merge', 'Merge'), ('delete', 'Delete'), ('restore', 'Restore')], max_length=8)),
                ('key', models.PositiveIntegerField(help_text='The permanent number of the class; none for a new order.', null=True)),
                ('into_key', models.PositiveIntegerField(help_text='Merged: the class that has its labels now.', null=True)),
                ('before', models.CharField(blank=True, max_length=100)),
                ('after', models.CharField(blank=True, max_length=100)),
                ('num_boxes', models.PositiveIntegerField(default=0, help_text='Labels that were moved or deleted.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='class_changes', to='datasets.dataset')),
            ],
            options={
                'ordering': ['-pk'],
            },
        ),
        migrations.CreateModel(
            name='DatasetReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('statistics', 'Statistics'), ('duplicates', 'Duplicates'), ('leaks', 'Leaks')], max_length=12)),
                ('data', models.JSONField(default=dict)),
                ('of', models.DateTimeField(help_text="The dataset's updated_at that this describes.")),
                ('seconds', models.FloatField(default=0, help_text='How long it took.')),
                ('computed_at', models.DateTimeField()),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reports', to='datasets.dataset')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('dataset', 'kind'), name='one_report_of_a_kind')],
            },
        ),
        migrations.CreateModel(
            name='ImageChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(choices=[('delete', 'Delete'), ('split', 'Split')], max_length=6)),
                ('moment', models.DateTimeField(help_text='Deleted: the `deleted_at` of its images.', null=True)),
                ('split', models.CharField(blank=True, help_text='Moved: where to.', max_length=5)),
                ('former', models.JSONField(default=dict, help_text="Moved: the images' ids by the split that they were in.")),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='datasets.dataset')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Tag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='tags', to='datasets.dataset')),
            ],
            options={
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('dataset', 'name'), name='tag_names_of_a_dataset')],
            },
        ),
        migrations.CreateModel(
            name='DatasetImage',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('filename', models.CharField(max_length=255)),
                ('file', models.FileField(max_length=200, upload_to='')),
                ('thumbnail', models.FileField(max_length=200, upload_to='')),
                ('preview', models.FileField(blank=True, help_text='For browsers, where they cannot show the file.', max_length=200, upload_to='')),
                ('sha256', models.CharField(max_length=64)),
                ('num_bytes', models.PositiveBigIntegerField()),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('orientation', models.PositiveSmallIntegerField(default=1, help_text='EXIF orientation of the file.')),
                ('is_plain', models.BooleanField(default=True, help_text='Every reader decodes the file to what people see.')),
                ('in_version', models.BooleanField(default=False, help_text='Part of a version: its file stays without its row.')),
                ('is_labeled', models.BooleanField(default=False)),
                ('state', models.CharField(choices=[('unlabelled', 'Unlabeled'), ('labelled', 'Labeled'), ('reviewed', 'Reviewed'), ('needs_work', 'Needs Work')], default='unlabelled', max_length=12)),
                ('num_boxes', models.PositiveIntegerField(default=0)),
                ('split', models.CharField(blank=True, choices=[('train', 'train'), ('val', 'val'), ('test', 'test')], max_length=5)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('group', models.CharField(blank=True, help_text='The source it is from: images of one never part.', max_length=200)),
                ('source', models.CharField(blank=True, help_text='“upload”, or the archive that it came in.', max_length=200)),
                ('taken_at', models.DateTimeField(blank=True, help_text='By its EXIF data.', null=True)),
                ('camera', models.CharField(blank=True, max_length=100)),
                ('signature', models.BinaryField(help_text='128 bits of likeness.', max_length=16, null=True)),
                ('brightness', models.PositiveSmallIntegerField(blank=True, help_text='Mean grey, 0 to 255.', null=True)),
                ('deleted_at', models.DateTimeField(blank=True, help_text='When it went to the trash.', null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('dataset', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='images', to='datasets.dataset')),
                ('deleted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('import_job', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='core.job')),
                ('tags', models.ManyToManyField(blank=True, related_name='images', to='datasets.tag')),
            ],
            options={
                'ordering': ['pk'],
                'indexes': [models.Index(condition=models.Q(('deleted_at', None)), fields=['dataset', 'split', 'id'], name='present_by_split'), models.Index(condition=models.Q(('deleted_at', None)), fields=['dataset', 'is_labeled', 'id'], name='present_by_labelled'), models.Index(condition=models.Q(('deleted_at', None)), fields=['dataset', 'state', 'id'], name='present_by_state'), models.Index(condition=models.Q(('deleted_at', None)), fields=['dataset', 'filename', 'id'], name='present_by_name'), models.Index(condition=models.Q(('deleted_at', None)), fields=['dataset', 'num_boxes', 'id'], name='present_by_boxes'), models.Index(models.F('dataset'), django.db.models.expressions.CombinedExpression(models.F('width'), '*', models.F('height')), models.F('id'), condition=models.Q(('deleted_at', None)), name='present_by_size'), models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['dataset', 'deleted_at', 'id'], name='trashed_images'), models.Index(condition=models.Q(('deleted_at__isnull', False)), fields=['dataset', 'sha256'], name='trashed_by_bytes'), models.Index(condition=models.Q(('deleted_at', None)), fields=['dataset', 'id'], name='present_images')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('dataset', 'sha256'), name='same_bytes_once_in_a_dataset')],
            },
        ),
    ]
