"""Real files of Ultralytics for the tests of uploads, made by a process that may import torch.

`python -m apps.models.tests.real_weights WEIGHTS FOLDER NAME…` writes each NAME into FOLDER; WEIGHTS is a small .pt.
"""

import os
import subprocess
import sys
from pathlib import Path

from .tiny_weights import ROOT, engine_environment, tiny_weights

ACTIVATION = "__import__('os').system('touch /tmp/pwned')"


def real_files(folder: Path, *names: str) -> Path:
    """The folder with these files, made now by one process."""
    command = [sys.executable, "-m", __name__, str(tiny_weights() / "yolov8n.pt"), str(folder), *names]
    done = subprocess.run(command, cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def write(weights: str, folder: Path, name: str) -> None:
    import torch
    from ultralytics import RTDETR, YOLO

    torch.set_num_threads(1)
    path = folder / name
    if name.startswith(("yolo", "rtdetr")):
        kind = RTDETR if "rtdetr" in name else YOLO
        kind(name.replace(".pt", ".yaml")).save(path)
        return
    if name == "model.onnx":
        YOLO(weights).export(format="onnx", imgsz=64, simplify=False, device="cpu")
        Path(weights).with_suffix(".onnx").rename(path)
        return
    checkpoint = torch.load(weights, map_location="cpu", weights_only=False)
    model = checkpoint["model"]
    if name == "activation.pt":
        model.yaml["activation"] = ACTIVATION
    elif name == "layer.pt":
        model.yaml["head"][0][2] = "torch_safe_load"
    elif name == "old.pt":  # as the first releases of version 8 wrote it
        from ultralytics.nn import modules

        for layer in ("Bottleneck", "C2f", "Concat", "Conv", "DFL", "Detect", "SPPF"):
            getattr(modules, layer).__module__ = "ultralytics.nn.modules"
    elif name == "names.pt":
        model.names = {0: "disc"}
    elif name == "last.pt":  # as a trainer leaves it in the middle, with its optimizer
        optimizer = torch.optim.AdamW(model.float().parameters())
        for parameter in model.parameters():
            parameter.requires_grad_(True).grad = torch.zeros_like(parameter)
        optimizer.step()
        checkpoint |= {
            "epoch": 3,
            "model": None,
            "ema": model.half(),
            "optimizer": optimizer.state_dict(),
            "updates": 9,
        }
    torch.save(checkpoint, path)


if __name__ == "__main__":
    os.environ["YOLO_AUTOINSTALL"] = "false"
    for wanted in sys.argv[3:]:
        write(sys.argv[1], Path(sys.argv[2]), wanted)
