"""Which questions are kept. Pure."""

import random

from apps.inference.models import Capture
from apps.inference.outlines import outline_of

Mode = Capture.Mode


def is_wanted(capture, prediction, chance=random.random):
    """Whether the capture keeps a picture by its answer. Disagreements are judged where the shadow has answered."""
    if capture.mode == Mode.ALL:
        return True
    if capture.mode == Mode.RATE:
        return chance() < capture.rate
    if capture.mode == Mode.BELOW:
        return any(box.confidence < capture.below for box in prediction.boxes)
    return False


def as_rows(prediction, class_names):
    """An answer as it is kept until it becomes suggestions; all in 0..1.

    A row is [class name, confidence, x, y, width, height, outline or None].
    """
    width, height = prediction.width, prediction.height
    return [
        [
            class_names[box.class_id], round(box.confidence, 4), (box.x1 + box.x2) / 2 / width,
            (box.y1 + box.y2) / 2 / height, (box.x2 - box.x1) / width, (box.y2 - box.y1) / height,
            outline_of(box, width, height),
        ]
        for box in prediction.boxes
        if box.class_id < len(class_names) and box.x2 > box.x1 and box.y2 > box.y1
    ]  # fmt: skip
