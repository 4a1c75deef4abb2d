"""The regions of one Label Studio result, as shapes."""

from __future__ import annotations

from collections.abc import Callable
from posixpath import basename
from typing import Any

from .base import Code, FormatError
from .boxes import enclosing
from .collect import MANUAL, MAX_POINTS, MODEL, Collection, Found
from .geometry import ellipse, rectangle, scaled, turned
from .image_size import image_size
from .labelstudio_task import Annotation
from .text import clean_name, number, numbers, pixels, shown

Tell = Callable[[str, Code], None]


def count_shapes(result: list[Any]) -> int:
    return sum(isinstance(region, dict) and bool(_labels(region)) for region in result)


def _labels(region: dict[str, Any]) -> list[str]:
    """The region's classes; a region's value has them under the name of its type."""
    value, key = region.get("value"), region.get("type")
    if not isinstance(value, dict):
        return []
    if not isinstance(key, str) or not key.endswith("labels"):
        key = next((key for key in value if key.endswith("labels")), "")
    labels = value.get(key)
    return [name for name in map(clean_name, labels) if name] if isinstance(labels, list) else []


class RegionReader:
    """Adds one annotation's regions to the collection, and tells what is wrong with them."""

    def __init__(self, collection: Collection, found: Found, image: str, annotation: Annotation, tell: Tell):
        self._collection, self._found, self._image = collection, found, image
        self._annotation, self._say = annotation, tell
        self._turned_told = False

    def read(self) -> None:
        regions = [region for region in self._annotation.result if isinstance(region, dict)]
        if len(regions) < len(self._annotation.result):
            self._tell("a region is no object", Code.BAD_VALUE)
        self._found.size = next(filter(None, map(_size, regions)), None)
        with_labels = [(region, _labels(region)) for region in regions]
        named = {str(region.get("id")) for region, labels in with_labels if labels}
        for region, labels in with_labels:
            if labels:
                self._region(region, labels)
            elif str(region.get("id")) not in named:  # else it only says more of a region with labels
                self._without_labels(region)

    def _without_labels(self, region: dict[str, Any]) -> None:
        kind, value = shown(region.get("type", "region")), region.get("value")
        if isinstance(value, dict) and ("points" in value or "width" in value):
            self._tell(f"a {kind} has no label", Code.BAD_VALUE)
        else:
            self._tell(f"{kind} is neither a box nor a polygon; left out", Code.UNSUPPORTED)

    def _region(self, region: dict[str, Any], labels: list[str]) -> None:
        value, label = region["value"], labels[0]
        if len(labels) > 1:
            self._tell(f"of the labels {shown(', '.join(labels))} the first is kept", Code.SIMPLIFIED)
        if region.get("image_rotation") and not self._turned_told:
            self._turned_told = True
            self._tell("the image was turned in Label Studio; see whether its boxes lie right", Code.NOTE)
        try:
            shape = self._shape(value, label)
        except FormatError as error:
            self._collection.problems.add_error(error)
            return
        if shape is None:
            return
        corners, points = shape
        score = number(region.get("score"))
        score = number(self._annotation.score) if score is None and self._annotation.is_prediction else score
        by_model = self._annotation.is_prediction or region.get("origin") == "prediction"
        self._collection.add_shape(
            self._image,
            label,
            self._found.line,
            corners,
            points=points,
            score=score if score is not None and 0 <= score <= 1 else None,
            tag=MODEL if by_model else MANUAL,
        )

    def _shape(self, value: dict[str, Any], label: str):
        """(corners, points or None) as fractions; None, and told, where the value is neither box nor polygon."""
        if "points" in value and isinstance(value["points"], list):
            points = _points(value["points"])
            if points:
                return enclosing(points), points
        elif "radiusX" in value:
            sides = [number(value.get(key)) for key in ("x", "y", "radiusX", "radiusY", "rotation")]
            if None not in sides[:4]:
                return self._ellipse(sides, label)
        elif "height" in value:
            sides = numbers(map(value.get, ("x", "y", "width", "height")))
            if sides is not None:
                return self._rectangle(sides, number(value.get("rotation")) or 0)
        else:
            reason = f"{shown(label)}: a region with {shown(', '.join(value))} is neither a box nor a polygon; left out"
            self._tell(reason, Code.UNSUPPORTED)
            return None
        self._tell(f"{shown(label)}: a region has no usable coordinates", Code.BAD_VALUE)
        return None

    def _rectangle(self, sides: list[float], rotation: float):
        x, y, width, height = (side / 100 for side in sides)
        corners = x, y, x + width, y + height
        if not rotation % 360:
            return corners, None
        size = self._size()
        pixel_corners = scaled(rectangle(*corners), *size)
        points = scaled(turned(pixel_corners, rotation, pixel_corners[:2]), 1 / size[0], 1 / size[1])
        return enclosing(points), points

    def _ellipse(self, sides: list[float], label: str):
        size = self._size()
        x, y, radius_x, radius_y = scaled([side / 100 for side in sides[:4]], *size)
        self._tell(f"{shown(label)}: an ellipse became a polygon", Code.SIMPLIFIED)
        points = scaled(ellipse(x, y, radius_x, radius_y, sides[4] or 0), 1 / size[0], 1 / size[1])
        return enclosing(points), points

    def _size(self) -> tuple[int, int]:
        """Of the image in pixels, without which nothing can be turned. Raises FormatError."""
        if self._found.size is None:
            self._found.size = image_size(self._collection.source, self._image)
        return self._found.size

    def _tell(self, reason: str, code: Code) -> None:
        self._say(f"{basename(self._image)}: {reason}", code)


def _size(region: dict[str, Any]) -> tuple[int, int] | None:
    width, height = pixels(region.get("original_width")), pixels(region.get("original_height"))
    return (width, height) if width and height else None


def _points(values: list[Any]) -> list[float] | None:
    """[[x, y], …] in percent, as flat fractions."""
    if not 3 <= len(values) <= MAX_POINTS:
        return None
    if not all(isinstance(point, list) and len(point) == 2 for point in values):
        return None
    flat = numbers(part for point in values for part in point)
    return None if flat is None else [part / 100 for part in flat]
