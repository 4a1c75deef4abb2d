"""Datasets themselves."""

from django.db import transaction
from django.db.models import Count, Q, Sum
from django.utils import timezone

from apps.core import audit
from apps.datasets.models import SPLITS, Dataset, DatasetImage
from apps.datasets.services.files import forget_files

COVER_IMAGES = 4


def create_dataset(owner, name, description="", task=Dataset.Task.DETECT, class_names=(), is_public=False, **extra):
    """A new, empty dataset."""
    names = list(class_names)
    return Dataset.objects.create(
        owner=owner, name=name, description=description, task=task, class_names=names, num_classes=len(names),
        class_keys=list(range(len(names))), next_class_key=len(names), is_public=is_public, **extra,
    )  # fmt: skip


@transaction.atomic
def update_dataset(dataset, actor=None, **values):
    """Have `actor` change name, description or who can see it."""
    audit.record_changes(actor, dataset, audit.changes(dataset, values), dataset.team_id)
    for field, value in values.items():
        setattr(dataset, field, value)
    dataset.save(update_fields=[*values, "updated_at"])
    return dataset


@transaction.atomic
def delete_dataset(dataset, actor=None):
    """Delete a dataset with its images, labels and files."""
    audit.record(actor, "deleted", dataset, dataset.team_id, images=dataset.num_images, boxes=dataset.num_boxes)
    forget_files([f"datasets/{dataset.pk}/"])
    dataset.delete()


@transaction.atomic
def refresh_counts(dataset):
    """Count images, labelled images, boxes and splits again, as the rows are now; also notes that something changed."""
    # Uploads come three at a time: each counts only when the one before has written its count.
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    present = DatasetImage.objects.filter(dataset=dataset).order_by()
    rows = list(
        present.values("split").annotate(
            images=Count("pk"), labeled=Count("pk", filter=Q(is_labeled=True)), boxes=Sum("num_boxes")
        )
    )
    by_split = {row["split"]: row["images"] for row in rows}
    counts = {
        "num_images": sum(by_split.values()),
        "num_labeled": sum(row["labeled"] for row in rows),
        "num_boxes": sum(row["boxes"] for row in rows),
        "num_trashed": DatasetImage.all_objects.filter(dataset=dataset, deleted_at__isnull=False).count(),
        "split_counts": {split: by_split.get(split, 0) for split in (*SPLITS, "")},
        "cover": list(present.order_by("pk").values_list("pk", flat=True)[:COVER_IMAGES]),
        "updated_at": timezone.now(),
    }
    Dataset.objects.filter(pk=dataset.pk).update(**counts)
    for field, value in counts.items():
        setattr(dataset, field, value)


def touch(dataset):
    """Note that something in the dataset changed now."""
    Dataset.objects.filter(pk=dataset.pk).update(updated_at=timezone.now())
