"""Who may see and change labels: whoever may see the dataset, and label its images."""

from django.http import Http404

from apps.annotations.models import Annotation, DatasetVersion, Revision
from apps.core.access import Right
from apps.core.models import Job
from apps.datasets.access import get_dataset, get_dataset_to_edit


def get_annotation(user, dataset_id, annotation_id):
    """The annotation with its image and dataset, to look at; Http404."""
    return _annotation(get_dataset(user, dataset_id), annotation_id)


def get_annotation_to_label(user, dataset_id, annotation_id):
    """The annotation with its image and dataset, to change it; Http404 or PermissionDenied."""
    return _annotation(get_dataset(user, dataset_id, Right.LABEL), annotation_id)


def _annotation(dataset, annotation_id):
    row = Annotation.objects.of(dataset).select_related("image").filter(pk=annotation_id).first()
    if row is None:
        raise Http404("No such annotation in this dataset.")
    row.image.dataset = dataset
    return row


def get_revision(image, number):
    """Revision `number` of an image that was looked up for this user, or Http404."""
    row = Revision.objects.select_related("author").filter(image=image, number=number).first()
    if row is None:
        raise Http404(f"This image has no revision {number}.")
    return row


def get_version(user, dataset_id, number):
    """The version `number` of a dataset that `user` may see, or Http404."""
    return _version(get_dataset(user, dataset_id), number)


def get_version_to_edit(user, dataset_id, number):
    """The version, to name or restore it; Http404 or PermissionDenied."""
    return _version(get_dataset_to_edit(user, dataset_id), number)


def _version(dataset, number):
    version = DatasetVersion.objects.filter(dataset=dataset, number=number).first()
    if version is None:
        raise Http404("This dataset has no such version.")
    version.dataset = dataset
    return version


def get_import(dataset, job_id):
    """An import job of a dataset that was looked up for this user, or Http404."""
    job = Job.objects.filter(pk=job_id, kind="import", subject=f"dataset:{dataset.pk}").first()
    if job is None:
        raise Http404("This dataset has no such import.")
    return job
