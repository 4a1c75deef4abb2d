"""What a model's last layer gives, read as rows (n, 6): x1, y1, x2, y2 on the canvas, confidence, class; best first.

A model for segmentation has the coefficients of each mask behind them: rows (n, 6 + masks).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import boxes
from .errors import ModelError

Classes = Sequence[int] | None


def of(metadata: dict) -> Callable[..., np.ndarray]:
    """The reader of a model's head: `read(outputs, conf, iou, max_det, classes)`. Raises ModelError.

    `head` says which; what was exported before there was a choice says only whether it is `end2end`.
    """
    name = metadata.get("head") or ("end2end" if metadata["end2end"] else "raw")
    if name not in READERS:
        raise ModelError(f"The head {name!r} is not known: {', '.join(READERS)} are.")
    return partial(READERS[name], metadata.get("masks", 0))


def raw(masks: int, outputs: Any, conf: float, iou: float, max_det: int, classes: Classes) -> np.ndarray:
    """(1, 4 + classes + masks, anchors): overlapping boxes are still to be suppressed."""
    return boxes.select(outputs[0][0], conf, iou, max_det, classes, masks)


def end2end(masks: int, outputs: Any, conf: float, iou: float, max_det: int, classes: Classes) -> np.ndarray:
    """(1, 4 + classes + masks, anchors) of a head that needs no suppression."""
    return boxes.select_end2end(outputs[0][0], conf, max_det, classes, masks)


def final(masks: int, outputs: Any, conf: float, iou: float, max_det: int, classes: Classes) -> np.ndarray:
    """(1, n, 6 + masks): chosen in the graph, with its own IoU; a call can only leave some of them out."""
    rows = outputs[0][0]
    rows = rows[rows[:, 4] > conf]
    if classes is not None:
        rows = rows[np.isin(rows[:, 5], classes)]
    return rows[np.argsort(-rows[:, 4], kind="stable")][:max_det]


READERS = {"raw": raw, "end2end": end2end, "final": final}
