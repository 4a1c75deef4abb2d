"""Who may see and change datasets and their images."""

from django.http import Http404

from apps.core.access import get_to_edit, may_change, owned_or_public
from apps.datasets.models import Dataset, DatasetImage


def visible_to(user):
    """The datasets that `user` may see."""
    return owned_or_public(Dataset.objects.all(), user)


def get_dataset(user, pk):
    """The dataset, or Http404."""
    dataset = visible_to(user).filter(pk=pk).first()
    if dataset is None:
        raise Http404("No such dataset.")
    return dataset


def get_dataset_to_edit(user, pk):
    """The dataset; Http404 for outsiders, PermissionDenied for readers."""
    return get_to_edit(visible_to(user), user, pk)


def get_image(user, dataset_id, image_id):
    """An image of a dataset that `user` may see, with its dataset, or Http404."""
    return _image(get_dataset(user, dataset_id), image_id)


def get_image_to_edit(user, dataset_id, image_id):
    """An image of a dataset that `user` may change; Http404 or PermissionDenied."""
    return _image(get_dataset_to_edit(user, dataset_id), image_id)


def may_edit(user, dataset):
    """Whether to show the buttons that change it."""
    return may_change(user, dataset)


def _image(dataset, image_id):
    image = DatasetImage.objects.filter(dataset=dataset, pk=image_id).first()
    if image is None:
        raise Http404("No such image in this dataset.")
    image.dataset = dataset
    return image
