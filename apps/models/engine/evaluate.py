"""Measure weights on a split of a dataset version: `python -m apps.models.engine.evaluate job.json`.

The job::

    {"weights": "best.pt",        loading them runs what is pickled in them: only for weights that are trusted;
                                  or an ONNX file that was checked (`describe_onnx`), which ONNX Runtime reads
     "data": "data.yaml",         a folder as ultralytics trains on
     "split": "val",              "train", "val" or "test"
     "imgsz": 640,                the longer side in pixels
     "classes": {"0": 2},         class id of the dataset → of the model; labels of others are left out. None: as it is
     "names": [...],              of an ONNX file: its classes; "end2end", whether its boxes are final; "stride"
     "output": "out",             a folder; images.jsonl.gz appears in it when all went well
     "device": null}              as ultralytics takes it; null is the first GPU where there is one, else the CPU

Answers in JSON lines on stdout (all other output goes to stderr)::

    {"event": "progress", "progress": 0.4, "message": "..."}
    {"event": "finished", "results": {...}, "curves": {...}, "file": "out/images.jsonl.gz"}
    {"event": "failed", "message": "a sentence for people", "traceback": "..."}

The figures (overall, per class, curves) are those of ultralytics' own validator with the defaults of `yolo val`
(confidence 0.001, IoU of the NMS 0.7, rectangular batches of 16; an ONNX file of fixed size takes one square image
after the other), of the boxes where a model segments; the confusion matrix is its own too, counted at
confidence 0.25 and IoU 0.45. Figures by object size and the matches of each image are those of `matching`.

A line of the file is one image::

    {"name": "a.png", "width": 640, "height": 480,                          pixels of the upright image
     "labels": [[class, x1, y1, x2, y2]],
     "found": [[class, confidence, x1, y1, x2, y2, own, iou, other, iou]],  most confident first, above LEAST_CONFIDENCE
     "cells": [[predicted, true, count]]}                                   what it adds to the confusion matrix

`own` is the label of the same class that it found at IoU 0.5, `other` the label of another class that it lies on.
The process exits with 0 after `finished` and 1 after `failed`. Start it with `start_new_session=True` and keep a pipe
to its stdin open: when that closes, because the caller died, the whole process group goes.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import sys
import time
from pathlib import Path
from typing import TextIO

import numpy as np

from .answering import CannotDo, answer_job
from .matching import NOBODY, Seen, SizeMeter, match_image
from .onnx_weights import as_ultralytics_reads
from .report import MATRIX_CONFIDENCE, MATRIX_IOU, validation_report

LEAST_CONFIDENCE = 0.05  # of the predictions that are kept by image
MOST_FOUND = 300  # predictions that are kept of one image
BATCH = 16


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    return answer_job(argv, lambda path, tell: run(read_job(path), tell), "evaluation")


def read_job(path: str) -> dict:
    """The job with its defaults filled in. Raises CannotDo for what is missing."""
    job = {"split": "val", "classes": None, "device": None} | json.loads(Path(path).read_text(encoding="utf-8"))
    for key in ("weights", "data", "imgsz", "output"):
        if not job.get(key):
            raise CannotDo(f'The job lacks "{key}".')
    for key in ("weights", "data"):
        if not Path(job[key]).is_file():
            raise CannotDo(f"The file {Path(job[key]).name} is not there.")
    return job


def run(job: dict, tell) -> dict:
    """Measure; returns the fields of `finished`."""
    output = Path(job["output"]).absolute()
    output.mkdir(parents=True, exist_ok=True)
    tell("progress", progress=0.02, message="Reading the weights")
    file, draft = output / "images.jsonl.gz", output / ".images.jsonl.gz"
    with gzip.open(draft, "wt", encoding="utf-8", compresslevel=6) as lines:
        if job["weights"].endswith(".onnx"):
            job = job | as_ultralytics_reads(job, output)
        validator = make_validator(job, output, lines, tell)
        started = time.perf_counter()
        validator(model=str(job["weights"]))
    tell("progress", progress=0.95, message="Working out the figures")
    if not validator.seen:
        raise CannotDo(f"The split {job['split']} has no image.")
    report = validation_report(validator)
    curves = report.pop("curves")
    more = {
        "by_size": validator.sizes.figures(),
        "imgsz": job["imgsz"],
        "seconds": round(time.perf_counter() - started, 2),
        "machine": machine(validator.device),
    }
    draft.replace(file)
    return {"results": report | more, "curves": curves, "file": str(file)}


def make_validator(job: dict, output: Path, lines: TextIO, tell):
    """Ultralytics' validator that writes a line of each image. Torch comes in here, kept offline."""
    keep_quiet(output)
    import torch
    from ultralytics.utils import callbacks, ops
    from ultralytics.utils.metrics import box_iou

    callbacks.add_integration_callbacks = lambda *args: None
    classes = job["classes"] and {int(theirs): int(ours) for theirs, ours in job["classes"].items()}

    base, is_segment = validator_of(job["weights"])

    class Validator(base):
        def get_dataloader(self, dataset_path, batch_size):
            loader = super().get_dataloader(dataset_path, batch_size)
            if classes is not None:
                for label in loader.dataset.labels:
                    in_classes_of_the_model(label, classes)
            return loader

        def init_metrics(self, model):
            super().init_metrics(model)
            self.sizes = SizeMeter()

        def postprocess(self, preds):
            return super().postprocess(boxes_alone(preds, self.nc, self.end2end) if is_segment else preds)

        def update_metrics(self, preds, batch):
            super().update_metrics(preds, batch)
            for place, pred in enumerate(preds):
                self.note(pred, self._prepare_batch(place, batch))
            share = (self.batch_i + 1) / max(len(self.dataloader), 1)
            tell("progress", progress=0.05 + 0.9 * share, message=f"{self.seen} images")

        def note(self, pred, truth):
            order = pred["conf"].argsort(descending=True, stable=True)
            pred = {name: pred[name][order] for name in ("bboxes", "conf", "cls")}
            before = self.confusion_matrix.matrix.copy()
            self.confusion_matrix.process_batch(pred, truth, conf=MATRIX_CONFIDENCE, iou_thres=MATRIX_IOU)
            cells = self.confusion_matrix.matrix - before
            shape = (truth["imgsz"], truth["ori_shape"], truth["ratio_pad"])
            labels = ops.scale_boxes(shape[0], truth["bboxes"].clone(), shape[1], shape[2]).cpu().numpy()
            boxes = self.scale_preds(pred, truth)["bboxes"].cpu().numpy()
            iou = box_iou(pred["bboxes"], truth["bboxes"]).cpu().numpy() if len(labels) else np.zeros((len(boxes), 0))
            seen = Seen(
                truth["cls"].cpu().numpy().astype(int), areas_of(labels),
                pred["cls"].cpu().numpy().astype(int), areas_of(boxes), pred["conf"].cpu().numpy(), iou,
            )  # fmt: skip
            self.sizes.add(seen)
            line = line_of(Path(truth["im_file"]).name, truth["ori_shape"], seen, labels, boxes, cells)
            lines.write(json.dumps(line, separators=(",", ":")) + "\n")

    arguments = {
        "task": "detect", "mode": "val", "model": str(job["weights"]), "data": str(job["data"]), "split": job["split"],
        "imgsz": job["imgsz"], "batch": BATCH, "workers": 0, "plots": False, "rect": job.get("rect", True),
        "save_json": False, "verbose": False,
        "device": job["device"] or ("0" if torch.cuda.is_available() else "cpu"),
    }  # fmt: skip
    return Validator(args=arguments, save_dir=output)


def validator_of(weights: str):
    """(Ultralytics' validator of boxes, whether there are masks beside them) for what the weights are; raises CannotDo.

    An ONNX file has masks where it has a second output.
    """
    from ultralytics.models.rtdetr.val import RTDETRValidator
    from ultralytics.models.yolo.detect import DetectionValidator
    from ultralytics.nn.tasks import RTDETRDetectionModel, load_checkpoint

    if weights.endswith(".onnx"):
        return DetectionValidator, True
    try:
        model, _ = load_checkpoint(str(weights))
    except Exception as error:
        raise CannotDo("The file does not hold weights that this version of Ultralytics can read.") from error
    if model.task not in ("detect", "segment"):
        raise CannotDo(f"Models that detect or segment can be evaluated so far, and this one is for {model.task}.")
    is_detr = isinstance(model, RTDETRDetectionModel)
    return RTDETRValidator if is_detr else DetectionValidator, model.task == "segment"


def boxes_alone(preds, classes: int, end2end: bool):
    """What a network answers without the masks' coefficients behind each box, and without their prototypes."""
    while isinstance(preds, list | tuple):
        preds = preds[0]
    return preds[..., :6] if end2end else preds[:, : 4 + classes]


def keep_quiet(folder: Path) -> None:
    """No network, no label cache and no "repaired" JPEG beside images that all runs share, no stray files."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder / "config"))
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    from ultralytics.data import dataset
    from ultralytics.data import utils as data_utils

    dataset.save_dataset_cache_file = lambda prefix, path, labels, version: labels.update(version=version)
    data_utils.check_font = data_utils._replace_image = lambda *args, **kwargs: None


def in_classes_of_the_model(label: dict, classes: dict[int, int]) -> None:
    """Give one image's labels (as ultralytics holds them) the model's class ids; drop those that it does not know."""
    ours = np.array([classes.get(int(class_id), NOBODY) for class_id in label["cls"].ravel()], dtype=np.float32)
    keep = ours != NOBODY
    label["cls"] = ours[keep].reshape(-1, 1)
    label["bboxes"] = label["bboxes"][keep]
    if label["segments"]:
        label["segments"] = [points for points, kept in zip(label["segments"], keep, strict=True) if kept]


def areas_of(boxes: np.ndarray) -> np.ndarray:
    """Areas of boxes x1, y1, x2, y2; 0 for one that is inside out, as random weights give them."""
    return (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1) if len(boxes) else np.zeros(0)


def line_of(name: str, shape, seen: Seen, labels: np.ndarray, boxes: np.ndarray, cells: np.ndarray) -> dict:
    """One image as a line of the file."""
    kept = np.flatnonzero(seen.confidences >= LEAST_CONFIDENCE)[:MOST_FOUND]
    matches = match_image(
        Seen(seen.label_classes, seen.label_areas, seen.classes[kept], seen.areas[kept], seen.confidences[kept],
             seen.iou[kept])
    )  # fmt: skip
    found = [
        [int(seen.classes[i]), round(float(seen.confidences[i]), 4), *_box(boxes[i]),
         own, _iou(seen, i, own), other, _iou(seen, i, other)]
        for i, (own, other) in zip(kept, matches, strict=True)
    ]  # fmt: skip
    predicted, true = np.nonzero(cells)
    return {
        "name": name,
        "width": int(shape[1]),
        "height": int(shape[0]),
        "labels": [[int(c), *_box(box)] for c, box in zip(seen.label_classes, labels, strict=True)],
        "found": found,
        "cells": [[int(p), int(t), int(cells[p, t])] for p, t in zip(predicted, true, strict=True)],
    }


def _box(box: np.ndarray) -> list[float]:
    return [round(float(value), 1) for value in box]


def _iou(seen: Seen, place: int, label: int) -> float:
    return 0.0 if label == NOBODY else round(float(seen.iou[place, label]), 3)


def machine(device) -> dict:
    """What measured the speed."""
    import torch
    import ultralytics

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor() or platform.machine()
    return {
        "device": str(device), "name": name, "threads": torch.get_num_threads(), "batch": BATCH,
        "torch": torch.__version__, "ultralytics": ultralytics.__version__,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(sys.argv))
