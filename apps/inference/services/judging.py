"""The gate: two models' serving runtimes on the same frozen images, as mAP, by class, and as time.

mAP is worked out as evaluations do it (COCO's matching, 101 recalls), at the same thresholds as they: every box from
confidence 0.001 on, NMS at IoU 0.7, 300 boxes an image. Classes are those of the dataset version; one that neither
model knows is left out, and one that only one of them knows counts as not found by the other.
"""

import itertools
import statistics
import time
from collections import Counter

import numpy as np
from django.core.files.storage import default_storage

from apps.annotations.services.entries import version_entries
from apps.inference.runtime import BadImage
from apps.inference.services.answering import runtime_of
from apps.models.engine.matching import Seen, SizeMeter
from apps.models.services.evaluations import class_mapping, learned_from

MOST_IMAGES = 2000
OPTIONS = {"conf": 0.001, "iou": 0.7, "max_det": 300}


class _Side:
    """One of the two models: what it finds, and how long it takes."""

    def __init__(self, model, version, runtime=None):
        self.model, self.runtime = model, runtime or runtime_of(model)
        self.classes = {theirs: ours for ours, theirs in class_mapping(model, version)[0].items()}
        self.meter, self.seconds = SizeMeter(sizes=("all",)), []

    def look(self, data, labels, corners):
        """Answer on an image, and match with its labels: version's class (n), corners (n, 4) as shares of the image."""
        started = time.perf_counter()
        prediction = self.runtime.predict(data, **OPTIONS)
        self.seconds.append(time.perf_counter() - started)
        self.take(prediction, labels, corners)

    def take(self, prediction, labels, corners):
        """Match an answer with the labels of its image."""
        found = [box for box in prediction.boxes if box.class_id in self.classes]
        rows = np.array([box[2:6] for box in found], float).reshape(-1, 4)
        truth = corners * ([prediction.width, prediction.height] * 2)
        self.meter.add(
            Seen(
                label_classes=labels, label_areas=_areas(truth),
                classes=np.array([self.classes[box.class_id] for box in found], int), areas=_areas(rows),
                confidences=np.array([box.confidence for box in found], float), iou=_iou(rows, truth),
            )
        )  # fmt: skip

    def figures(self):
        overall = self.meter.figures()["all"]
        return {
            "model_id": self.model.pk, "title": self.model.title, "file": self.model.serving_file.name,
            "mAP50": overall["mAP50"], "mAP50_95": overall["mAP50_95"],
            "milliseconds": round(statistics.median(self.seconds) * 1000, 2), "precision": self.runtime.precision,
            "img_size": self.model.img_size, "runtime": self.model.serving.get("runtime", "openvino"),
        }  # fmt: skip


def judge(live, new, version, split, report):
    """What both answer on the labelled images of a split, as `Switch.judgement` keeps it; None where it has none.

    Raises NotServed where one of them cannot be loaded. `report(share, words)` is called on the way.
    """
    sides = {"live": _Side(live, version), "new": _Side(new, version)}
    seen = _show(sides.values(), version, split, report)
    if not seen["labels"]:
        return None
    figures = {name: side.figures() for name, side in sides.items()}
    counts, hashes = seen.pop("counts"), seen.pop("hashes")
    return {
        "version_id": version.pk, "version": str(version), "split": split, **seen,
        "learned_from": len(hashes & learned_from(new, version)),
        **figures, "per_class": _by_class(version.class_names, counts, sides),
        "difference": round(figures["new"]["mAP50_95"] - figures["live"]["mAP50_95"], 5),
    }  # fmt: skip


def measure_on(runtime, model, version, split, report):
    """mAP of a loaded runtime of `model` on the labelled images of a split, which nothing is compared with.

    None where there are no labels of classes that it knows.
    """
    side = _Side(model, version, runtime)
    seen = _show([side], version, split, report)
    if not seen["labels"]:
        return None
    figures = {name: side.figures()[name] for name in ("mAP50", "mAP50_95")}
    kept = {name: seen[name] for name in ("images", "labels", "is_cut", "unread")}
    return {"version_id": version.pk, "version": str(version), "split": split} | kept | figures


def measure_answers(model, version, entries, answers):
    """mAP of what was answered on the images of `entries`, a Prediction each; None where they have no labels."""
    side, labels = _Side(model, version, runtime=answers), 0
    places = {key: place for place, key in enumerate(version.class_keys)}
    known = set(side.classes.values())
    for entry, answer in zip(entries, answers, strict=True):
        classes, corners = _labels(entry, places, known)
        side.take(answer, classes, corners)
        labels += len(classes)
    overall = side.meter.figures()["all"]
    return {"labels": labels, "mAP50": overall["mAP50"], "mAP50_95": overall["mAP50_95"]} if labels else None


def _show(sides, version, split, report):
    """Let all sides answer on the labelled images of a split; what there was to see."""
    sides = list(sides)
    wanted = (entry for entry in version_entries(version) if entry["labeled"] and entry["split"] == split)
    entries = list(itertools.islice(wanted, MOST_IMAGES + 1))
    known = {class_id for side in sides for class_id in side.classes.values()}
    places = {key: place for place, key in enumerate(version.class_keys)}
    counts, hashes, unread = Counter(), set(), 0
    for number, entry in enumerate(entries[:MOST_IMAGES]):
        report(number / len(entries), f"Judging on image {number + 1} of {min(len(entries), MOST_IMAGES)}")
        labels, corners = _labels(entry, places, known)
        try:
            data = _read(entry["file"])
            for side in sides if number % 2 else reversed(sides):  # in turns, which is fair in speed
                side.look(data, labels, corners)
        except (BadImage, OSError):
            unread += 1
            continue
        counts.update(labels.tolist())
        hashes.add(entry["sha256"])
    return {
        "images": len(hashes), "is_cut": len(entries) > MOST_IMAGES, "unread": unread, "labels": counts.total(),
        "counts": counts, "hashes": hashes,
    }  # fmt: skip


def _by_class(names, counts, sides):
    """A row of each class with labels, what fell most first."""
    found = {name: side.meter.per_class() for name, side in sides.items()}
    rows = []
    for class_id, count in counts.items():
        live, new = (found[name][class_id]["mAP50_95"] for name in ("live", "new"))
        rows.append({
            "class_id": class_id, "name": names[class_id], "labels": count, "live": live, "new": new,
            "difference": round(new - live, 5),
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["difference"], row["class_id"]))


def _labels(entry, places, known):
    """(class ids (n), corners (n, 4) as shares of the image) of an entry's labels of the classes that are known."""
    boxes = [(places[box[0]], *box[1:5]) for box in entry["boxes"] if places.get(box[0]) in known]
    rows = np.array(boxes, float).reshape(-1, 5)
    half = rows[:, 3:5] / 2
    return rows[:, 0].astype(int), np.concatenate((rows[:, 1:3] - half, rows[:, 1:3] + half), axis=1)


def _read(name):
    with default_storage.open(name) as file:
        return file.read()


def _areas(corners):
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])


def _iou(ours, theirs):
    """Intersection over union of corners (m, 4) and (n, 4), as (m, n)."""
    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    return shared / np.maximum(_areas(ours)[:, None] + _areas(theirs)[None, :] - shared, 1e-9)
