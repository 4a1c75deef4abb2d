"""Two answers on one picture, held against each other: pure arithmetic.

The two models may have other class ids: boxes are matched by the name of their class, in any case. Each live box, the
most confident first, takes the shadow's box of its class that it overlaps most, from IoU 0.5 on.

Counts, as `ShadowTraffic.counts` keeps them, add up number by number:

    {"same": pictures without a difference, "classes": {name: {"both", "live", "shadow": boxes that both or only one
     found, "moved": sum of (shadow's confidence − live's) over both, "apart": the same without its sign}},
     "differences": {tenths: boxes}, "live_ms": {slot: answers}, "shadow_ms": {slot: answers}}
"""

import math
from dataclasses import dataclass, field

from apps.inference.runtime.parity import overlap

IOU = 0.5
SLOT = 1.1  # latencies are kept in slots that grow by a tenth, so what is read back is within 5 %


@dataclass
class Difference:
    """`live` and `shadow` are rows [class name, confidence, x1, y1, x2, y2, whether the other found it]."""

    live: list = field(default_factory=list)
    shadow: list = field(default_factory=list)
    pairs: list = field(default_factory=list)  # (live row, shadow row)

    @property
    def only_one(self):
        return [row for row in (*self.live, *self.shadow) if not row[6]]

    @property
    def weight(self):
        """How much they differ: boxes that one is sure of and the other lacks weigh most."""
        return sum(row[1] for row in self.only_one)


def compare(live, live_names, shadow, shadow_names):
    """The Difference of two runtime predictions on one picture."""
    found = Difference(_rows(live, live_names), _rows(shadow, shadow_names))
    free = {}
    for row in found.shadow:
        free.setdefault(row[0].casefold(), []).append(row)
    for row in sorted(found.live, key=lambda row: -row[1]):
        others = free.get(row[0].casefold(), [])
        best = max(others, key=lambda other: overlap(row, other), default=None)
        if best is not None and overlap(row, best) >= IOU:
            others.remove(best)
            row[6] = best[6] = True
            found.pairs.append((row, best))
    return found


def _rows(prediction, names):
    return [
        [
            names[box.class_id] if box.class_id < len(names) else str(box.class_id), round(box.confidence, 4),
            *(round(value, 1) for value in box[2:6]), False,
        ]
        for box in prediction.boxes
    ]  # fmt: skip


def counts_of(difference, live_ms, shadow_ms):
    """What one picture adds to the counts; latencies in milliseconds."""
    classes, differences = {}, {}
    for live, shadow in difference.pairs:
        row = classes.setdefault(live[0], _no_boxes())
        moved = shadow[1] - live[1]
        row["both"] += 1
        row["moved"] += moved
        row["apart"] += abs(moved)
        tenth = str(round(moved * 10))
        differences[tenth] = differences.get(tenth, 0) + 1
    for side, rows in (("live", difference.live), ("shadow", difference.shadow)):
        for one in rows:
            if not one[6]:
                classes.setdefault(_as_live_calls_it(one[0], classes), _no_boxes())[side] += 1
    return {
        "same": int(not difference.only_one), "classes": classes, "differences": differences,
        "live_ms": {slot_of(live_ms): 1}, "shadow_ms": {slot_of(shadow_ms): 1},
    }  # fmt: skip


def _no_boxes():
    return {"both": 0, "live": 0, "shadow": 0, "moved": 0.0, "apart": 0.0}


def _as_live_calls_it(name, classes):
    return next((known for known in classes if known.casefold() == name.casefold()), name)


def slot_of(milliseconds):
    """The slot of a latency, as a key of JSON."""
    return str(round(math.log(max(milliseconds, 0.01), SLOT)))


def quantile(slots, share):
    """Milliseconds below which `share` of the answers in slots took; None without any."""
    wanted, seen = share * sum(slots.values()), 0
    for slot in sorted(slots, key=int):
        seen += slots[slot]
        if seen >= wanted:
            return round(SLOT ** int(slot), 2)
    return None
