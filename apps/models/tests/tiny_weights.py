"""Weights for tests in seconds: random ones that still answer with many different boxes.

`python -m apps.models.tests.tiny_weights FOLDER` writes small yolov8n.pt, yolo11n.pt and yolo26n.pt.
Parity asks whether two programs compute the same, so what they compute may be nonsense, but it must vary from
place to place: the batch norms take their statistics from drawn images, and the last layers are spread.
"""

import functools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from tests.shared import made_once

FAMILIES = ("yolov8n", "yolov9t", "yolov10n", "yolo11n", "yolo12n", "yolo26n", "yolov8n-seg", "yolo26n-seg")
NAMES = {0: "disc", 1: "square", 2: "cross"}
ROOT = Path(__file__).resolve().parents[3]


def drawn_pixels(seed: int, width: int = 200, height: int = 150) -> np.ndarray:
    """Overlapping shapes on noise, the same for the same seed: uint8 BGR of shape (height, width, 3)."""
    import cv2

    rng = np.random.default_rng(seed)
    pixels = rng.integers(60, 120, (height, width, 3), np.uint8)
    for _ in range(8):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        r, color = int(rng.integers(8, 30)), rng.integers(0, 255, 3).tolist()
        if rng.random() < 0.5:
            cv2.circle(pixels, (x, y), r, color, -1)
        else:
            cv2.rectangle(pixels, (x - r, y - r), (x + r, y + r), color, -1)
    return pixels


@functools.cache
def tiny_weights() -> Path:
    """The folder with the weights, made once by a process that may import torch."""
    return made_once("tiny weights", write_in_a_process(__name__))


def write_in_a_process(module):
    """`write(folder)`: runs `module` as a program that fills the folder."""

    def write(folder):
        subprocess.run(
            [sys.executable, "-m", module, str(folder)], cwd=ROOT, env=engine_environment(folder), check=True,
            capture_output=True,
        )  # fmt: skip

    return write


def engine_environment(folder: Path) -> dict[str, str]:
    """The environment of a process that may import ultralytics: offline, its settings in the folder."""
    return os.environ | {"YOLO_CONFIG_DIR": str(folder / "config"), "YOLO_OFFLINE": "1"}


def write_weights(folder: Path, families=FAMILIES) -> None:
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel, SegmentationModel

    torch.set_num_threads(1)  # on a busy machine threads wait for each other, and this takes 50 times as long
    pictures = np.stack([drawn_pixels(seed, 160, 160) for seed in range(8)])
    batch = torch.from_numpy(pictures[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255
    for family in families:
        torch.manual_seed(0)
        yolo = YOLO(f"{family}.yaml")
        kind = SegmentationModel if family.endswith("-seg") else DetectionModel
        yolo.model = kind(f"{family}.yaml", nc=len(NAMES), verbose=False)
        yolo.model.names, yolo.model.task = NAMES, yolo.task
        enliven(yolo.model, batch)
        yolo.save(folder / f"{family}.pt")


def enliven(model, batch) -> None:
    import torch

    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        model.train()(batch)
        head = model.model[-1]
        for name in ("cv3", "one2one_cv3"):
            for branch in getattr(head, name, None) or []:
                torch.nn.init.normal_(branch[-1].weight, std=0.25)
                torch.nn.init.constant_(branch[-1].bias, -3.0)
        for name in ("cv2", "one2one_cv2"):
            for branch in getattr(head, name, None) or []:
                torch.nn.init.normal_(branch[-1].weight, std=0.1)
    for norm in norms:
        norm.momentum = 0.03
    model.eval()


if __name__ == "__main__":
    write_weights(Path(sys.argv[1]))
