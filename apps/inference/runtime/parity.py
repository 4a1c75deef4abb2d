"""How far two models agree, box by box: the proof that an export answers as its weights do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Row = Sequence[float]  # class_id, confidence, x1, y1, x2, y2 in pixels; a Box is one


@dataclass(frozen=True)
class Parity:
    """Of the reference's `expected` boxes the candidate has `found`; it has `extra` that the reference lacks.

    `max_confidence_difference` is the largest among the boxes that were found.
    """

    expected: int
    found: int
    extra: int
    max_confidence_difference: float

    @property
    def share(self) -> float:
        """Share of the reference's boxes that were found, 1.0 when it has none."""
        return self.found / self.expected if self.expected else 1.0


def compare(reference: Iterable[Row], candidate: Iterable[Row], conf: float = 0.25, iou: float = 0.9) -> Parity:
    """Match the boxes of one image.

    A box of the reference with at least `conf` is found when the candidate has one of its class with at least
    `iou` that no better box of the reference has taken; a candidate's box with at least `conf` that matches
    none is extra. Give both lists with boxes down to some lower confidence: one at 0.251 here and at 0.249
    there is no disagreement.
    """
    matches, left = pair(reference, candidate, iou)
    sure = [(row, match) for row, match in matches if row[1] >= conf]
    differences = [abs(match[1] - row[1]) for row, match in sure if match is not None]
    return Parity(
        expected=len(sure),
        found=len(differences),
        extra=sum(row[1] >= conf for row in left),
        max_confidence_difference=max(differences, default=0.0),
    )


def pair(
    reference: Iterable[Row], candidate: Iterable[Row], iou: float = 0.9
) -> tuple[list[tuple[Row, Row | None]], list[Row]]:
    """([(a box of the reference, the candidate's that was found for it, or None)], what the candidate has left)."""
    left, pairs = list(candidate), []
    for row in sorted(reference, key=lambda row: -row[1]):
        match = best_match(row, left, iou)
        if match is not None:
            left.remove(match)
        pairs.append((row, match))
    return pairs, left


def compare_many(pairs: Iterable[tuple[Iterable[Row], Iterable[Row]]], conf: float = 0.25, iou: float = 0.9) -> Parity:
    """Match the boxes of many images, given as (reference, candidate) pairs, and add up."""
    results = [compare(reference, candidate, conf, iou) for reference, candidate in pairs]
    return Parity(
        expected=sum(result.expected for result in results),
        found=sum(result.found for result in results),
        extra=sum(result.extra for result in results),
        max_confidence_difference=max((result.max_confidence_difference for result in results), default=0.0),
    )


def best_match(row: Row, others: Sequence[Row], iou: float) -> Row | None:
    """The box of the same class that overlaps by at least `iou`; of several, the one nearest in confidence.

    There are several where boxes that reach beyond the image were clipped to the same corners.
    """
    matches = [other for other in others if other[0] == row[0] and overlap(row, other) >= iou]
    return min(matches, key=lambda other: abs(other[1] - row[1]), default=None)


def overlap(one: Row, other: Row) -> float:
    """Intersection over union of two boxes."""
    width = min(one[4], other[4]) - max(one[2], other[2])
    height = min(one[5], other[5]) - max(one[3], other[3])
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    return inside / (area(one) + area(other) - inside)


def area(row: Row) -> float:
    return (row[4] - row[2]) * (row[5] - row[3])
