"""The mAP of masks as ultralytics' validator works it out: `python -m apps.inference.tests.segment_figures FOLDER`.

FOLDER has an N.npz for each image: `masks` (n, height, width), `corners` (n, 4), `classes` (n) and `confidences` (n) of
what was found, the surest first, and `label_masks`, `label_corners`, `label_classes` of its labels. Answers in
figures.json: {"masks": {"mAP50", "mAP50_95", "per_class": {class id: mAP50-95}}, "boxes": the same}.
"""

import json
import sys
from pathlib import Path

import numpy as np


def write(folder: Path) -> None:
    import torch
    from ultralytics.models.yolo.segment import SegmentationValidator
    from ultralytics.utils.metrics import SegmentMetrics

    torch.set_num_threads(1)
    validator = SegmentationValidator.__new__(SegmentationValidator)  # its matching alone, without model and data
    validator.iouv, validator.niou = torch.linspace(0.5, 0.95, 10), 10
    images = [np.load(path) for path in sorted(folder.glob("*.npz"))]
    names = {int(one): str(one) for image in images for one in image["label_classes"]}
    metrics = SegmentMetrics(names)
    for number, image in enumerate(images):
        found = {name: torch.from_numpy(image[name]) for name in ("masks", "corners", "classes", "confidences")}
        truth = {name: torch.from_numpy(image[f"label_{name}"]) for name in ("masks", "corners", "classes")}
        found = {"cls": found["classes"], "bboxes": found["corners"].float(), "masks": found["masks"]}
        truth = {"cls": truth["classes"], "bboxes": truth["corners"].float(), "masks": truth["masks"].float()}
        hits = validator._process_batch(found, truth)
        labels = image["label_classes"]
        metrics.update_stats(hits | {
            "conf": image["confidences"], "pred_cls": image["classes"], "target_cls": labels,
            "target_img": np.unique(labels), "im_name": str(number),
        })  # fmt: skip
    metrics.process()
    figures = {"masks": figures_of(metrics.seg), "boxes": figures_of(metrics.box)}
    (folder / "figures.json").write_text(json.dumps(figures))


def figures_of(metric) -> dict:
    per_class = {int(one): float(ap) for one, ap in zip(metric.ap_class_index, metric.ap, strict=True)}
    return {"mAP50": float(metric.map50), "mAP50_95": float(metric.map), "per_class": per_class}


if __name__ == "__main__":
    write(Path(sys.argv[1]))
