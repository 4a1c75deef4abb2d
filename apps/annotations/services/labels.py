"""Saving the labels of an image: the whole set at once, against the revision it started from."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.shapes import BOX, FIELDS, BadLabels, clean_labels
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage

State = DatasetImage.State


class StaleRevision(Exception):
    """Someone saved in between. `current` is the image as it is now."""

    def __init__(self, current):
        self.current = current
        super().__init__("This image was changed since you opened it. Nothing was overwritten.")


@transaction.atomic
def save_labels(image, revision, items, user, labeled=True, kind=Revision.Kind.EDIT):
    """Replace the labels of `image` by `items`; returns (new revision, annotations).

    A constant number of queries, whatever the number of labels. Raises BadLabels, StaleRevision where `revision` is
    not the image's own any more, or DatasetImage.DoesNotExist where it was deleted meanwhile; nothing is changed then.
    """
    labels = clean_labels(image.dataset, items)
    _take_revision(image, revision)
    before = {row.pk: row for row in Annotation.objects.filter(image=image)}
    _forget_gone_ids(labels, before)
    change = _write(image, before, labels)
    rows = list(Annotation.objects.filter(image=image).order_by("pk"))
    _write_image(image, len(rows), labeled=labeled or bool(rows))
    _keep_revision(image, rows, user, kind, change)
    return image.revision, rows


def _take_revision(image, revision):
    """The conditional update that decides who of two savers was first; it also locks the row until the commit."""
    taken = DatasetImage.objects.filter(pk=image.pk, revision=revision).update(revision=F("revision") + 1)
    if not taken:
        raise StaleRevision(DatasetImage.objects.get(pk=image.pk))
    fresh = DatasetImage.objects.get(pk=image.pk)
    image.revision, image.is_labeled, image.state = fresh.revision, fresh.is_labeled, fresh.state
    image.num_boxes = fresh.num_boxes


def _forget_gone_ids(labels, before):
    """A label whose row was deleted, and that is back by undo or in a merged set, is a new one."""
    gone = [label for label in labels if "id" in label and label["id"] not in before]
    elsewhere = gone and Annotation.objects.filter(pk__in=[label["id"] for label in gone]).first()
    if elsewhere:
        raise BadLabels(f"The label with id {elsewhere.pk} is not one of this image.")
    for label in gone:
        del label["id"]


def _write(image, before, labels):
    """Insert, change and delete rows; returns how many of each."""
    kept = {label["id"]: label for label in labels if "id" in label}
    added = [Annotation(image=image, **_columns(label)) for label in labels if "id" not in label]
    changed = []
    for pk, label in kept.items():
        row, columns = before[pk], _columns(label)
        if any(getattr(row, name) != columns[name] for name in FIELDS):
            changed.append(Annotation(pk=pk, image=image, created_at=row.created_at, **columns))
    removed = set(before) - set(kept)
    if removed:
        Annotation.objects.filter(image=image).exclude(pk__in=list(kept)).delete()
    if changed:
        Annotation.objects.bulk_create(changed, update_conflicts=True, unique_fields=["id"], update_fields=FIELDS)
    Annotation.objects.bulk_create(added)
    return {"added": len(added), "changed": len(changed), "removed": len(removed)}


def _columns(label):
    return {name: label[name] for name in FIELDS}


def _write_image(image, num_boxes, labeled):
    was_labeled, boxes_before = image.is_labeled, image.num_boxes
    state = State.LABELED if labeled else State.UNLABELED
    DatasetImage.objects.filter(pk=image.pk).update(num_boxes=num_boxes, is_labeled=labeled, state=state)
    image.num_boxes, image.is_labeled, image.state = num_boxes, labeled, state
    difference = int(labeled) - int(was_labeled)
    Dataset.objects.filter(pk=image.dataset_id).update(
        num_labeled=F("num_labeled") + difference, num_boxes=F("num_boxes") + num_boxes - boxes_before,
        updated_at=timezone.now(),
    )  # fmt: skip


def _keep_revision(image, rows, user, kind, change):
    Revision.objects.create(
        image=image, number=image.revision, author=user, kind=kind, annotations=[as_dict(row) for row in rows],
        num_annotations=len(rows), **change,
    )  # fmt: skip


def as_dict(row):
    """An annotation as the revision keeps it: its class by its permanent number."""
    return {"id": row.pk, **{name: getattr(row, name) for name in FIELDS}}


def living_labels(dataset, labels):
    """Kept labels in the classes of now: those of a merged class in the one that has them, none of a deleted class."""
    places = dataset.places
    keys = [label.get("class_key", label.get("class_id")) for label in labels]  # the first revisions had positions
    heirs = {} if places.keys() >= set(keys) else datasets.successors(dataset)
    keys = [heirs.get(key, key) for key in keys]
    columns = ("id", *FIELDS)
    return [
        {name: key if name == "class_key" else label[name] for name in columns}
        for label, key in zip(labels, keys, strict=True)
        if key in places
    ]


def shown_labels(dataset, labels):
    """Kept labels as the API shows them: with the position and the name that their class has now."""
    places, shown = dataset.places, []
    for label in living_labels(dataset, labels):
        place = places[label.pop("class_key")]
        shown.append({"id": label.pop("id"), "class_id": place, "class_name": dataset.class_names[place], **label})
    return shown


def add_labels(image, items, user):
    """Add to the labels of an image, on top of whatever revision it is at."""
    new = [{name: label[name] for name in FIELDS} for label in clean_labels(image.dataset, items)]
    return _edit(image, user, lambda labels: [*labels, *new])


def change_label(image, annotation_id, values, user):
    """Change one label: the fields that `values` has."""
    if not isinstance(values, dict):
        raise BadLabels("A change is an object with the fields to change.")

    def changed(label):
        if label["points"] and "points" not in values and any(name in values for name in BOX):
            raise BadLabels("This label is a polygon: change its points, or send points null to make it a box.")
        if "class_id" in values:
            label = {name: value for name, value in label.items() if name != "class_key"}
        return {**label, **values, "id": annotation_id}

    return _edit(image, user, lambda labels: [changed(x) if x["id"] == annotation_id else x for x in labels])


def delete_label(image, annotation_id, user):
    """Delete one label; the image stays labelled."""
    return _edit(image, user, lambda labels: [x for x in labels if x["id"] != annotation_id])


@transaction.atomic
def _edit(image, user, change):
    DatasetImage.objects.select_for_update().get(pk=image.pk)
    labels = [as_dict(row) for row in Annotation.objects.filter(image=image)]
    revision = DatasetImage.objects.values_list("revision", flat=True).get(pk=image.pk)
    return save_labels(image, revision, change(labels), user)


def restore_revision(image, old, revision, user):
    """Make the labels of `old`, an earlier revision, the current ones, as a new revision."""
    labels = living_labels(image.dataset, old.annotations)
    return save_labels(image, revision, labels, user, kind=Revision.Kind.RESTORE)
