"""Which prediction found which label: pure arithmetic on one image, and AP by object size over many.

Matching is that of COCO's evaluation (pycocotools, `COCOeval.evaluateImg`): the predictions of a class, the most
confident first, each take the label of their class that they overlap most, of those that none has taken and that
reach the threshold. A prediction's match so depends only on more confident ones, and stays what it is when a
confidence threshold hides those below.

Sizes are COCO's (`Params.setDetParams`): an object is small below 32² pixels of area, large from 96², by its box in
the image's own pixels. For one size, labels of others are ignored, as are predictions that match them, and unmatched
predictions of other sizes. AP is the area below the precision envelope, sampled at 101 recalls as ultralytics does it
(`ultralytics.utils.metrics.compute_ap`), so that all sizes together give the mAP of the validator.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)
SIZES = {"all": (0.0, np.inf), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, np.inf)}
NOBODY = -1


@dataclass
class Seen:
    """One image. Labels: class (n) and area in px² (n). Predictions, most confident first, likewise; IoU (m, n)."""

    label_classes: np.ndarray
    label_areas: np.ndarray
    classes: np.ndarray
    areas: np.ndarray
    confidences: np.ndarray
    iou: np.ndarray


def match_image(seen: Seen, threshold: float = 0.5) -> list[tuple[int, int]]:
    """For each prediction (the label of its class that it found, the label of another class that it lies on).

    -1 for none. The second is the one that it overlaps most among those of other classes that reach the threshold.
    """
    free = np.ones(len(seen.label_classes), bool)
    answer = []
    for place, class_id in enumerate(seen.classes):
        row = seen.iou[place] if len(free) else np.zeros(0)
        own = _best(row, (seen.label_classes == class_id) & free, threshold)
        if own != NOBODY:
            free[own] = False
        answer.append((own, _best(row, seen.label_classes != class_id, threshold)))
    return answer


def _best(row: np.ndarray, allowed: np.ndarray, threshold: float) -> int:
    able = allowed & (row >= threshold)
    return int(np.where(able, row, -1).argmax()) if able.any() else NOBODY


def ap_by_size(images: Iterable[Seen]) -> dict[str, dict[str, Any]]:
    """The figures of a SizeMeter that saw these images."""
    meter = SizeMeter()
    for seen in images:
        meter.add(seen)
    return meter.figures()


class SizeMeter:
    """Takes images one by one, and keeps of each some bytes a prediction; `sizes` are those to tell apart."""

    def __init__(self, sizes: Iterable[str] = SIZES) -> None:
        self._sizes = {size: SIZES[size] for size in sizes}
        self._parts = defaultdict(list)  # (size, class) → [(confidences, hits, ignored)], packed to bits
        self._labels = defaultdict(int)

    def add(self, seen: Seen) -> None:
        """Match one image, class by class, for each size."""
        for class_id in np.unique(np.concatenate((seen.label_classes, seen.classes))):
            mine, theirs = seen.classes == class_id, seen.label_classes == class_id
            iou = seen.iou[np.ix_(mine, theirs)] if len(theirs) else np.zeros((int(mine.sum()), 0))
            confidences = seen.confidences[mine].astype(np.float32)
            for size, bounds in self._sizes.items():
                outside, stray = _beyond(seen.label_areas[theirs], bounds), _beyond(seen.areas[mine], bounds)
                self._labels[size, int(class_id)] += int((~outside).sum())
                if len(iou):
                    hits, ignored = _match_class(iou, outside, stray)
                    part = (confidences, np.packbits(hits, axis=1), np.packbits(ignored, axis=1))
                    self._parts[size, int(class_id)].append(part)

    def figures(self) -> dict[str, dict[str, Any]]:
        """`{size: {labels, mAP50, mAP50_95, recall50}}`; figures are None where no label has the size.

        mAP is the mean over the classes that have labels of the size; recall is that of all predictions at IoU 0.5.
        """
        return {size: self._of_size(size) for size in self._sizes}

    def per_class(self, size: str = "all") -> dict[int, dict[str, Any]]:
        """`{class id: {labels, mAP50, mAP50_95}}` of the classes that have labels of a size."""
        found = {}
        for (name, class_id), count in self._labels.items():
            if name == size and count:
                aps, _ = self._of_class(size, class_id, count)
                figures = {"mAP50": round(aps[0], 5), "mAP50_95": round(float(np.mean(aps)), 5)}
                found[class_id] = {"labels": count, **figures}
        return found

    def _of_size(self, size: str) -> dict[str, Any]:
        counts = {class_id: count for (name, class_id), count in self._labels.items() if name == size and count}
        if not counts:
            return {"labels": 0, "mAP50": None, "mAP50_95": None, "recall50": None}
        found = {class_id: self._of_class(size, class_id, count) for class_id, count in counts.items()}
        mean = np.mean([aps for aps, _ in found.values()], axis=0)
        labels = sum(counts.values())
        return {
            "labels": labels,
            "mAP50": round(float(mean[0]), 5),
            "mAP50_95": round(float(mean.mean()), 5),
            "recall50": round(sum(found[class_id][1] * count for class_id, count in counts.items()) / labels, 5),
        }

    def _of_class(self, size: str, class_id: int, count: int) -> tuple[list[float], float]:
        """(AP at each threshold, recall at the first) of a class with `count` labels of the size."""
        parts = self._parts[size, class_id]
        if not parts:
            return [0.0] * len(THRESHOLDS), 0.0
        confidences, hits, ignored = (np.concatenate(part) for part in zip(*parts, strict=True))
        hits, ignored = (np.unpackbits(bits, axis=1, count=len(THRESHOLDS)).astype(bool) for bits in (hits, ignored))
        order = np.argsort(-confidences, kind="stable")
        found = [_ap(hits[order, t][~ignored[order, t]], count) for t in range(len(THRESHOLDS))]
        return [ap for ap, _ in found], found[0][1]


def _beyond(areas: np.ndarray, bounds: tuple[float, float]) -> np.ndarray:
    return (areas < bounds[0]) | (areas >= bounds[1])


def _match_class(iou: np.ndarray, outside: np.ndarray, stray: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(hits, ignored), each (predictions, thresholds): labels that count are taken before those that do not."""
    hits = np.zeros((len(iou), len(THRESHOLDS)), bool)
    ignored = np.repeat(stray[:, None], len(THRESHOLDS), axis=1)
    near = np.flatnonzero(iou.max(axis=1, initial=0) >= THRESHOLDS[0])  # all others match nothing
    for t, threshold in enumerate(THRESHOLDS):
        free = np.ones(iou.shape[1], bool)
        for place in near:
            label = _best(iou[place], free & ~outside, threshold)
            if label == NOBODY:
                label = _best(iou[place], free & outside, threshold)
            if label != NOBODY:
                free[label] = False
                hits[place, t] = not outside[label]
                ignored[place, t] = outside[label]
    return hits, ignored


def _ap(hits: np.ndarray, count: int) -> tuple[float, float]:
    """(average precision, recall at the end) of hits in the order of falling confidence."""
    if not len(hits):
        return 0.0, 0.0
    found = hits.cumsum()
    recall, precision = found / count, found / np.arange(1, len(hits) + 1)
    recalls = np.concatenate(([0.0], recall, [recall[-1], 1.0]))  # a curve that ends early falls to 0 from there on
    precisions = np.concatenate(([1.0], precision, [0.0, 0.0]))
    envelope = np.flip(np.maximum.accumulate(np.flip(precisions)))
    grid = np.linspace(0, 1, 101)
    return float(np.trapezoid(np.interp(grid, recalls, envelope), grid)), float(recall[-1])
