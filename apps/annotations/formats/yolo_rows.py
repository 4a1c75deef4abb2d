"""One line of a YOLO label file.

    detect    class x_center y_center width height [confidence]
    segment   class x1 y1 x2 y2 x3 y3 …            [confidence]
    OBB       class x1 y1 x2 y2 x3 y3 x4 y4
    pose      class x_center y_center width height  (x y [visibility]) per keypoint

The number of values tells most of them apart. A pose row is told from a polygon by the keypoint shape in
the data.yaml, or else by its visibilities, which are 0, 1 or 2 and nothing between.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from .boxes import enclosing
from .text import shown

MAX_VALUES = 20_000  # 10,000 polygon points


class RowError(ValueError):
    """The line is no row; the text says why."""


@dataclass(slots=True)
class Row:
    """`corners` (x1, y1, x2, y2) and `points` are as written (normalised), not checked against the image."""

    class_id: int
    corners: tuple[float, float, float, float]
    points: tuple[float, ...] | None = None
    confidence: float | None = None
    keypoints: bool = False


def parse_row(line: str, keypoint_values: int = 0) -> Row:
    """The row in `line`. `keypoint_values` is how many values of a pose row are keypoints (0: not known).
    Raises RowError."""
    fields = line.split()
    if len(fields) < 5:
        raise RowError(f"{len(fields)} values where at least 5 are needed: {shown(line)}")
    if len(fields) > MAX_VALUES:
        raise RowError(f"{len(fields)} values are more than the {MAX_VALUES} a row may have")
    class_id = _class_id(fields[0])
    try:
        values = list(map(float, fields[1:]))
    except ValueError as error:
        raise RowError(f"a value is not a number: {shown(line)}") from error
    if not all(map(isfinite, values)):
        raise RowError(f"a value is not a finite number: {shown(line)}")
    count = len(values)
    if count == 4:
        return Row(class_id, _corners(values))
    if count == 5:
        return Row(class_id, _corners(values), confidence=_confidence(values[4]))
    if _is_pose(values, keypoint_values):
        return Row(class_id, _corners(values), keypoints=True)
    return _polygon(class_id, values)


def looks_like_row(line: str) -> bool:
    """Whether a text file with this first line may be a label file."""
    try:
        parse_row(line)
    except RowError:
        return False
    return True


def _polygon(class_id: int, values: list[float]) -> Row:
    confidence = _confidence(values.pop()) if len(values) % 2 else None
    if len(values) < 6:
        raise RowError(f"{len(values) + 1} values are neither a box nor a polygon of three points")
    return Row(class_id, enclosing(values), tuple(values), confidence)


def _class_id(text: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 9:
        return int(text)
    try:
        value = float(text)  # some tools write 0.0
    except ValueError as error:
        raise RowError(f"the class is not a number: {shown(text)}") from error
    if not isfinite(value) or value != int(value):
        raise RowError(f"the class is not a whole number: {shown(text)}")
    return int(value)


def _corners(values: list[float]) -> tuple[float, float, float, float]:
    x_center, y_center, width, height = values[:4]
    half_width, half_height = width / 2, height / 2
    return x_center - half_width, y_center - half_height, x_center + half_width, y_center + half_height


def _confidence(value: float) -> float:
    if not 0 <= value <= 1:
        raise RowError(f"the confidence {value:g} is not between 0 and 1")
    return value


def _is_pose(values: list[float], keypoint_values: int) -> bool:
    if keypoint_values:
        return len(values) == 4 + keypoint_values
    if len(values) < 7 or (len(values) - 4) % 3:
        return False
    visibilities = values[6::3]
    if not all(value in (0, 1, 2) for value in visibilities):
        return False
    # An even number of values may be a polygon with corners on the image's edge; but none has a 2.
    return len(values) % 2 == 1 or 2 in visibilities
