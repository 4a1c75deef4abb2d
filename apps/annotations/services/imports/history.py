"""Revisions and tags of imported images: the import's own, and those that an archive of this platform brings."""

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.annotations.models import Revision
from apps.annotations.services.labels import as_dict
from apps.annotations.services.shapes import FIELDS
from apps.datasets.models import DatasetImage, Tag

MAX_TAGS = 100  # of an image
MAX_TAG = Tag._meta.get_field("name").max_length


@dataclass
class Step:
    """A revision on its way in; `made_at` is when it was made, None for now."""

    revision: Revision
    made_at: datetime | None = None

    def hold(self, image, rows=None):
        """Belong to this saved image and, where it is the newest, hold these labels, which have ids now."""
        self.revision.image = image
        if rows is not None:
            self.revision.annotations = [as_dict(row) for row in rows]


def steps_of(history, labels, owner):
    """The Steps that `history` (revisions as the archive has them, oldest first) and the import itself make.

    `labels` are those that the image gets, None where it stays unlabelled. A step of the import's own is added where
    the history does not end in them. Other people's names are not taken over: an archive proves nothing about them.
    """
    steps, before = [], []
    for past in history:
        steps.append(Step(_revision(past, before, owner), _time(past["time"])))
        before = past["annotations"]
    if labels is not None and (not steps or _contents(before) != _contents(labels)):
        number = steps[-1].revision.number + 1 if steps else 1
        own = {"number": number, "kind": Revision.Kind.IMPORT, "author": owner.username, "annotations": labels}
        steps.append(Step(_revision(own, before, owner)))
    return steps


def _revision(past, before, owner):
    kind = past["kind"] if past["kind"] in Revision.Kind.values else Revision.Kind.EDIT
    old, new = _contents(before), _contents(past["annotations"])
    return Revision(
        number=past["number"], kind=kind, author=owner if past["author"] == owner.username else None,
        annotations=past["annotations"], num_annotations=len(past["annotations"]), added=len(new - old),
        removed=len(old - new),
    )  # fmt: skip


def _contents(labels):
    return {repr([label[name] for name in FIELDS]) for label in labels}


def _time(text):
    """The moment that the text names, where it lies in the past."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    if moment is None:
        return None
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=timezone.get_default_timezone())
    return moment if moment < timezone.now() else None


def tag_images(dataset, tagged):
    """Put the tags that the archive has on (saved image, labels) pairs; those that the dataset lacks are made."""
    wanted = {image.pk: _tags(labels) for image, labels in tagged}
    names = {name for names in wanted.values() for name in names}
    if not names:
        return
    Tag.objects.bulk_create([Tag(dataset=dataset, name=name) for name in sorted(names)], ignore_conflicts=True)
    ids = dict(Tag.objects.filter(dataset=dataset, name__in=names).values_list("name", "pk"))
    through = DatasetImage.tags.through
    through.objects.bulk_create(
        through(datasetimage_id=pk, tag_id=ids[name]) for pk, names in wanted.items() for name in names
    )


def _tags(labels):
    tags = (" ".join(tag.split())[:MAX_TAG].strip() for tag in (labels.extra or {}).get("tags", ())[:MAX_TAGS])
    return {tag for tag in tags if tag}
