"""Reviewing labels: accepted, or sent back with a note."""

from django.db import transaction

from apps.annotations.models import Review
from apps.annotations.services.labels import StaleRevision
from apps.core.access import Right
from apps.core.webhooks.telling import tell
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage

STATES = {Review.Action.ACCEPT: DatasetImage.State.REVIEWED, Review.Action.SEND_BACK: DatasetImage.State.NEEDS_WORK}


class NothingToReview(ValueError):
    """The image has no labels that were looked at yet."""


@transaction.atomic
def review_image(image, revision, reviewer, action, note=""):
    """Accept the labels of `revision`, or send them back; returns the review.

    Raises StaleRevision where the labels changed meanwhile, NothingToReview where the image is unlabelled.
    """
    moved = DatasetImage.objects.filter(pk=image.pk, revision=revision, is_labeled=True).update(state=STATES[action])
    if not moved:
        current = DatasetImage.objects.filter(pk=image.pk).first()
        if current and current.revision != revision:
            raise StaleRevision(current)
        raise NothingToReview("This image is not labelled yet: there is nothing to review.")
    image.state = STATES[action]
    datasets.touch(image.dataset)
    return Review.objects.create(image=image, revision=revision, reviewer=reviewer, action=action, note=note)


def ask_for_review(dataset, user, note=""):
    """Have the webhooks of the team, and of all who may review the dataset, told that labels wait; returns of how many
    images. Raises NothingToReview where none are.
    """
    waiting = dataset.images.filter(state=DatasetImage.State.LABELED).count()
    if not waiting:
        raise NothingToReview("No image waits for a review: those that are labelled were reviewed, or sent back.")
    told = {
        "dataset_id": dataset.pk, "name": dataset.name, "by": user.get_username(), "images": waiting, "note": note,
        "api": f"/api/v1/datasets/{dataset.pk}", "page": f"/datasets/{dataset.pk}/",
    }  # fmt: skip
    tell("review.asked", dataset, told, members=Right.REVIEW)
    return waiting
