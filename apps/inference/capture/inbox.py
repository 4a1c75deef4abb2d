"""A dataset's inbox: images that a deployment captured and nobody labelled yet."""

from django.db import transaction
from django.db.models import Count, Sum
from django.utils import timezone

from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage
from apps.inference.models import Captured

AT_ONCE = 200


def untouched(images):
    """Those of these images that nobody labelled, saved, tagged or grouped.

    A split alone is no sign of a person: splitting a whole dataset gives one to all of its images.
    """
    return images.filter(is_labeled=False, revision=0, group="", tags__isnull=True)


def in_inbox(capture):
    """The images that the capture brought in and that wait for labels; in whatever dataset they were put."""
    return DatasetImage.objects.filter(captured__capture=capture, is_labeled=False)


def filled(capture):
    """(images, bytes) that the inbox has, those included that are on their way."""
    there = in_inbox(capture).order_by().aggregate(images=Count("pk"), size=Sum("num_bytes", default=0))
    coming = capture.waiting.aggregate(images=Count("pk"), size=Sum("num_bytes", default=0))
    return there["images"] + coming["images"], there["size"] + coming["size"]


def known_bytes(dataset_id, hashes):
    """Those of these hashes whose pictures the dataset has, also in the trash: what was thrown out stays out."""
    rows = DatasetImage.all_objects.filter(dataset=dataset_id, sha256__in=hashes)
    # Two questions, for each has an index of its own.
    parts = rows.filter(deleted_at=None), rows.filter(deleted_at__isnull=False)
    return {sha256 for part in parts for sha256 in part.values_list("sha256", flat=True)}


def expired_images(now):
    """What was captured, and that nobody touched in its time."""
    return untouched(DatasetImage.objects.filter(captured__in=Captured.objects.filter(expires_at__lt=now)))


def delete_expired():
    """Delete it for good; returns how many."""
    images = expired_images(timezone.now())
    return sum(
        _delete(dataset, images)
        for dataset in Dataset.objects.filter(pk__in=images.order_by().values("dataset").distinct())
    )


def _delete(dataset, images):
    """Some at a time, each looked at again under its lock: whoever labels one this moment keeps it."""
    count = last = 0
    mine = images.filter(dataset=dataset).order_by("pk")
    while pks := list(mine.filter(pk__gt=last).values_list("pk", flat=True)[:AT_ONCE]):
        last = pks[-1]
        with transaction.atomic():
            Dataset.objects.select_for_update().filter(pk=dataset.pk).first()  # locked first, as whoever purges does
            locked = mine.filter(pk__in=pks).select_for_update(of=("self",), skip_locked=True)
            still = [image.pk for image in locked.only("pk")]
            count += datasets.purge_images(dataset, DatasetImage.objects.filter(pk__in=still))
    return count
