"""From mask coefficients and prototypes to outlines, as ultralytics makes its masks."""

from __future__ import annotations

import math

import cv2
import numpy as np

from .answers import Box, Segment
from .boxes import Letterbox

MARGIN = 2  # prototype pixels around a box that its mask's edge is interpolated from


def logits(rows: np.ndarray, protos: np.ndarray) -> np.ndarray:
    """(n, height, width) of rows (n, 6 + masks) and prototypes (masks, height, width): above 0 is inside."""
    return (rows[:, 6:] @ protos.reshape(len(protos), -1)).reshape(-1, *protos.shape[1:])


def with_outlines(found: list[Box], rows: np.ndarray, masks: np.ndarray, place: Letterbox) -> list[Box]:
    """The boxes of `rows` with the outlines of their masks; what has no mask is left out, as ultralytics does."""
    outlined = []
    for box, row, mask in zip(found, rows, masks, strict=True):
        polygons = outline(mask, row[:4], place)
        if polygons:
            segment = Segment(*box)
            segment.polygons = polygons
            outlined.append(segment)
    return outlined


def outline(mask: np.ndarray, corners: np.ndarray, place: Letterbox) -> list[np.ndarray]:
    """Outer contours of a mask in its box (canvas pixels), the largest first: (points, 2) in pixels of the image.

    Specks of one or two pixels are left out, unless there is nothing else.
    """
    binary, left, top = inside(mask, corners, place)
    if binary is None or not binary.any():
        return []
    contours, _ = cv2.findContours(binary, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    shapes = [points for one in contours if len(points := one.reshape(-1, 2)) > 2]
    if not shapes:  # a line or a dot
        x, y, width, height = cv2.boundingRect(contours[0])
        shapes = [np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])]
    scale = [place.inner_width / place.width, place.inner_height / place.height]
    offset = [left - place.left, top - place.top]
    placed = [((points + offset) / scale).clip(0, [place.width, place.height]) for points in shapes]
    placed.sort(key=area_of, reverse=True)
    return [points for points in placed if area_of(points)] or placed  # without area: all of it lies beside the image


def area_of(points: np.ndarray) -> float:
    """Of a polygon (points, 2), in its own unit squared."""
    return cv2.contourArea(points.astype(np.float32))


def inside(mask: np.ndarray, corners: np.ndarray, place: Letterbox):
    """(the mask in its box, as uint8 at the canvas' size; left; top): interpolated first, cut out then.

    None where the box has no pixel. Only the part around the box is enlarged.
    """
    scale = place.canvas_height // len(mask)
    left, top = (max(math.ceil(value), 0) for value in corners[:2])
    right, bottom = min(math.ceil(corners[2]), place.canvas_width), min(math.ceil(corners[3]), place.canvas_height)
    if right <= left or bottom <= top:
        return None, left, top
    x, y = max(left // scale - MARGIN, 0), max(top // scale - MARGIN, 0)
    part = mask[y : math.ceil(bottom / scale) + MARGIN, x : math.ceil(right / scale) + MARGIN]
    large = cv2.resize(
        np.ascontiguousarray(part, np.float32), (part.shape[1] * scale, part.shape[0] * scale),
        interpolation=cv2.INTER_LINEAR,
    )  # fmt: skip
    cut = large[top - y * scale : bottom - y * scale, left - x * scale : right - x * scale]
    return (cut > 0).astype(np.uint8), left, top
