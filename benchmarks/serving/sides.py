"""What is measured in a process of its own: `python benchmarks/serving/sides.py job.json` answers one JSON line.

The job: {"side": "weights", "runtime" or "accuracy", "weights", "folder", "precision", "paths", "size", "seconds",
"labels"}. The weights' side imports torch, the runtime's must not.
"""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from serving.clients import measure  # noqa: E402

ALL = {"conf": 0.001, "iou": 0.7, "max_det": 300}  # as mAP is measured


def weights_of(job):
    """`answer(path, **options)` of the `.pt` as ultralytics has it: rows of class, confidence, corners."""
    from ultralytics import YOLO

    model = YOLO(job["weights"])

    def answer(path, conf=0.25, **options):
        found = model.predict(path, imgsz=job["size"], conf=conf, device="cpu", verbose=False, **options)[0].boxes
        return [(int(row[5]), row[4], *row[:4]) for row in found.data.tolist()]

    return answer


def runtime_of(job):
    from apps.inference.runtime import load

    return load(job["folder"], precision=job["precision"])


def time_weights(job):
    return measure(weights_of(job), job["paths"], job["seconds"])


def time_runtime(job):
    runtime = runtime_of(job)
    images = [Path(path).read_bytes() for path in job["paths"]]
    return measure(runtime.predict, images, job["seconds"])


def compare_accuracy(job):
    """mAP50-95 of both on the same images at the same thresholds, and by how much the deployed one is worse."""
    weights, runtime = weights_of(job), runtime_of(job)
    sides = {
        "weights": lambda path: weights(path, **ALL),
        "runtime": lambda path: runtime.predict(path, **ALL).boxes,
    }
    return {name: mean_ap(side, job) for name, side in sides.items()} | {"images": len(job["paths"])}


def mean_ap(answer, job):
    """mAP50-95 over the job's images; `labels` as in `Setup`."""
    import cv2
    import numpy as np

    from apps.models.engine.matching import Seen, SizeMeter

    meter = SizeMeter(sizes=("all",))
    for path, labels in zip(job["paths"], job["labels"], strict=True):
        height, width = cv2.imread(path).shape[:2]
        truth = np.array(labels, float).reshape(-1, 5)
        half = truth[:, 3:5] / 2
        corners = np.concatenate((truth[:, 1:3] - half, truth[:, 1:3] + half), axis=1) * ([width, height] * 2)
        rows = np.array(answer(path), float).reshape(-1, 6)
        meter.add(
            Seen(
                label_classes=truth[:, 0].astype(int), label_areas=area(corners), classes=rows[:, 0].astype(int),
                areas=area(rows[:, 2:]), confidences=rows[:, 1], iou=overlap(rows[:, 2:], corners),
            )
        )  # fmt: skip
    return meter.figures()["all"]["mAP50_95"]


def area(corners):
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])


def overlap(ours, theirs):
    """Intersection over union of corners (m, 4) and (n, 4), as (m, n)."""
    import numpy as np

    low = np.maximum(ours[:, None, :2], theirs[None, :, :2])
    high = np.minimum(ours[:, None, 2:], theirs[None, :, 2:])
    shared = (high - low).clip(0).prod(axis=2)
    return shared / np.maximum(area(ours)[:, None] + area(theirs)[None, :] - shared, 1e-9)


SIDES = {"weights": time_weights, "runtime": time_runtime, "accuracy": compare_accuracy}

if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text())
    print(json.dumps(SIDES[job["side"]](job)))
