"""Many images changed at once, and taken back: one door for the gallery and the API."""

from collections import defaultdict
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.datasets.models import Dataset, DatasetImage, ImageChange
from apps.datasets.services.datasets import refresh_counts
from apps.datasets.services.images import set_split
from apps.datasets.services.tags import set_tags, tag_images, untag_images
from apps.datasets.services.trash import restore_images, trash_images, trashed_images

UNDO_HOURS = 24
CHUNK = 5000
Action = ImageChange.Action


class ListChanged(Exception):
    """Other images match than the person saw; the message says how many."""


@transaction.atomic
def change_images(dataset, images, user, action, expect=None, **values):
    """Do `action` (delete, restore, split, tag, untag, group) to the images of this queryset, in one transaction.

    `values`: `split`, `tags` or `group`. `expect`: how many the person was told; raises ListChanged where it is another
    number. Returns `{count, undo, refused}`: `undo` is a number for `undo_change`, or None.
    """
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    if expect is not None and (count := images.count()) != expect:
        raise ListChanged(f"The list has changed: {count} images match now, not {expect}. Look again.")
    answer = {"undo": None, "refused": []}
    if action == "delete":
        answer["count"], answer["undo"] = _trash(dataset, images, user)
    elif action == "split":
        answer["count"], answer["undo"] = _split(dataset, images, user, values["split"])
    elif action == "restore":
        answer["count"], answer["refused"] = restore_images(dataset, images, user)
    elif action == "group":
        answer["count"] = set_group(dataset, images, values["group"])
    else:
        answer["count"] = (tag_images if action == "tag" else untag_images)(dataset, images, values["tags"])
    return answer


def _trash(dataset, images, user):
    moment = timezone.now()
    count = trash_images(dataset, images, user, moment)
    if not count:
        return 0, None
    change = ImageChange.objects.create(dataset=dataset, user=user, action=Action.DELETE, moment=moment)
    return count, change.pk


def _split(dataset, images, user, split):
    former = defaultdict(list)
    for pk, was in images.order_by("pk").values_list("pk", "split"):
        if was != split:
            former[was].append(pk)
    count = set_split(dataset, images, split)
    if not former:
        return count, None
    change = ImageChange.objects.create(dataset=dataset, user=user, action=Action.SPLIT, split=split, former=former)
    return count, change.pk


@transaction.atomic
def change_image(image, split=None, tags=None, group=None):
    """Change one image: what is not None. Raises BadTag."""
    one = DatasetImage.objects.filter(pk=image.pk)
    if split is not None:
        set_split(image.dataset, one, split)
        image.split = split
    if group is not None:
        set_group(image.dataset, one, group)
        image.group = group
    if tags is not None:
        set_tags(image, tags)


def set_group(dataset, images, group):
    """Say which source the images of this queryset are from ("" for none): one group never parts in a split."""
    count = images.filter(dataset=dataset).order_by().update(group=group)
    refresh_counts(dataset)
    return count


@transaction.atomic
def undo_change(change, actor=None):
    """Take a change back: exactly the images that it changed, where nobody changed them since.

    Returns `(count, refused)` as `restore_images`. The change is gone then: a second undo finds nothing.
    """
    dataset = change.dataset
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    if not ImageChange.objects.filter(pk=change.pk).delete()[0]:
        return 0, []
    if change.action == Action.DELETE:
        mine = trashed_images(dataset).filter(deleted_at=change.moment, deleted_by=change.user)
        return restore_images(dataset, mine, actor)
    count = 0
    for split, pks in change.former.items():
        for start in range(0, len(pks), CHUNK):
            same = DatasetImage.objects.filter(dataset=dataset, split=change.split, pk__in=pks[start : start + CHUNK])
            count += same.update(split=split)
    refresh_counts(dataset)
    return count, []


def forget_old_changes():
    """Changes can be taken back for a day; returns how many went."""
    return ImageChange.objects.filter(created_at__lt=timezone.now() - timedelta(hours=UNDO_HOURS)).delete()[0]
