"""Exports of models that segment, and the masks that ultralytics finds with their weights.

`python -m apps.inference.tests.segment_answers WEIGHTS_FOLDER FOLDER` writes a folder for each of KINDS with OpenVINO,
one more with ONNX, and masks.json: {kind: [[{"row": [class, confidence, x1, y1, x2, y2], "outlines": [[[x, y]]]}]]}, in
pixels of FOLDER's PNG files.
"""

import json
import os
import sys
from pathlib import Path

SIZE = 160
KINDS = {"yolov8n-seg": False, "yolo26n-seg": True}  # whether its NMS-free head is taken


def write(weights: Path, folder: Path) -> None:
    import torch
    from ultralytics import YOLO

    from apps.models.engine import export

    torch.set_num_threads(1)
    found = {}
    for kind, end2end in KINDS.items():
        job = {"weights": str(weights / f"{kind}.pt"), "output": str(folder / kind), "imgsz": SIZE, "end2end": end2end}
        (folder / "job.json").write_text(json.dumps(job | {"also": {"onnx": str(folder / f"{kind}-onnx")}}))
        export.run(export.read_job(str(folder / "job.json")), lambda *args, **more: None)
        model = YOLO(weights / f"{kind}.pt")
        options = {"imgsz": SIZE, "conf": 0.2, "nms": False if end2end else None, "device": "cpu", "verbose": False}
        found[kind] = [masks_of(model.predict(path, **options)[0]) for path in sorted(folder.glob("*.png"))]
    (folder / "masks.json").write_text(json.dumps(found))


def masks_of(result) -> list[dict]:
    import cv2
    import numpy as np
    from ultralytics.utils.ops import scale_coords

    rows = []
    for row, mask in zip(
        result.boxes.data.tolist(), result.masks.data if result.masks is not None else [], strict=True
    ):
        contours, _ = cv2.findContours(mask.numpy().astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        scaled = [scale_coords(mask.shape, c.reshape(-1, 2).astype(np.float32), result.orig_shape) for c in contours]
        rows.append({"row": [int(row[5]), row[4], *row[:4]], "outlines": [one.tolist() for one in scaled]})
    return rows


if __name__ == "__main__":
    os.environ["YOLO_AUTOINSTALL"] = "false"
    write(Path(sys.argv[1]), Path(sys.argv[2]))
