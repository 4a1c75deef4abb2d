"""What happened to the boxes of an image between two states."""

from collections import defaultdict

import numpy as np

SAME_THING = 0.5  # IoU from which two boxes are one thing that was changed
BLOCK = 256  # rows of the IoU table at a time: 10,000 boxes against 10,000 would not fit into memory at once


def pair_boxes(before, after):
    """How `before` became `after`, both lists of `[key, x, y, width, height, points, …]`.

    Returns (added, removed, changed, reclassed): lists of boxes, and of pairs (before, after). Boxes that are the same
    to the last bit are none of these. Changed: the same class and an IoU of at least 0.5 with other edges or points;
    reclassed: another class at the same place, or with such an IoU. Each box is in one pair at most.
    """
    before, after = _without_same(before, after, lambda box: (*box[:5], _points(box)))
    before, after, reclassed = _same_place(before, after)
    before, after, changed = _overlapping(before, after, same_class=True)
    before, after, moved_and_reclassed = _overlapping(before, after, same_class=False)
    return after, before, changed, reclassed + moved_and_reclassed


def _points(box):
    return tuple(map(tuple, box[5])) if box[5] else None


def _without_same(before, after, identity):
    """What is left of both when what is equal is taken away in pairs."""
    waiting = defaultdict(int)
    for box in before:
        waiting[identity(box)] += 1
    left_after = []
    for box in after:
        if waiting[identity(box)]:
            waiting[identity(box)] -= 1
        else:
            left_after.append(box)
    left_before = []
    for box in reversed(before):  # of equal ones the first are those that found their pair
        if waiting[identity(box)]:
            waiting[identity(box)] -= 1
            left_before.append(box)
    return left_before[::-1], left_after


def _same_place(before, after):
    """Pairs that differ in nothing but the class."""
    places = defaultdict(list)
    for box in reversed(before):
        places[(*box[1:5], _points(box))].append(box)
    pairs, left_after = [], []
    for box in after:
        found = places[(*box[1:5], _points(box))]
        if found:
            pairs.append((found.pop(), box))
        else:
            left_after.append(box)
    taken = {id(old) for old, _ in pairs}
    return [box for box in before if id(box) not in taken], left_after, pairs


def _overlapping(before, after, same_class):
    """Pairs of an IoU of at least 0.5, the greatest first."""
    if not before or not after:
        return before, after, []
    taken_before, taken_after, pairs = set(), set(), []
    for _, i, j in sorted(_overlaps(before, after, same_class), key=lambda found: (-found[0], found[1], found[2])):
        if i not in taken_before and j not in taken_after:
            taken_before.add(i)
            taken_after.add(j)
            pairs.append((before[i], after[j]))
    rest_before = [box for i, box in enumerate(before) if i not in taken_before]
    return rest_before, [box for j, box in enumerate(after) if j not in taken_after], pairs


def _overlaps(before, after, same_class):
    """(IoU, place in `before`, place in `after`) of all pairs that overlap by half."""
    new_keys, new = np.array([box[0] for box in after]), _corners(after)
    found = []
    for start in range(0, len(before), BLOCK):
        some = before[start : start + BLOCK]
        iou = _iou(_corners(some), new)
        fits = (np.array([box[0] for box in some])[:, None] == new_keys[None, :]) == same_class
        rows, columns = np.nonzero((iou >= SAME_THING) & fits)
        found += zip(iou[rows, columns].tolist(), (rows + start).tolist(), columns.tolist(), strict=True)
    return found


def _corners(boxes):
    x, y, width, height = np.array([box[1:5] for box in boxes], dtype=np.float64).T
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


def _iou(one, other):
    """The table of IoUs of boxes given as corners, len(one) × len(other)."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (one, other)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
