"""Labels as they come in: hostile until checked, then plain dicts in one shape."""

import math

from django.conf import settings

from apps.annotations.models import Annotation

FIELDS = ("class_id", "class_name", "x_center", "y_center", "width", "height", "points", "confidence", "source")
ROUNDING = 1e-4  # of the image: what tools that round to four digits are off by
MAX_POINTS = 5000


class BadLabels(ValueError):
    """Labels that cannot be taken; the message names the label by its place in the list, counting from 1."""


def clean_labels(dataset, items):
    """Check labels of an image of `dataset`; returns dicts of FIELDS, with `id` where the label has one.

    Boxes that stick out by a rounding error are clipped; anything else wrong raises BadLabels.
    """
    if len(items) > settings.MAX_BOXES_PER_IMAGE:
        raise BadLabels(f"{len(items)} labels on one image; at most {settings.MAX_BOXES_PER_IMAGE} are accepted.")
    labels = []
    for place, item in enumerate(items, 1):
        try:
            labels.append(clean_label(dataset.class_names, item))
        except BadLabels as bad:
            raise BadLabels(f"Label {place}: {bad}") from None
    ids = [label["id"] for label in labels if "id" in label]
    if len(ids) != len(set(ids)):
        raise BadLabels("The same id is there twice.")
    return labels


def clean_label(class_names, item):
    """One label as a dict of FIELDS (and `id`); raises BadLabels."""
    class_id = item["class_id"]
    if isinstance(class_id, bool) or not isinstance(class_id, int) or not 0 <= class_id < len(class_names):
        known = f"0 to {len(class_names) - 1}" if class_names else "none yet: add a class first"
        raise BadLabels(f"class_id {class_id!r} is not a class of this dataset ({known}).")
    points = _points(item.get("points"))
    box = _box_around(points) if points else _box(item)
    label = {"class_id": class_id, "class_name": class_names[class_id], **box, "points": points}
    label["confidence"] = _confidence(item.get("confidence"))
    label["source"] = item.get("source") or Annotation.Source.MANUAL
    if label["source"] not in Annotation.Source.values:
        raise BadLabels(f"source {label['source']!r} is none of {', '.join(Annotation.Source.values)}.")
    if item.get("id") is not None:
        label["id"] = item["id"]
    return label


def _box(item):
    values = {name: _number(item.get(name), name) for name in ("x_center", "y_center", "width", "height")}
    x1, x2 = _span(values["x_center"], values["width"], "width")
    y1, y2 = _span(values["y_center"], values["height"], "height")
    if (x1, x2, y1, y2) == (
        values["x_center"] - values["width"] / 2, values["x_center"] + values["width"] / 2,
        values["y_center"] - values["height"] / 2, values["y_center"] + values["height"] / 2,
    ):  # fmt: skip
        return values
    return _from_corners(x1, y1, x2, y2)


def _span(center, size, name):
    if size <= 0:
        raise BadLabels(f"{name} {size:g} must be more than 0.")
    low, high = center - size / 2, center + size / 2
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise BadLabels(f"reaches from {low:g} to {high:g} in {name}; the image is 0 to 1.")
    low, high = max(low, 0.0), min(high, 1.0)
    if high <= low:
        raise BadLabels("has no area inside the image.")
    return low, high


def _from_corners(x1, y1, x2, y2):
    return {"x_center": (x1 + x2) / 2, "y_center": (y1 + y2) / 2, "width": x2 - x1, "height": y2 - y1}


def _points(points):
    if points is None:
        return None
    if not isinstance(points, list) or not 3 <= len(points) <= MAX_POINTS:
        raise BadLabels(f"points is a list of 3 to {MAX_POINTS} [x, y] pairs, or null.")
    return [[_coordinate(x), _coordinate(y)] for x, y in map(_pair, points)]


def _pair(point):
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise BadLabels("each of the points is [x, y].")
    return point


def _coordinate(value):
    value = _number(value, "a point")
    if not -ROUNDING <= value <= 1 + ROUNDING:
        raise BadLabels(f"a point at {value:g} is outside the image (0 to 1).")
    return min(max(value, 0.0), 1.0)


def _box_around(points):
    xs, ys = [x for x, _ in points], [y for _, y in points]
    box = _from_corners(min(xs), min(ys), max(xs), max(ys))
    if box["width"] <= 0 or box["height"] <= 0:
        raise BadLabels("the polygon has no area.")
    return box


def _confidence(value):
    if value is None:
        return None
    value = _number(value, "confidence")
    if not 0 <= value <= 1:
        raise BadLabels(f"confidence {value:g} is not between 0 and 1.")
    return value


def _number(value, name):
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadLabels(f"{name} {value!r} is not a finite number.")
    return float(value)
