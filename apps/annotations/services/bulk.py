"""Changing many labels at once, as the crop wall does, and taking it back."""

from collections import defaultdict

from django.db import transaction

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.labels import StaleRevision, as_dict, restore_revision, save_labels
from apps.annotations.services.shapes import BadLabels
from apps.datasets.models import DatasetImage

MOST = 5000


@transaction.atomic
def change_labels(dataset, ids, user, class_key=None):
    """Give the labels another class, or delete them where `class_key` is None; a new revision on each image.

    Returns what `undo_changes` needs: `[{image, before, after}]`, revisions of each image. Raises BadLabels.
    """
    chosen = defaultdict(set)
    for pk, image_id in Annotation.objects.of(dataset).filter(pk__in=ids).values_list("pk", "image_id"):
        chosen[image_id].add(pk)
    images = DatasetImage.objects.select_for_update().filter(pk__in=chosen).order_by("pk")
    return [_change(dataset, image, chosen[image.pk], user, class_key) for image in images]


def _change(dataset, image, pks, user, class_key):
    image.dataset = dataset
    rows = [as_dict(row) for row in Annotation.objects.filter(image=image)]
    if class_key is None:
        rows = [row for row in rows if row["id"] not in pks]
    else:
        rows = [row | {"class_key": class_key} if row["id"] in pks else row for row in rows]
    before = _kept(image, user)
    after, _ = save_labels(image, image.revision, rows, user)
    return {"image": image.pk, "before": before, "after": after}


def _kept(image, user):
    """The revision that holds the labels as they are; one is written where none does (retention, old imports)."""
    if not Revision.objects.filter(image=image, number=image.revision).exists():
        rows = list(Annotation.objects.filter(image=image))
        Revision.objects.create(
            image=image, number=image.revision, author=user, annotations=[as_dict(row) for row in rows],
            num_annotations=len(rows),
        )  # fmt: skip
    return image.revision


@transaction.atomic
def undo_changes(dataset, changes, user):
    """Take a bulk change back, on every image that nobody touched since; returns (undone, left) counts."""
    undone = left = 0
    images = DatasetImage.objects.in_bulk([change["image"] for change in changes])
    for change in changes:
        image = images.get(change["image"])
        old = Revision.objects.filter(image_id=change["image"], number=change["before"]).first()
        if image is None or image.dataset_id != dataset.pk or old is None:
            left += 1
            continue
        image.dataset = dataset
        try:
            with transaction.atomic():
                restore_revision(image, old, change["after"], user)
            undone += 1
        except (StaleRevision, BadLabels):
            left += 1
    return undone, left
