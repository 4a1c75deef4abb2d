"""Who may see and change datasets and their images."""

from django.http import Http404
from django.urls import reverse

from apps.core.access import get_to_edit, may_change, owned_or_public
from apps.datasets.models import Dataset, DatasetImage, ImageChange


def visible_to(user):
    """The datasets that `user` may see."""
    return owned_or_public(Dataset.objects.all(), user)


def get_dataset(user, pk):
    """The dataset, or Http404."""
    dataset = visible_to(user).filter(pk=pk).first()
    if dataset is None:
        raise Http404("No such dataset.")
    return dataset


def named(user, pk):
    """(name, address of its page) of a dataset that `user` may see, or None."""
    name = visible_to(user).filter(pk=pk).values_list("name", flat=True).first()
    return name and (name, reverse("datasets:dataset_detail", args=[pk]))


def get_dataset_to_edit(user, pk):
    """The dataset; Http404 for outsiders, PermissionDenied for readers."""
    return get_to_edit(visible_to(user), user, pk)


def get_image(user, dataset_id, image_id):
    """An image of a dataset that `user` may see, with its dataset, or Http404."""
    return _image(get_dataset(user, dataset_id), image_id)


def get_image_to_edit(user, dataset_id, image_id):
    """An image of a dataset that `user` may change; Http404 or PermissionDenied."""
    return _image(get_dataset_to_edit(user, dataset_id), image_id)


def get_image_or_trashed(user, dataset_id, image_id):
    """As `get_image`; who may change the dataset sees what is in its trash too."""
    dataset = get_dataset(user, dataset_id)
    return _image(dataset, image_id, DatasetImage.all_objects if may_edit(user, dataset) else DatasetImage.objects)


def get_change(user, dataset, pk):
    """A change of many images of `dataset` that `user` made and can take back, or Http404."""
    change = ImageChange.objects.filter(dataset=dataset, user=user, pk=pk).first()
    if change is None:
        raise Http404("There is nothing to take back: it was taken back already, or it is more than a day old.")
    change.dataset = dataset
    return change


def may_edit(user, dataset):
    """Whether to show the buttons that change it."""
    return may_change(user, dataset)


def _image(dataset, image_id, images=DatasetImage.objects):
    image = images.filter(dataset=dataset, pk=image_id).first()
    if image is None:
        raise Http404("No such image in this dataset.")
    image.dataset = dataset
    return image
