"""One LabelMe JSON file."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from math import hypot
from typing import Any

from .base import Code, FormatError, Source
from .boxes import enclosing
from .collect import MAX_POINTS, Collection
from .geometry import ellipse, scaled
from .jsonstream import stream_items
from .text import clean_name, numbers, pixels, shown

MAX_SHAPES = 100_000  # in one file
_SAMPLE_ITEMS = 300
_IMAGE_KEYS = ("imagePath", "imageData", "imageHeight")
_POLYGONS = ("polygon", "rotation", "oriented_rectangle")  # the latter of LabelMe's successors


@dataclass
class LabelMeFile:
    """`size` is width and height in pixels, where the file tells; `shapes` are (line, shape)."""

    name: str
    image_path: str = ""
    size: tuple[int, int] | None = None
    shapes: list[tuple[int, Any]] = field(default_factory=list)


def is_labelme(source: Source, name: str) -> bool:
    """Whether the file has shapes, and a shape or a key that is LabelMe's."""
    has_shapes = has_image = False
    try:
        for item in islice(stream_items(source, name), _SAMPLE_ITEMS):
            has_shapes = has_shapes or (item.key == "shapes" and item.index == -1)
            has_image = has_image or item.key in _IMAGE_KEYS
            is_shape = item.key == "shapes" and isinstance(item.value, dict) and "points" in item.value
            if is_shape or (has_shapes and has_image):
                return True
    except FormatError:
        return False
    return False


def load_file(source: Source, name: str) -> LabelMeFile | None:
    """None for other JSON. Raises FormatError."""
    file, values, has_shapes = LabelMeFile(name), {}, False
    for item in stream_items(source, name):
        if item.key == "shapes" and item.index is not None:
            has_shapes = True
            if item.index >= MAX_SHAPES:
                raise FormatError(name, item.line, f"has more than {MAX_SHAPES} shapes")
            if item.index >= 0:
                file.shapes.append((item.line, item.value))
        elif item.index is None and item.key in ("imagePath", "imageWidth", "imageHeight"):
            values[item.key] = item.value
    if not has_shapes:
        return None
    file.image_path = values["imagePath"].strip() if isinstance(values.get("imagePath"), str) else ""
    width, height = pixels(values.get("imageWidth")), pixels(values.get("imageHeight"))
    file.size = (width, height) if width and height else None
    return file


def read_shape(collection: Collection, file: str, image: str, size: tuple[int, int], line: int, value: Any) -> None:
    """Add the shape to the collection, or tell what is wrong with it."""

    def tell(reason: str, code: Code) -> None:
        collection.problems.add(file, line, reason, code)

    value = value if isinstance(value, dict) else {}
    label, kind = clean_name(value.get("label")), str(value.get("shape_type") or "polygon")
    points = _points(value.get("points"))
    if not label or points is None:
        what = "label" if not label else f"list of points ({shown(value.get('points'))})"
        tell(f"a shape has no usable {what}", Code.BAD_VALUE)
        return
    needed = {"rectangle": 2, "circle": 2, "mask": 2}.get(kind, 3 if kind in _POLYGONS else 0)
    if not needed:
        reason = f"{shown(label)}: a shape of type {shown(kind)} is neither a box nor a polygon; left out"
        tell(reason, Code.UNSUPPORTED)
        return
    if len(points) < 2 * needed:
        tell(f"{shown(label)}: {len(points) // 2} points are too few for a {kind}", Code.BAD_VALUE)
        return
    if kind == "circle":
        x, y, edge_x, edge_y = points[:4]
        radius = hypot(edge_x - x, edge_y - y)
        points = ellipse(x, y, radius, radius)
        tell(f"{shown(label)}: a circle became a polygon", Code.SIMPLIFIED)
    elif kind == "mask":
        tell(f"{shown(label)}: the mask is left out, its box is kept", Code.SIMPLIFIED)
    points = scaled(points, 1 / size[0], 1 / size[1])
    is_box = kind in ("rectangle", "mask")
    collection.add_shape(image, label, line, enclosing(points), points=None if is_box else points)


def _points(values: Any) -> list[float] | None:
    """[[x, y], …] flat, or None."""
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_POINTS:
        return None
    if not all(isinstance(point, list) and len(point) >= 2 for point in values):
        return None
    return numbers(part for point in values for part in point[:2])
