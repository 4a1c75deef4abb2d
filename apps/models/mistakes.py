"""What a model got wrong on one image, from a line of an evaluation's file (see `engine/evaluate.py`). Pure.

At a confidence threshold, each prediction above it and each label is one of:

- right: the prediction found a label of its class with an IoU of LOOSE_BELOW or more;
- loose: it found one with an IoU from 0.5 up to that;
- class: it found none of its class, and lies (IoU 0.5 or more) on a label of another class that nobody found;
- false: it found none;
- miss: a label that none of the above took.

How wrong an image is: a miss counts 1, a wrong class 1, a false positive its confidence, a loose box 1 - IoU.
"""

KINDS = {"miss": "missed", "false": "false positive", "class": "wrong class", "loose": "loose box"}
LOOSE_BELOW = 0.75
NOBODY = -1


def judge(line, conf):
    """(mistakes, right boxes) of an image.

    A mistake is `{kind, class_id, confidence, iou, box, label_class, label_box}`, boxes in pixels; what it has not is
    None. `class_id` is what the model said, of a miss what the label is.
    """
    labels, found = line["labels"], [row for row in line["found"] if row[1] >= conf]
    taken = {row[6] for row in found} - {NOBODY}
    mistakes, right = [], []
    for class_id, confidence, *box, own, iou, other, other_iou in found:
        said = {"class_id": class_id, "confidence": confidence, "box": box}
        if own != NOBODY and iou >= LOOSE_BELOW:
            right.append(box)
        elif own != NOBODY:
            mistakes.append(_mistake("loose", labels[own], iou=iou, **said))
        elif other != NOBODY and other not in taken:
            taken.add(other)
            mistakes.append(_mistake("class", labels[other], iou=other_iou, **said))
        else:
            mistakes.append(_mistake("false", None, iou=None, **said))
    for place, label in enumerate(labels):
        if place not in taken:
            mistakes.append(_mistake("miss", label, class_id=label[0], confidence=None, box=None, iou=None))
    return mistakes, right


def _mistake(kind, label, **said):
    return {"kind": kind, "label_class": label and label[0], "label_box": label and label[1:5], **said}


def weight(mistake):
    """How much one mistake counts."""
    kind = mistake["kind"]
    return mistake["confidence"] if kind == "false" else 1 - mistake["iou"] if kind == "loose" else 1


def chosen(mistakes, kind="", class_id=None):
    """Those of a kind ("" for any), and about a class (None for any): as the model said it or as the label has it."""
    return [
        one
        for one in mistakes
        if (not kind or one["kind"] == kind) and (class_id is None or class_id in (one["class_id"], one["label_class"]))
    ]
