"""Whether a box can go in: the one place where boxes are checked, clipped or turned down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from .base import Box, Code

MIN_SIDE = 1e-6  # of the image: less cannot be written with six decimals and is no box
ROUNDING = 1e-3  # of the image: overhang of labels written with few decimals, clipped without a word
ROUNDING_PIXELS = 0.5  # the same for formats in pixels


@dataclass(frozen=True, slots=True)
class Fault:
    code: Code
    reason: str


def fit_box(
    class_index: int,
    corners: Sequence[float],
    size: tuple[int, int] | None = None,
    points: Sequence[float] | None = None,
    confidence: float | None = None,
    source: str = "",
) -> tuple[Box | None, Fault | None]:
    """The box of normalised `corners` (x1, y1, x2, y2), and what was wrong with it.

    A box without area or wholly outside the image gives no box; one that reaches beyond is clipped, and
    that is a fault when it is more than rounding. Polygon points are moved to the nearest edge likewise.
    `size` is the image in pixels, where the format speaks in pixels: then the reasons do as well.
    """
    x1, y1, x2, y2 = corners
    is_inside = x1 >= 0 and y1 >= 0 and x2 <= 1 and y2 <= 1
    if is_inside and not points and x2 - x1 >= MIN_SIDE and y2 - y1 >= MIN_SIDE:  # nearly all
        return Box(class_index, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, None, confidence, source), None
    if not all(map(isfinite, corners)):
        return None, Fault(Code.BAD_VALUE, "a coordinate is not a finite number")
    if x2 - x1 < MIN_SIDE or y2 - y1 < MIN_SIDE:
        return None, Fault(Code.NO_AREA, f"the box has no area ({_measure(x2 - x1, y2 - y1, size)})")
    if is_inside:
        fault = None
        if points and (min(points) < 0 or max(points) > 1):
            fault = _points_fault(points, size)
            points = _clamp(points)
        return _box(class_index, x1, y1, x2, y2, points, confidence, source), fault
    inside = max(x1, 0.0), max(y1, 0.0), min(x2, 1.0), min(y2, 1.0)
    if inside[2] - inside[0] < MIN_SIDE or inside[3] - inside[1] < MIN_SIDE:
        return None, Fault(Code.OUTSIDE, "the box lies outside the image" + _pixels_hint(corners, size))
    box = _box(class_index, *inside, _clamp(points), confidence, source)
    return box, _overhang(corners, size)


def enclosing(points: Sequence[float]) -> tuple[float, float, float, float]:
    """The corners (x1, y1, x2, y2) around flat polygon points."""
    xs, ys = points[0::2], points[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def corners_of(box: Box) -> tuple[float, float, float, float]:
    """(x1, y1, x2, y2), normalised."""
    half_width, half_height = box.width / 2, box.height / 2
    return (
        box.x_center - half_width,
        box.y_center - half_height,
        box.x_center + half_width,
        box.y_center + half_height,
    )


def _box(class_index, x1, y1, x2, y2, points, confidence, source) -> Box:
    polygon = tuple(points) if points else None
    return Box(class_index, (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, polygon, confidence, source)


def _clamp(points: Sequence[float] | None) -> list[float] | None:
    return [min(max(value, 0.0), 1.0) for value in points] if points else None


def _points_fault(points: Sequence[float], size: tuple[int, int] | None) -> Fault | None:
    """For a polygon that leaves the image where its box does not."""
    beyond = max(-min(points), max(points) - 1)
    if beyond <= (ROUNDING_PIXELS / max(size) if size else ROUNDING):
        return None
    return Fault(Code.CLIPPED, f"points of the polygon were outside, by {beyond * 100:.3g} %, and moved to the edge")


def _overhang(corners: Sequence[float], size: tuple[int, int] | None) -> Fault | None:
    x1, y1, x2, y2 = corners
    beyond = {"left": -x1, "top": -y1, "right": x2 - 1, "bottom": y2 - 1}
    scales = {side: size[side in ("top", "bottom")] if size else 1 for side in beyond}
    allowed = ROUNDING_PIXELS if size else ROUNDING
    told = [
        f"{beyond[side] * scale:.4g} px at the {side}" if size else f"{beyond[side] * 100:.3g} % at the {side}"
        for side, scale in scales.items()
        if beyond[side] * scale > allowed
    ]
    if not told:
        return None
    reason = f"the box was clipped to the image by {', '.join(told)}" + _pixels_hint(corners, size)
    return Fault(Code.CLIPPED, reason)


def _measure(width: float, height: float, size: tuple[int, int] | None) -> str:
    return f"{width * size[0]:.4g} × {height * size[1]:.4g} px" if size else f"{width:.4g} × {height:.4g}"


def _pixels_hint(corners: Sequence[float], size: tuple[int, int] | None) -> str:
    """Fractions far above 1 are most often pixels."""
    if size is None and max(corners) > 2:
        return "; its values are above 1 (are they pixels?)"
    return ""
