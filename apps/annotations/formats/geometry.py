"""Shapes that are no polygon, as polygons. All points are flat: x1, y1, x2, y2, …"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, radians, sin

ELLIPSE_POINTS = 64  # off the ellipse by 0.12 % of its radius at most


def turned(points: Sequence[float], degrees: float, pivot: tuple[float, float]) -> list[float]:
    """The points turned clockwise (y points down) about the pivot; in a unit that is the same both ways."""
    x0, y0 = pivot
    cosine, sine = cos(radians(degrees)), sin(radians(degrees))
    result = []
    for x, y in zip(points[0::2], points[1::2], strict=True):
        result.append(x0 + (x - x0) * cosine - (y - y0) * sine)
        result.append(y0 + (x - x0) * sine + (y - y0) * cosine)
    return result


def rectangle(x1: float, y1: float, x2: float, y2: float) -> tuple[float, ...]:
    """Its four corners, clockwise from the top left."""
    return x1, y1, x2, y1, x2, y2, x1, y2


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0) -> list[float]:
    """A polygon on the ellipse about (x, y), turned clockwise."""
    points = []
    for step in range(ELLIPSE_POINTS):
        angle = 2 * pi * step / ELLIPSE_POINTS
        points += [x + radius_x * cos(angle), y + radius_y * sin(angle)]
    return turned(points, degrees, (x, y)) if degrees else points


def scaled(points: Sequence[float], scale_x: float, scale_y: float) -> tuple[float, ...]:
    """Each x times scale_x, each y times scale_y."""
    result = [0.0] * len(points)
    result[0::2] = [x * scale_x for x in points[0::2]]
    result[1::2] = [y * scale_y for y in points[1::2]]
    return tuple(result)
