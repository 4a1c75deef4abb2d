"""ONNX files with each kind of head, and what ultralytics answers with them, by a process that may import torch.

`python -m apps.inference.tests.onnx_heads WEIGHTS_FOLDER FOLDER HEAD…` writes HEAD.onnx and answers.json into FOLDER,
the answers on its PNG files.
"""

import json
import os
import sys
from pathlib import Path

SIZE = 160
MADE = {
    "raw": ("yolov8n", {}),
    "nms": ("yolov8n", {"nms": True, "conf": 0.05}),
    "end2end": ("yolo26n", {"nms": False}),
    "segment": ("yolov8n-seg", {}),
}


def write(weights: Path, folder: Path, heads: list[str]) -> None:
    import torch
    from ultralytics import YOLO

    torch.set_num_threads(1)
    answers = {}
    for head in heads:
        family, options = MADE[head]
        copy = folder / f"{head}.pt"
        copy.write_bytes((weights / f"{family}.pt").read_bytes())
        YOLO(copy).export(format="onnx", imgsz=SIZE, simplify=False, device="cpu", **options)
        answers[head] = []
        for picture in sorted(folder.glob("*.png")):
            task = "segment" if head == "segment" else "detect"
            result = YOLO(folder / f"{head}.onnx", task=task).predict(picture, imgsz=SIZE, conf=0.05, verbose=False)
            rows = result[0].boxes.data.tolist()
            answers[head].append([[int(row[5]), row[4], *row[:4]] for row in rows])
    (folder / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    os.environ["YOLO_AUTOINSTALL"] = "false"
    write(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
