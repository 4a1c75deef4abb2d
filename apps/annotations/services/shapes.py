"""Labels as they come in: hostile until checked, then plain dicts in one shape."""

from reprlib import repr as shown

from django.conf import settings

from apps.annotations.models import Annotation
from apps.datasets.services import successors

BOX = ("x_center", "y_center", "width", "height")
FIELDS = ("class_key", *BOX, "points", "confidence", "source")
ROUNDING = 1e-4  # of the image: what tools that round to four digits are off by
EXACT = 1e-12  # of the image: what floating point is off by
MAX_POINTS = 5000
MAX_ID = 2**63 - 1
MAX_NUMBER = 1e300  # NaN, infinities and whole numbers too long for a float are all beyond it


class BadLabels(ValueError):
    """Labels that cannot be taken; the message names the label by its place in the list, counting from 1."""


def clean_labels(dataset, items):
    """Check labels of an image of `dataset`; returns dicts of FIELDS, with `id` where the label has one.

    Boxes that stick out by a rounding error are clipped; anything else wrong raises BadLabels.
    """
    if len(items) > settings.MAX_BOXES_PER_IMAGE:
        raise BadLabels(f"{len(items)} labels on one image; at most {settings.MAX_BOXES_PER_IMAGE} are accepted.")
    labels, heirs = [], successors(dataset) if _names_a_class_that_is_gone(dataset, items) else {}
    for place, item in enumerate(items, 1):
        try:
            labels.append(clean_label(dataset, item, heirs))
        except BadLabels as bad:
            raise BadLabels(f"Label {place}: {bad}") from None
    ids = [label["id"] for label in labels if "id" in label]
    if len(ids) != len(set(ids)):
        raise BadLabels("The same id is there twice.")
    return labels


def from_outside(items, class_keys=None):
    """Labels as a caller sends them: `class_id` is a position in `class_keys`, the classes as the caller knows them.

    Without `class_keys`, in the classes as they are now. So a page that was opened before classes were reordered still
    says what it means. Whatever is wrong is left for `clean_labels` to say.
    """
    return [_from_outside(item, class_keys) if isinstance(item, dict) else item for item in items]


def _from_outside(item, class_keys):
    item = {name: value for name, value in item.items() if name != "class_key"}
    class_id = item.get("class_id")
    if class_keys and isinstance(class_id, int) and not isinstance(class_id, bool) and 0 <= class_id < len(class_keys):
        del item["class_id"]
        item["class_key"] = class_keys[class_id]
    return item


def clean_label(dataset, item, heirs=None):
    """One label as a dict of FIELDS (and `id`); raises BadLabels.

    Its class is named by `class_key`, its permanent number, or else by `class_id`, its position now. `heirs` are the
    `successors` of classes that were merged or deleted.
    """
    if not isinstance(item, dict):
        raise BadLabels(f"{shown(item)} is not an object with a class_id and a box.")
    label = {"class_key": _class_key(dataset, item, heirs or {}), **clean_shape(item)}
    if item.get("id") is not None:
        label["id"] = _id(item["id"])
    return label


def clean_shape(item):
    """A label without its class and id: its box, points, confidence and source; raises BadLabels."""
    points = _points(item.get("points"))
    label = {**(_box_around(points) if points else _box(item)), "points": points}
    label["confidence"] = _confidence(item.get("confidence"))
    label["source"] = Annotation.Source.MANUAL if item.get("source") is None else item["source"]
    if label["source"] not in Annotation.Source.values:
        raise BadLabels(f"source {shown(label['source'])} is none of {', '.join(Annotation.Source.values)}.")
    return label


def class_key_of(dataset, class_id, class_keys=None):
    """The permanent number of the class at a position that came from outside, in `class_keys` or in the classes of now.

    Raises BadLabels.
    """
    if class_keys and class_id < len(class_keys):
        return _class_key(dataset, {"class_key": class_keys[class_id]}, successors(dataset))
    names = dataset.class_names
    if isinstance(class_id, bool) or not isinstance(class_id, int) or not 0 <= class_id < len(names):
        known = f"0 to {len(names) - 1}" if names else "none yet: add a class first"
        raise BadLabels(f"class_id {shown(class_id)} is not a class of this dataset ({known}).")
    return dataset.class_keys[class_id]


def _class_key(dataset, item, heirs):
    key = item.get("class_key")
    if key is None:
        return class_key_of(dataset, item.get("class_id"))
    if isinstance(key, int) and not isinstance(key, bool):
        key = heirs.get(key, key)
        if key in dataset.class_keys:
            return key
    raise BadLabels(f"class_key {shown(item['class_key'])} is no class of this dataset, or was deleted.")


def _names_a_class_that_is_gone(dataset, items):
    keys = {item.get("class_key") for item in items if isinstance(item, dict) and _is_hashable_number(item)}
    return bool(keys - {None, *dataset.class_keys})


def _is_hashable_number(item):
    return isinstance(item.get("class_key"), int)


def _id(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MAX_ID:
        raise BadLabels(f"id {shown(value)} is not an id: a whole number above 0, or none for a new label.")
    return value


def _box(item):
    values = {name: _number(item.get(name), name) for name in BOX}
    x, width = _span(values["x_center"], values["width"], "width")
    y, height = _span(values["y_center"], values["height"], "height")
    return dict(zip(BOX, (x, y, width, height), strict=True))


def _span(center, size, name):
    """Centre and size inside the image. What is inside stays to the last bit, so that saving twice changes nothing."""
    if size <= 0:
        raise BadLabels(f"{name} {size:g} must be more than 0.")
    low, high = center - size / 2, center + size / 2
    if low < -ROUNDING or high > 1 + ROUNDING:
        raise BadLabels(f"reaches from {low:g} to {high:g} in {name}; the image is 0 to 1.")
    if low >= -EXACT and high <= 1 + EXACT:
        return center, size
    low, high = max(low, 0.0), min(high, 1.0)
    if high <= low:
        raise BadLabels("has no area inside the image.")
    return (low + high) / 2, high - low


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
    if box["width"] <= 0 or box["height"] <= 0 or _on_one_line(points):
        raise BadLabels("the polygon has no area.")
    return box


def _on_one_line(points):
    x0, y0 = points[0]
    dx, dy = max(((x - x0, y - y0) for x, y in points), key=lambda way: way[0] ** 2 + way[1] ** 2)
    return all(abs((x - x0) * dy - (y - y0) * dx) < EXACT for x, y in points)


def _confidence(value):
    if value is None:
        return None
    value = _number(value, "confidence")
    if not 0 <= value <= 1:
        raise BadLabels(f"confidence {value:g} is not between 0 and 1.")
    return value


def _number(value, name):
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= MAX_NUMBER:
        raise BadLabels(f"{name} {shown(value)} is not a finite number.")
    return float(value)
