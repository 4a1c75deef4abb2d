"""The gate: two models' serving runtimes on the same frozen images, as mAP, by class, and as time.

mAP is COCO's (its matching, 101 recalls), at the thresholds of evaluations: every box from confidence 0.001 on, NMS at
IoU 0.7, 300 boxes an image. It is not the evaluations' figure: the runtime answers as programs get it, its boxes cut
at the picture's edge and with as little padding as can be; `yolo val` takes boxes that reach beyond it as they are.
Where both segment their masks are judged as well, by the IoU of masks, on the images whose labels all have outlines.
Classes are those of the dataset version; one that neither model knows is left out, and one that only one of them knows
counts as not found by the other.
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
from apps.inference.services.mask_overlap import mask_iou, masks_of
from apps.inference.services.truth import labels_of
from apps.models.engine.matching import Seen, SizeMeter
from apps.models.services.evaluations import class_mapping, learned_from

MOST_IMAGES = 2000
OPTIONS = {"conf": 0.001, "iou": 0.7, "max_det": 300}


class _Side:
    """Who answers, one of two mostly: what it finds, and how long it takes.

    `found_at`: the longer side in pixels at which it draws masks, where it is no `runtime` that knows it.
    """

    def __init__(self, model, version, runtime=None, found_at=None):
        self.model, self.runtime = model, runtime or (None if found_at else runtime_of(model))
        self.found_at = found_at or self.runtime.imgsz
        self.classes = {theirs: ours for ours, theirs in class_mapping(model, version)[0].items()}
        self.meter, self.seconds = SizeMeter(sizes=("all",)), []
        self.masks = SizeMeter(sizes=("all",)) if model.task == "segment" else None

    def look(self, data, labels):
        """Answer on an image, and match with its labels."""
        started = time.perf_counter()
        prediction = self.runtime.predict(data, **OPTIONS)
        self.seconds.append(time.perf_counter() - started)
        self.take(prediction, labels)

    def take(self, prediction, labels):
        """Match an answer with the labels of its image."""
        found = [box for box in prediction.boxes if box.class_id in self.classes]
        rows = np.array([box[2:6] for box in found], float).reshape(-1, 4)
        truth = labels.corners * ([prediction.width, prediction.height] * 2)
        self._match(self.meter, found, labels, _areas(rows), _areas(truth), _iou(rows, truth))
        if self.masks and labels.has_outlines:
            size = prediction.width, prediction.height
            ours = masks_of([box.polygons for box in found], *size, self.found_at)
            theirs = labels.masks(*size)
            areas = (np.array([mask.area for mask in masks], float) for masks in (ours, theirs))
            self._match(self.masks, found, labels, *areas, mask_iou(ours, theirs))

    def _match(self, meter, found, labels, areas, label_areas, iou):
        meter.add(
            Seen(
                label_classes=labels.classes, label_areas=label_areas,
                classes=np.array([self.classes[box.class_id] for box in found], int), areas=areas,
                confidences=np.array([box.confidence for box in found], float), iou=iou,
            )
        )  # fmt: skip

    def figures(self):
        return _overall(self.meter) | {
            "model_id": self.model.pk, "title": self.model.title, "file": self.model.serving_file.name,
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
    masks = _masks(sides, seen.pop("outlined"), seen["labels"])
    if masks and "new" in masks:
        masks["difference"] = _difference(masks)
    return {
        "version_id": version.pk, "version": str(version), "split": split, **seen,
        "learned_from": len(hashes & learned_from(new, version)),
        **figures, "per_class": _by_class(version.class_names, counts, sides, masks), "masks": masks,
        "difference": _difference(figures),
    }  # fmt: skip


def verdict(judgement):
    """Why the gate blocks, in words, or nothing."""
    most = judgement["max_fall"]
    masks = judgement.get("masks") or {}
    measured = [("mAP50-95", judgement)] + ([("mAP50-95 of masks", masks)] if "difference" in masks else [])
    fallen = [
        f"{name} is {-found['difference']:.3f} lower than that of the live version "
        f"({found['new']['mAP50_95']:.3f} against {found['live']['mAP50_95']:.3f})"
        for name, found in measured
        if -found["difference"] > most + 1e-9
    ]
    return f"{', and '.join(fallen)}; at most {most:g} is accepted." if fallen else ""


def measure_on(runtime, model, version, split, report):
    """mAP of a loaded runtime of `model` on the labelled images of a split, which nothing is compared with.

    None where there are no labels of classes that it knows.
    """
    side = _Side(model, version, runtime)
    seen = _show([side], version, split, report)
    if not seen["labels"]:
        return None
    figures = {name: side.figures()[name] for name in ("mAP50", "mAP50_95")}
    if side.masks and seen["outlined"]["labels"]:
        figures["masks"] = seen["outlined"] | _overall(side.masks)
    kept = {name: seen[name] for name in ("images", "labels", "is_cut", "unread")}
    return {"version_id": version.pk, "version": str(version), "split": split} | kept | figures


def measure_answers(model, version, entries, answers, found_at):
    """mAP of what each of several answered on the images of `entries`; None where these have no labels.

    `answers` is {name: a Prediction for each image, their masks drawn at `found_at` pixels}. What comes back is
    {"labels", name: {"mAP50", "mAP50_95"}, "masks"}, the last as `_masks` has it.
    """
    sides = {name: _Side(model, version, found_at=found_at) for name in answers}
    places = {key: place for place, key in enumerate(version.class_keys)}
    count, outlined = 0, Counter(images=0, labels=0)
    for entry, *given in zip(entries, *answers.values(), strict=True):
        labels = labels_of(entry, places, {ours for side in sides.values() for ours in side.classes.values()})
        for side, answer in zip(sides.values(), given, strict=True):
            side.take(answer, labels)
        count += len(labels)
        if labels.has_outlines:
            outlined.update(images=1, labels=len(labels))
    figures = {name: _overall(side.meter) for name, side in sides.items()}
    return {"labels": count, **figures, "masks": _masks(sides, dict(outlined), count)} if count else None


def _show(sides, version, split, report):
    """Let all sides answer on the labelled images of a split; what there was to see."""
    sides = list(sides)
    wanted = (entry for entry in version_entries(version) if entry["labeled"] and entry["split"] == split)
    entries = list(itertools.islice(wanted, MOST_IMAGES + 1))
    known = {class_id for side in sides for class_id in side.classes.values()}
    places = {key: place for place, key in enumerate(version.class_keys)}
    counts, hashes, unread, outlined = Counter(), set(), 0, Counter(images=0, labels=0)
    for number, entry in enumerate(entries[:MOST_IMAGES]):
        report(number / len(entries), f"Judging on image {number + 1} of {min(len(entries), MOST_IMAGES)}")
        labels = labels_of(entry, places, known)
        try:
            data = _read(entry["file"])
            for side in sides if number % 2 else reversed(sides):  # in turns, which is fair in speed
                side.look(data, labels)
        except (BadImage, OSError):
            unread += 1
            continue
        counts.update(labels.classes.tolist())
        hashes.add(entry["sha256"])
        if labels.has_outlines:
            outlined.update(images=1, labels=len(labels))
    return {
        "images": len(hashes), "is_cut": len(entries) > MOST_IMAGES, "unread": unread, "labels": counts.total(),
        "counts": counts, "hashes": hashes, "outlined": dict(outlined),
    }  # fmt: skip


def _masks(sides, outlined, labels):
    """{"images", "labels", name: figures of masks} of `sides` by name.

    {"why_not": words} where there was nothing to measure, None where none segments.
    """
    if not any(side.masks for side in sides.values()):
        return None
    if not all(side.masks for side in sides.values()):
        return {"why_not": "Only one of the two models segments, so boxes alone are judged."}
    if outlined["labels"] * 2 < max(labels, 1):  # a few would block by chance
        return {
            "why_not": "Masks could not be judged, boxes alone are: fewer than half of the labels here are on images "
            "with an outline (a polygon) on each of their labels."
        }
    return outlined | {name: _overall(side.masks) for name, side in sides.items()}


def _difference(figures):
    return round(figures["new"]["mAP50_95"] - figures["live"]["mAP50_95"], 5)


def _overall(meter):
    overall = meter.figures()["all"]
    return {name: overall[name] for name in ("mAP50", "mAP50_95")}


def _by_class(names, counts, sides, masks):
    """A row of each class with labels, what fell most first; `masks` as `_masks` has it."""
    found = {name: side.meter.per_class() for name, side in sides.items()}
    of_masks = {name: side.masks.per_class() for name, side in sides.items()} if masks and "live" in masks else {}
    rows = []
    for class_id, count in counts.items():
        live, new = (found[name][class_id]["mAP50_95"] for name in ("live", "new"))
        rows.append({
            "class_id": class_id, "name": names[class_id], "labels": count, "live": live, "new": new,
            "difference": round(new - live, 5),
        })  # fmt: skip
        if class_id in of_masks.get("live", ()):
            rows[-1]["masks"] = {name: of_masks[name][class_id]["mAP50_95"] for name in ("live", "new")}
    return sorted(rows, key=lambda row: (row["difference"], row["class_id"]))


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
