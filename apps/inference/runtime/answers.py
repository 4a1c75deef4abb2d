"""The shape of an answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class Box(NamedTuple):
    """One object: corners in pixels of the upright image, confidence from 0 to 1.

    `polygons`, of a Segment only, are the outer outlines of its mask, the largest first: arrays (points, 2) in pixels.
    """

    class_id: int
    confidence: float
    x1: float
    y1: float
    x2: float
    y2: float
    polygons = ()  # no field: a box is its six numbers


class Segment(Box):
    """One object with the outlines of its mask."""


@dataclass(frozen=True)
class Prediction:
    """All objects of one image, most confident first.

    Width and height are those of the upright image, in pixels. `speed` has decode_ms, preprocess_ms,
    inference_ms and postprocess_ms.
    """

    width: int
    height: int
    boxes: list[Box]
    speed: dict[str, float] = field(default_factory=dict)
