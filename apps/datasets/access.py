"""Who may see and change datasets and their images."""

from django.http import Http404
from django.urls import reverse

from apps.core.access import Right, check, may, right_to, rows_held, rows_seen
from apps.datasets.models import Dataset, DatasetImage, ImageChange


def visible_to(user):
    """The datasets that `user` may see."""
    return rows_seen(Dataset.objects.all(), user)


def held_by(user, right=Right.INSIDE):
    """The datasets that are `user`'s or their teams', to which they have this right."""
    return rows_held(Dataset.objects.all(), user, right)


def get_dataset(user, pk, right=Right.SEE):
    """The dataset; Http404 for who may not see it, PermissionDenied for who has not this right."""
    dataset = visible_to(user).select_related("owner", "team").filter(pk=pk).first()
    if dataset is None:
        raise Http404("No such dataset.")
    check(user, right, dataset)
    return dataset


def named(user, pk):
    """(name, address of its page) of a dataset that `user` may see, or None."""
    name = visible_to(user).filter(pk=pk).values_list("name", flat=True).first()
    return name and (name, reverse("datasets:dataset_detail", args=[pk]))


def get_dataset_to_edit(user, pk):
    """The dataset, to change anything of it; Http404 for outsiders, PermissionDenied for readers."""
    return get_dataset(user, pk, Right.EDIT)


def get_dataset_to_review(user, pk):
    """The dataset, to review it or to bring in images and labels; Http404 or PermissionDenied."""
    return get_dataset(user, pk, Right.REVIEW)


def get_image(user, dataset_id, image_id):
    """An image of a dataset that `user` may see, with its dataset, or Http404."""
    return _image(get_dataset(user, dataset_id), image_id)


def get_image_to_label(user, dataset_id, image_id):
    """An image, to label it; Http404 or PermissionDenied."""
    return _image(get_dataset(user, dataset_id, Right.LABEL), image_id)


def get_image_to_review(user, dataset_id, image_id):
    """An image, to say whether its labels are right; Http404 or PermissionDenied."""
    return _image(get_dataset_to_review(user, dataset_id), image_id)


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
    return may(user, Right.EDIT, dataset)


def may_review(user, dataset):
    """Whether to show what reviews it and brings images and labels in."""
    return may(user, Right.REVIEW, dataset)


def may_label(user, dataset):
    """Whether to show what labels its images."""
    return may(user, Right.LABEL, dataset)


def may_train_on(user, dataset):
    """Whoever sees a dataset may train on it, but of a team's its members train for the team, as its admins alone may.

    See decisions 008 and 039.
    """
    return dataset.team_id is None or not Right.INSIDE <= right_to(user, dataset) < Right.EDIT


def _image(dataset, image_id, images=DatasetImage.objects):
    image = images.filter(dataset=dataset, pk=image_id).first()
    if image is None:
        raise Http404("No such image in this dataset.")
    image.dataset = dataset
    return image
