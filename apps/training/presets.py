"""Three ready settings for a dataset on the machine that will train: a quick try, the balanced choice, the best."""

from typing import NamedTuple

from apps.training.devices import AUTO, FIT, uses_gpu
from apps.training.estimate import Estimate, estimate_time, fitting_batch
from apps.training.registry import Architecture, architectures
from apps.training.weights import at_hand

QUICK, BALANCED, BEST = "quick", "balanced", "best"
FAMILIES = ("yolo11", "yolo26", "yolov8", "yolo12")  # of these, the first whose pretrained weights are here
QUICK_IMAGES = 1000  # a quick try of a large dataset learns from about so many
MANY_IMAGES = 20_000  # each is seen less often


class Preset(NamedTuple):
    """`values` are the form's; `says` tells a person what was chosen and why."""

    key: str
    title: str
    about: str
    architecture: Architecture
    values: dict
    time: Estimate
    says: str


def presets(images, longer_side, machine):
    """The three, for `images` (`{"train", "val"}`) whose longer side is `longer_side` px on the average."""
    gpu = uses_gpu(AUTO, machine)
    size = _rounded(min(640, longer_side))
    memory = machine.gpus[0].memory_mb if machine.gpus else 0
    best = ("l" if memory >= 15_000 else "m" if memory >= 7_000 else "s") if gpu else "s"
    large = gpu and longer_side >= 1200 and memory >= 15_000
    seen = 150 if images["train"] > MANY_IMAGES else 300
    return [
        _preset(QUICK, "Quick try", "Shows whether it can learn at all.", "n", min(size, 320), 20, images, machine,
                patience=10, fraction=_share(images["train"])),
        _preset(BALANCED, "Balanced", "A good model in reasonable time.", "s" if gpu else "n", size, 100, images,
                machine, patience=30),
        _preset(BEST, "Best", "As accurate as this machine can make it.", best, 960 if large else size, seen, images,
                machine, patience=60, cos_lr="true", close_mosaic=20),
    ]  # fmt: skip


def _preset(key, title, about, size, img_size, epochs, images, machine, fraction=1.0, **more):
    gpu = uses_gpu(AUTO, machine)
    architecture = _architecture(size)
    batch = FIT if gpu else fitting_batch(architecture, img_size, images["train"], machine)
    values = {
        "model_type": architecture.name, "weights": "auto", "img_size": img_size, "epochs": epochs, "device": AUTO,
        "batch_size": "" if batch == FIT else batch, "fit_batch": batch == FIT, "learning_rate": "",
        "optimizer": "auto", "fraction": fraction, "cos_lr": "", "close_mosaic": 10, **more,
    }  # fmt: skip
    train = max(round(images["train"] * fraction), 1)
    time = estimate_time(architecture, img_size, epochs, train, images["val"], machine, gpu)
    return Preset(
        key, title, about, architecture, values, time, _says(architecture, values, machine, gpu, train, images)
    )


def _says(architecture, values, machine, gpu, train, images):
    where = f"on {machine.gpus[0].name}" if gpu else "on the CPU, as this trainer has no GPU"
    batch = "the largest batch that fits" if values["fit_batch"] else f"batch {values['batch_size']}"
    start = "pretrained weights" if at_hand(architecture.name) else "pretrained weights if they can be had"
    share = f" It learns from {train} of the {images['train']} images." if train < images["train"] else ""
    return (
        f"{architecture.title} at {values['img_size']} px, {values['epochs']} epochs, {batch}, from {start}, {where}. "
        f"It stops after {values['patience']} epochs without progress.{share}"
    )


def _architecture(size):
    known = [architectures()[f"{prefix}{size}"] for prefix in FAMILIES]
    return next((architecture for architecture in known if at_hand(architecture.name)), known[0])


def _share(train):
    """The share of the images that a quick try learns from."""
    return 1.0 if train <= 2 * QUICK_IMAGES else max(round(QUICK_IMAGES / train, 2), 0.01)


def _rounded(side):
    return max(64, round(side / 32) * 32)
