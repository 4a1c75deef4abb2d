"""“This label is right”: noted, so that an image leaves the lists of what models got wrong."""

from apps.models.models import ConfirmedLabels


def confirm_labels(image, revision, user):
    """Note that the labels of an image are right as `revision` has them; once is enough."""
    return ConfirmedLabels.objects.get_or_create(image=image, revision=revision, defaults={"confirmed_by": user})[0]


def unconfirm_labels(image, revision):
    """Take that back."""
    ConfirmedLabels.objects.filter(image=image, revision=revision).delete()
