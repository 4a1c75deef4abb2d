"""A model that came as ONNX, made ready for the runtime: checked once more behind walls, described, never changed."""

import io
import json

import numpy as np

from apps.core.work import WorkFailed
from apps.models import services as models
from apps.models.services.checks import check_weights

DRAWN = 8  # pictures of noise, where there is no dataset to take any from
SIZES = ((4, 3), (3, 4), (1, 1), (16, 9))


def prepare(model, folder, report, size):
    """A folder as the runtime loads it, at `size`. Raises WorkFailed, in words, for what it cannot read."""
    from apps.inference.runtime.model import FILES, METADATA_FILE  # OpenCV: not for every web process

    checked, made = folder / "check", folder / "onnx"
    checked.mkdir()
    made.mkdir()
    path = checked / FILES["onnx"][0]
    models.copy_weights(model, path)
    found = check_weights(path, "onnx", model.class_names, report)
    if found["loops"]:
        raise WorkFailed(
            f"Its graph has {found['loops']}: how long such a model takes depends on the picture, so that one picture "
            "could hold up all others. Export it without."
        )
    if max(found["input"][2:]) > 0 and size != model.img_size:
        raise WorkFailed(f"It takes pictures of {model.img_size} px alone: its input is {found['input']}.")
    path.rename(made / path.name)
    (made / METADATA_FILE).write_text(json.dumps(describe(model, found, size)), encoding="utf-8")
    return made


def describe(model, found, size):
    """What the runtime must know of a file of which `describe_onnx` has found this."""
    sides = found["input"][2:]
    return {
        "format": "onnx", "task": found["task"], "names": model.class_names, "imgsz": size,
        "stride": max(found["stride"], 32), "end2end": found["end2end"],
        "head": "final" if found["end2end"] else "raw", "precision": "f32", "masks": found["masks"],
        "fixed": [side if side > 0 else size for side in sides] if max(sides) > 0 else None,
    }  # fmt: skip


def drawn_images(size):
    """Pictures of noise as PNG, to see that it answers, and how fast."""
    from PIL import Image

    rng, images = np.random.default_rng(0), []
    for number in range(DRAWN):
        across, down = SIZES[number % len(SIZES)]
        shape = (max(size * down // max(across, down), 1), max(size * across // max(across, down), 1), 3)
        out = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, shape, np.uint8)).save(out, "PNG", compress_level=1)
        images.append(out.getvalue())
    return images
