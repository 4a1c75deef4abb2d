"""What an export answers on validation images, beside what its weights answer on the same ones.

Both run through ultralytics' own validator at one image size, one image at a time, square (exports are), so that all
that differs is the file. OpenVINO computes in float32 here: what a CPU's short arithmetic adds is not the file's fault.
Speed is measured after that, weights and export in turns, so that other work on the machine slows both alike.
"""

from __future__ import annotations

import os
import statistics
from pathlib import Path

import numpy as np

from .evaluate import in_classes_of_the_model

MOST_IMAGES = 500
SURE = (0.25, 0.1, 0.05, 0.01)  # boxes are compared at the first at which the weights find any
SAME_IOU = 0.9
TIMED_IMAGES, TURNS = 8, 3  # each image is answered so often by each of the two


class NotMeasured(Exception):
    """The export cannot be measured; the text says why."""


def prove(job: dict, made: Path, folder: Path, tell) -> dict:
    """Measure weights and export; raises NotMeasured.

    {"images", "conf", "threads", "weights": figures, "export": figures,
     "boxes": {"conf", "expected", "found", "extra"}}, where figures are {"mAP50", "mAP50_95", "milliseconds"} (see
    `speed`), and "masks" with both mAPs of these where the model segments and the labels have outlines. With NMS in the
    graph both count from the confidence on that is built into it.
    """
    if not job["data"]:
        raise NotMeasured("there is no dataset that it learned from or was evaluated on")
    if job["classes"] == {}:
        raise NotMeasured("its dataset has none of the model's classes")
    data = proof_data(job["data"], folder)
    weights = measure(job, job["weights"], data, folder, lambda share: tell_of(tell, "weights", 0.4 + 0.26 * share))
    keep_exact()
    try:
        export = measure(job, made, data, folder, lambda share: tell_of(tell, "export", 0.66 + 0.26 * share))
        tell("progress", progress=0.93, message="Timing weights and export in turns")
        theirs, ours = speed(job, made, data, folder)
    except Exception as error:
        raise NotMeasured(f"it could not be run here: {type(error).__name__}: {str(error)[:300]}") from error
    return {
        "images": weights["images"],
        "conf": job["conf"] if job["nms"] else None,
        "threads": int(os.environ["OMP_NUM_THREADS"]),
        "weights": weights["figures"] | {"milliseconds": theirs},
        "export": export["figures"] | {"milliseconds": ours},
        "boxes": agreement(weights["found"], export["found"]),
    }


def tell_of(tell, what: str, progress: float) -> None:
    tell("progress", progress=progress, message=f"Running the {what} on validation images")


def proof_data(data: str, folder: Path) -> Path:
    """A data.yaml like `data` whose validation split is the first images of it; raises NotMeasured."""
    import yaml

    known = yaml.safe_load(Path(data).read_text(encoding="utf-8"))
    images = sorted((Path(known["path"]) / known["val"]).iterdir())[:MOST_IMAGES]
    if not images:
        raise NotMeasured("its dataset version has no validation image")
    chosen = folder / "proof.txt"
    chosen.write_text("".join(f"{path}\n" for path in images), encoding="utf-8")
    target = folder / "proof.yaml"
    target.write_text(yaml.safe_dump(known | {"val": str(chosen)}), encoding="utf-8")
    return target


def measure(job: dict, model, data: Path, folder: Path, said) -> dict:
    """{"images", "figures", "found": {image: boxes}} of weights or an export; `said(share)` is called on the way."""
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import RTDETRDetectionModel

    yolo = YOLO(job["weights"])
    classes = job["classes"] and {int(theirs): int(ours) for theirs, ours in job["classes"].items()}
    if yolo.task not in ("detect", "segment"):
        raise NotMeasured(f"models for {yolo.task} are not measured here yet")

    class Validator(yolo._smart_load("validator")):
        def get_dataloader(self, dataset_path, batch_size):
            loader = super().get_dataloader(dataset_path, batch_size)
            self.has_outlines = any(label["segments"] for label in loader.dataset.labels)
            for label in loader.dataset.labels if classes is not None else ():
                in_classes_of_the_model(label, classes)
            return loader

        def init_metrics(self, model):
            super().init_metrics(model)
            self.found = {}

        def update_metrics(self, preds, batch):
            super().update_metrics(preds, batch)
            for pred, name in zip(preds, batch["im_file"], strict=True):
                rows = torch.cat([pred["cls"][:, None], pred["conf"][:, None], pred["bboxes"]], 1)
                self.found[name] = rows.cpu().numpy()
            said(self.seen / max(len(self.dataloader), 1))

    arguments = {
        "task": yolo.task, "mode": "val", "model": str(model), "data": str(data), "split": "val", "batch": 1,
        "imgsz": job["imgsz"], "workers": 0, "plots": False, "rect": False, "save_json": False, "verbose": False,
        "device": "0" if torch.cuda.is_available() else "cpu",
    }  # fmt: skip
    if job["nms"] and not isinstance(yolo.model, RTDETRDetectionModel):
        arguments["conf"] = job["conf"]
    validator = Validator(args=arguments, save_dir=folder)
    validator(model=str(model))
    metrics = validator.metrics
    masks = {"masks": rounded(metrics.seg)} if yolo.task == "segment" and validator.has_outlines else {}
    return {"images": validator.seen, "figures": rounded(metrics.box) | masks, "found": validator.found}


def rounded(metric) -> dict:
    return {"mAP50": round(float(metric.map50), 5), "mAP50_95": round(float(metric.map), 5)}


def speed(job: dict, made: Path, data: Path, folder: Path) -> tuple[float, float]:
    """Milliseconds of an answer of weights and export: scaling, network and NMS; medians of some images, in turns."""
    import cv2
    import torch
    from ultralytics import YOLO

    names = Path(data).with_name("proof.txt").read_text(encoding="utf-8").split("\n")[:TIMED_IMAGES]
    pictures = [picture for name in names if name and (picture := cv2.imread(name)) is not None]
    weights = YOLO(job["weights"])
    both = (weights, YOLO(str(made), task=weights.task))
    how = {"imgsz": job["imgsz"], "rect": False, "conf": job["conf"], "verbose": False, "project": str(folder)}
    how |= {"device": "0" if torch.cuda.is_available() else "cpu"}
    times = ([], [])
    for turn in range(TURNS + 1):
        for picture in pictures:
            for model, kept in zip(both, times, strict=True):
                answer = model.predict(picture, **how)[0]
                if turn:  # the first only warms both
                    kept.append(sum(answer.speed.values()))
    return tuple(round(statistics.median(kept), 2) for kept in times)


def keep_exact() -> None:
    """OpenVINO is to compute in float32, not in what is quickest on this CPU."""
    try:
        import openvino
    except ImportError:
        return
    compile_model = openvino.Core.compile_model

    def exactly(core, model, device_name=None, config=None):
        config = {"INFERENCE_PRECISION_HINT": openvino.Type.f32} | (config or {})
        return compile_model(core, model, device_name, config)

    openvino.Core.compile_model = exactly


def agreement(expected: dict, given: dict) -> dict:
    """How many boxes of the weights the export finds too, by class and at IoU 0.9, where the weights find any."""
    for conf in SURE:
        kept = {name: above(conf, rows) for name, rows in expected.items()}
        count = sum(map(len, kept.values()))
        if count:
            break
    near = conf / 2  # one that is hardly less sure is the same box
    found = sum(matched(rows, above(near, given.get(name))) for name, rows in kept.items())
    sure = {name: above(conf, rows) for name, rows in given.items()}
    known = sum(matched(rows, above(near, expected.get(name))) for name, rows in sure.items())
    return {"conf": conf, "expected": count, "found": found, "extra": sum(map(len, sure.values())) - known}


def above(conf: float, rows: np.ndarray | None) -> np.ndarray:
    """Those of `rows` (class, confidence, x1, y1, x2, y2) from a confidence on; none where there are none."""
    return np.zeros((0, 6)) if rows is None else rows[rows[:, 1] >= conf]


def matched(rows: np.ndarray, others: np.ndarray) -> int:
    """How many of `rows` have one of the same class at IoU 0.9 in `others`."""
    if not len(rows) or not len(others):
        return 0
    low = np.maximum(rows[:, None, 2:4], others[None, :, 2:4])
    high = np.minimum(rows[:, None, 4:6], others[None, :, 4:6])
    shared = (high - low).clip(0).prod(axis=2)
    areas, more = ((boxes[:, 4:6] - boxes[:, 2:4]).clip(0).prod(axis=1) for boxes in (rows, others))
    iou = shared / (areas[:, None] + more[None, :] - shared + 1e-9)
    same = (iou >= SAME_IOU) & (rows[:, None, 0] == others[None, :, 0])
    return int(same.any(axis=1).sum())
