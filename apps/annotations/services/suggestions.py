"""Predictions as suggestions on images: kept apart from labels until a person accepts them."""

from django.db import transaction

from apps.annotations.models import Annotation, Suggestion

SAME_OBJECT_IOU = 0.7
FIELDS = ("class_key", "x_center", "y_center", "width", "height", "points", "confidence")


def worth_offering(image, predictions):
    """The predictions that no label of the same class covers already (IoU ≥ 0.7).

    `predictions` are dicts of FIELDS, boxes normalized to 0..1; `points` may be left out.
    """
    labels = list(Annotation.objects.filter(image=image))
    return [
        one
        for one in predictions
        if not any(
            row.class_key == one["class_key"] and iou(corners_of(row), corners(one)) >= SAME_OBJECT_IOU
            for row in labels
        )
    ]


@transaction.atomic
def replace_suggestions(image, model_name, predictions):
    """Keep `predictions` as the image's suggestions, instead of those that were there."""
    Suggestion.objects.filter(image=image).delete()
    Suggestion.objects.bulk_create(
        Suggestion(image=image, model_name=model_name, **{name: one.get(name) for name in FIELDS})
        for one in worth_offering(image, predictions)
    )


def suggestions_of(image):
    """The image's suggestions as the API shows them."""
    dataset, places = image.dataset, image.dataset.places
    rows = [{"id": row.pk, "model": row.model_name, **{name: getattr(row, name) for name in FIELDS}}
            for row in Suggestion.objects.filter(image=image)]  # fmt: skip
    offered = worth_offering(image, [row for row in rows if row["class_key"] in places])
    return [in_class(dataset, row) for row in offered]


def in_class(dataset, prediction):
    """A prediction with its class's position and name, as the API shows it."""
    place = dataset.place_of(prediction["class_key"])
    shown = {name: value for name, value in prediction.items() if name != "class_key"}
    return shown | {"class_id": place, "class_name": dataset.class_names[place]}


def drop_suggestions(image, ids=None):
    """Forget suggestions that were accepted or rejected; all of the image where no ids are given."""
    rows = Suggestion.objects.filter(image=image)
    (rows if ids is None else rows.filter(pk__in=ids)).delete()


def corners_of(row):
    """(x1, y1, x2, y2) of an annotation."""
    return corners({"x_center": row.x_center, "y_center": row.y_center, "width": row.width, "height": row.height})


def corners(box):
    """(x1, y1, x2, y2) of a box given by centre and size, or of its outline, which is what becomes the label."""
    if points := box.get("points"):
        xs, ys = zip(*points, strict=True)
        return min(xs), min(ys), max(xs), max(ys)
    x, y, w, h = box["x_center"], box["y_center"], box["width"] / 2, box["height"] / 2
    return x - w, y - h, x + w, y + h


def iou(one, other):
    """Intersection over union of two boxes given by corners."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return both / (areas - both)
