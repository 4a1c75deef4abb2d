"""Datasets themselves."""

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services.files import forget_files

COVER_IMAGES = 4


def create_dataset(owner, name, description="", task=Dataset.Task.DETECT, class_names=(), is_public=False, **extra):
    """A new, empty dataset."""
    names = list(class_names)
    return Dataset.objects.create(
        owner=owner, name=name, description=description, task=task, class_names=names, num_classes=len(names),
        is_public=is_public, **extra,
    )  # fmt: skip


def update_dataset(dataset, **values):
    """Change name, description or who can see it."""
    for field, value in values.items():
        setattr(dataset, field, value)
    dataset.save(update_fields=[*values, "updated_at"])
    return dataset


@transaction.atomic
def delete_dataset(dataset):
    """Delete a dataset with its images, labels and files."""
    forget_files([f"datasets/{dataset.pk}/"])
    dataset.delete()


@transaction.atomic
def refresh_counts(dataset):
    """Count images and labelled images again, as the rows are now."""
    # Uploads come three at a time: each counts only when the one before has written its count.
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    counts = DatasetImage.objects.filter(dataset=dataset).aggregate(
        num_images=Count("pk"), num_labeled=Count("pk", filter=Q(is_labeled=True))
    )
    cover = list(
        DatasetImage.objects.filter(dataset=dataset).order_by("pk").values_list("pk", flat=True)[:COVER_IMAGES]
    )
    Dataset.objects.filter(pk=dataset.pk).update(updated_at=timezone.now(), cover=cover, **counts)
    dataset.num_images, dataset.num_labeled = counts["num_images"], counts["num_labeled"]


def touch(dataset):
    """Note that something in the dataset changed now."""
    Dataset.objects.filter(pk=dataset.pk).update(updated_at=timezone.now())
