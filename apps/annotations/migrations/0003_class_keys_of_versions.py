"""Versions made before classes had permanent numbers: their numbers are their positions."""

from django.db import migrations


def fill(apps, schema_editor):
    DatasetVersion = apps.get_model("annotations", "DatasetVersion")
    for version in DatasetVersion.objects.iterator():
        DatasetVersion.objects.filter(pk=version.pk).update(class_keys=list(range(len(version.class_names))))


class Migration(migrations.Migration):
    dependencies = [("annotations", "0002_trash_classes_reports")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
