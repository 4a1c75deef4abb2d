"""Weights in seconds whose mAP is high: drawn images, labelled with what the weights find on them.

`python -m apps.models.tests.labelled_drawings FOLDER` writes weights.pt, others.pt (which answer otherwise), and
data.yaml with four images to calibrate on and four to validate on.
"""

import functools
import json
import sys
from pathlib import Path

from tests.shared import made_once

from .tiny_weights import NAMES, drawn_pixels, write_in_a_process, write_weights

SIZE = 96


@functools.cache
def labelled_drawings() -> Path:
    """The folder, filled once by a process that may import torch."""
    return made_once("labelled drawings", write_in_a_process(__name__))


def write(folder: Path) -> None:
    import cv2
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    write_weights(folder, ["yolov8n"])
    model = YOLO(folder / "yolov8n.pt")
    head = model.model.model[-1]
    for branch in head.cv3:  # else hundreds of boxes are sure by exactly 1.0, and their order is chance
        branch[-1].weight.data *= 0.3
    for branch in head.cv2:  # else most boxes are larger than the image
        branch[-1].bias.data = -0.7 * torch.arange(16.0).repeat(4)
    model.save(folder / "weights.pt")
    saved = YOLO(folder / "weights.pt")
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (folder / kind / split).mkdir(parents=True)
        for seed in range(4):
            picture = folder / "images" / split / f"{seed}.png"
            cv2.imwrite(str(picture), drawn_pixels(seed + 4 * (split == "val"), 96, 96))
            boxes = saved.predict(picture, imgsz=SIZE, conf=0.05, verbose=False)[0].boxes
            rows = zip(boxes.cls.int().tolist(), boxes.xywhn.clamp(0, 1).tolist(), strict=True)
            text = "\n".join(f"{class_id} " + " ".join(map(str, box)) for class_id, box in rows)
            (folder / "labels" / split / f"{seed}.txt").write_text(text)
    names = json.dumps(NAMES).replace('"', "")
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images/train\nval: images/val\nnames: {names}\n")
    for branch in head.cv2:
        branch[-1].bias.data *= 0.5
    model.save(folder / "others.pt")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
