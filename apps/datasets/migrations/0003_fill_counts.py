"""What the new columns of a dataset hold, worked out from what is there: keys, boxes, images by split."""

from django.db import migrations
from django.db.models import Count, Sum


def fill(apps, schema_editor):
    Dataset = apps.get_model("datasets", "Dataset")
    DatasetImage = apps.get_model("datasets", "DatasetImage")
    for dataset in Dataset.objects.iterator():
        rows = DatasetImage.objects.filter(dataset=dataset).order_by().values_list("split")
        rows = {split: (images, boxes) for split, images, boxes in rows.annotate(Count("pk"), Sum("num_boxes"))}
        Dataset.objects.filter(pk=dataset.pk).update(
            class_keys=list(range(len(dataset.class_names))),
            next_class_key=len(dataset.class_names),
            num_boxes=sum(boxes or 0 for _, boxes in rows.values()),
            split_counts={split: rows.get(split, (0, 0))[0] for split in ("train", "val", "test", "")},
        )


class Migration(migrations.Migration):
    dependencies = [("datasets", "0002_trash_classes_reports")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
