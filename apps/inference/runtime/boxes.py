"""The geometry around a detection model, as ultralytics has it: letterbox before, NMS and scaling after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from .answers import Box

PADDING = 114  # gray
CLASS_OFFSET = 7680  # pixels that part the classes, so that one NMS serves them all
MAX_CANDIDATES = 30_000
NMS_CHUNK = 1024
END2END_LIMIT = 300


@dataclass(frozen=True)
class Letterbox:
    """How an image of (width, height) is placed on the model's canvas, all in pixels."""

    width: int
    height: int
    inner_width: int
    inner_height: int
    left: int
    top: int
    canvas_width: int
    canvas_height: int


def fit(width: int, height: int, size: int, stride: int) -> Letterbox:
    """The longer side becomes `size`, and the canvas the smallest around it in steps of `stride`."""
    inner = scaled(width, height, size, size)
    return _padded(width, height, inner, (size - inner[0]) % stride, (size - inner[1]) % stride)


def fit_into(width: int, height: int, canvas_height: int, canvas_width: int) -> Letterbox:
    """As large as it can be in the middle of a canvas of this size, for models that take no other."""
    inner = scaled(width, height, canvas_width, canvas_height)
    return _padded(width, height, inner, canvas_width - inner[0], canvas_height - inner[1])


def scaled(width: int, height: int, most_width: int, most_height: int) -> tuple[int, int]:
    """(width, height), in whole pixels, as large as they fit."""
    ratio = min(most_height / height, most_width / width)
    return max(round(width * ratio), 1), max(round(height * ratio), 1)


def _padded(width: int, height: int, inner: tuple[int, int], pad_x: float, pad_y: float) -> Letterbox:
    """`pad_x` and `pad_y` are shared between both sides; an odd pixel goes to the right and below."""
    pad_x, pad_y = pad_x / 2, pad_y / 2
    left, top = round(pad_x - 0.1), round(pad_y - 0.1)
    return Letterbox(
        width=width,
        height=height,
        inner_width=inner[0],
        inner_height=inner[1],
        left=left,
        top=top,
        canvas_width=inner[0] + left + round(pad_x + 0.1),
        canvas_height=inner[1] + top + round(pad_y + 0.1),
    )


def paint(pixels: np.ndarray, place: Letterbox) -> np.ndarray:
    """The canvas, uint8 of shape (1, canvas_height, canvas_width, 3), with the image on it."""
    if (place.inner_width, place.inner_height) != (place.width, place.height):
        pixels = cv2.resize(pixels, (place.inner_width, place.inner_height), interpolation=cv2.INTER_LINEAR)
    right = place.canvas_width - place.left - place.inner_width
    bottom = place.canvas_height - place.top - place.inner_height
    if right or bottom or place.left or place.top:
        sides = (place.top, bottom, place.left, right)
        pixels = cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_CONSTANT, value=(PADDING,) * 3)
    return pixels[None]


def select(
    raw: np.ndarray, conf: float, iou: float, max_det: int, classes: Sequence[int] | None, more: int = 0
) -> np.ndarray:
    """Detections of a head that needs NMS, as rows (n, 6 + more) of xyxy, confidence, class, and what else there is.

    `raw` has shape (4 + classes + more, anchors): center x and y, width and height, and the score of each class.
    """
    rating = raw[4 : len(raw) - more]
    best = rating.max(0)
    chosen = np.flatnonzero(best > conf)
    scores = best[chosen]
    labels = rating[:, chosen].argmax(0)
    if classes is not None:
        wanted = np.isin(labels, classes)
        chosen, scores, labels = chosen[wanted], scores[wanted], labels[wanted]
    order = np.argsort(-scores, kind="stable")[:MAX_CANDIDATES]
    chosen, scores, labels = chosen[order], scores[order], labels[order]
    half = raw[2:4, chosen] / 2
    corners = np.concatenate((raw[:2, chosen] - half, raw[:2, chosen] + half)).T
    keep = suppress(corners, scores, labels, iou, max_det)
    rest = raw[len(raw) - more :, chosen[keep]].T
    return np.column_stack((corners[keep], scores[keep], labels[keep], rest))


def suppress(corners: np.ndarray, scores: np.ndarray, labels: np.ndarray, iou: float, max_det: int) -> np.ndarray:
    """Indices of the boxes that NMS within each class keeps, at most max_det; they come best first.

    Greedy NMS compares a box only with better ones, so the best part of them has its final answer: the rest,
    thousands at a low confidence, is looked at only while boxes are lacking.
    """
    shifted = corners + (labels.astype(np.float32) * CLASS_OFFSET)[:, None]
    rects = np.concatenate((shifted[:, :2], shifted[:, 2:] - shifted[:, :2]), axis=1)
    count = min(len(rects), NMS_CHUNK)
    while True:
        keep = np.asarray(cv2.dnn.NMSBoxes(rects[:count], scores[:count], 0.0, iou), dtype=np.intp)
        if len(keep) >= max_det or count == len(rects):
            return keep[:max_det]
        count = min(len(rects), count * 2)


def select_end2end(
    raw: np.ndarray, conf: float, max_det: int, classes: Sequence[int] | None, more: int = 0
) -> np.ndarray:
    """Detections of an NMS-free head, as rows (n, 6 + more) of xyxy, confidence, class, and what else there is.

    `raw` has shape (4 + classes + more, anchors): corners, and the score of each class. As in ultralytics, an anchor
    may stand for several classes, and the wanted classes are chosen from among the best max(max_det, 300).
    """
    limit = min(max(max_det, END2END_LIMIT), raw.shape[1])
    rating = raw[4 : len(raw) - more]
    best = rating.max(0)
    chosen = np.flatnonzero(best > conf)
    chosen = chosen[np.argsort(-best[chosen], kind="stable")[:limit]]
    scores = rating[:, chosen].T
    anchors, labels = np.nonzero(scores > conf)
    order = np.argsort(-scores[anchors, labels], kind="stable")[:limit]
    anchors, labels = anchors[order], labels[order]
    kept = chosen[anchors]
    rows = np.column_stack((raw[:4, kept].T, scores[anchors, labels], labels, raw[len(raw) - more :, kept].T))
    return rows[np.isin(labels, classes)][:max_det] if classes is not None else rows[:max_det]


def to_image(rows: np.ndarray, place: Letterbox) -> list[Box]:
    """Rows on the canvas become boxes in pixels of the image, clipped to it."""
    scale = np.array([place.inner_width / place.width, place.inner_height / place.height] * 2)
    corners = (rows[:, :4] - [place.left, place.top] * 2) / scale
    corners = corners.clip(0, [place.width, place.height] * 2).tolist()
    return [
        Box(int(label), score, *corner)
        for corner, score, label in zip(corners, rows[:, 4].tolist(), rows[:, 5].tolist(), strict=True)
    ]
