"""Taking an import back."""

from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage


def imported_images(job):
    """The images that this import job brought in and that are still there."""
    return DatasetImage.objects.filter(import_job=job)


def undo_import(dataset, job, user):
    """Move the images to the trash that this job brought into `dataset`; returns how many.

    Labels that it gave to images that were there already stay: their history has them.
    """
    return datasets.trash_images(dataset, imported_images(job), user)
