"""What people change of a capture."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.urls import reverse

from apps.core.access import Right, may
from apps.inference.capture.inbox import filled, in_inbox
from apps.inference.models import Capture, Captured
from apps.inference.prelabel import class_mapping

DAY = timedelta(days=1)


def capture_of(deployment):
    """The deployment's capture, or None where none was ever set."""
    return Capture.objects.select_related("dataset", "user", "deployment").filter(deployment=deployment).first()


@transaction.atomic
def set_capture(deployment, user, dataset, **values):
    """Set how a deployment captures, and turn it on or off; returns the Capture.

    `values`: is_on, mode, rate, below, max_images, max_bytes, keep_days. Other days hold for what was captured, too.
    Both the deployment and the dataset must be `user`'s to change: that is the caller's to check.
    """
    capture, _ = Capture.objects.update_or_create(
        deployment=deployment, defaults={"dataset": dataset, "user": user, "stopped": "", **values}
    )
    Captured.objects.filter(capture=capture).update(expires_at=F("created_at") + capture.keep_days * DAY)
    return capture


def figures_of(capture):
    """What came of a capture: its inbox against the caps, what was labelled, what was left out."""
    images, size = filled(capture)
    rows = Captured.objects.filter(capture=capture)
    return {
        "in_inbox": images, "bytes": size, "waiting": capture.waiting.count(),
        "labelled": rows.filter(image__is_labeled=True, image__deleted_at=None).count(),
        "trashed": rows.filter(image__deleted_at__isnull=False).count(),
        "known": capture.num_known, "over": capture.num_over,
        "next_to_go": rows.filter(image__in=in_inbox(capture)).order_by("expires_at")
        .values_list("expires_at", flat=True).first(),
    }  # fmt: skip


def unmapped_classes(deployment, dataset):
    """Names of the live model's classes that the dataset lacks: their boxes are not suggested."""
    return class_mapping(deployment.model, dataset)[1] if deployment.model else []


def own_dataset(capture, user):
    """The dataset that a capture has already, where `user` may change it; else None."""
    return capture.dataset if capture and may(user, Right.EDIT, capture.dataset) else None


def inbox_url(capture):
    """The gallery with what was captured into the dataset and nobody labelled; the workspace takes the same filter."""
    return reverse("datasets:dataset_detail", args=[capture.dataset_id]) + "?inbox=true"
