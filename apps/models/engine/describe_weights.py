"""Read what is known of a `.pt` that `read_weights` has passed: `python -m …engine.describe_weights job.json`.

The job: {"weights": "weights.pt", "folder": the only folder where this process may write}. The file is loaded here, by
PyTorch's own restricted unpickler and behind the walls of `sandbox`. Answers in JSON lines on stdout::

    {"event": "finished", "architecture": "yolov8n", "task": "detect", "class_names": [...], "img_size": 640,
     "parameters": 3011043, "stride": 32, "licence": "AGPL-3.0", "settings": {...}, "told": {...}}
    {"event": "refused", "message": "a sentence for people", "name": ""}
    {"event": "failed", "message": "...", "traceback": "..."}

An architecture is "custom" where its yaml is none of ultralytics' own. `told` is what the file says of itself, which
nobody has checked. The process exits with 0 after `finished` and `refused`, with 1 after `failed`.
"""

from __future__ import annotations

import math
import os
import re
import sys
from pathlib import Path

from .refusals import Refused
from .sealed import answer_sealed
from .torch_names import YAML_LAYERS

MEMORY_MB, CPU_SECONDS = 6144, 300
MOST_CLASSES, LONGEST_NAME, MOST_DEPTH = 10_000, 100, 6
PROBE = 64  # pixels of the image that shows whether the layers fit together
YAML_KEYS = {
    "nc", "ch", "channels", "scale", "scales", "backbone", "head", "yaml_file", "depth_multiple", "width_multiple",
    "max_channels", "end2end", "reg_max", "activation", "names", "task",
}  # fmt: skip
ACTIVATION = re.compile(
    r"(torch\.)?nn\.(SiLU|ReLU|ReLU6|GELU|Mish|Hardswish|LeakyReLU|Sigmoid|Identity)\([0-9.]{0,6}\)"
)
ARCHITECTURE = re.compile(
    r"(?P<family>yolo(v3|v5|v6|v8|v9|v10|11|12|26)|rtdetr)(?P<scale>[a-z]?)(?P<kind>(-[a-z0-9]{1,9}){0,3})"
)
WORD = re.compile(r"[A-Za-z0-9_.-]{1,60}")
SETTINGS = (
    "epochs", "batch", "imgsz", "optimizer", "lr0", "lrf", "momentum", "weight_decay", "seed", "patience", "mosaic",
    "mixup", "fliplr", "flipud", "degrees", "scale", "translate", "hsv_h", "hsv_s", "hsv_v",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    return answer_sealed(argv, lambda job: describe(job["weights"]), MEMORY_MB, CPU_SECONDS)


def describe(path: str) -> dict:
    """The fields of `finished`. Raises Refused."""
    os.environ["YOLO_AUTOINSTALL"] = "false"
    from ultralytics.nn.tasks import SegmentationModel, torch_safe_load

    try:
        checkpoint, _ = torch_safe_load(path, safe_only=True)
    except Exception as error:
        raise Refused(
            f"This version of Ultralytics cannot read these weights: {type(error).__name__}: {first_line(error)}"
        ) from error
    model = checkpoint.get("ema") or checkpoint.get("model")
    arguments = plain(checkpoint.get("train_args") or getattr(model, "args", None))
    names, count = class_names(model), check_model(model)
    return {
        "architecture": architecture_of(model.yaml),
        "task": "segment" if isinstance(model, SegmentationModel) else "detect",
        "class_names": names,
        "img_size": image_size(arguments.get("imgsz")),
        "parameters": count,
        "stride": int(max(model.stride)),
        "licence": first_line(checkpoint.get("license") or "")[:80].partition(" ")[0],
        "settings": {
            key: first_line(value)[:100] if isinstance(value, str) else value
            for key in SETTINGS
            if isinstance(value := arguments.get(key), int | str) or (isinstance(value, float) and math.isfinite(value))
        },
        "told": told(checkpoint, arguments),
    }


def check_model(model) -> int:
    """The number of its parameters, after one small image has gone through it. Raises Refused."""
    import torch
    from ultralytics.nn.tasks import DetectionModel

    if not isinstance(model, DetectionModel):
        raise Refused(
            f"These weights hold no model that finds objects, but a {type(model).__name__}. "
            "Models that detect or segment are taken."
        )
    check_yaml(getattr(model, "yaml", None))
    try:
        model.float().eval()
        with torch.inference_mode():
            model(torch.zeros(1, int(model.yaml.get("channels") or 3), PROBE, PROBE))
        return sum(parameter.numel() for parameter in model.parameters())
    except MemoryError:
        raise
    except Exception as error:
        raise Refused(f"The layers of this model do not work: {type(error).__name__}: {first_line(error)}") from error


def check_yaml(yaml) -> None:
    """Ultralytics builds a model anew from this when a training starts from it, and calls what it names: so its names
    must be layers, and nothing else in it may be anything but plain. Raises Refused."""
    if not isinstance(yaml, dict) or not all(isinstance(yaml.get(part), list) for part in ("backbone", "head")):
        raise Refused("These weights do not say how their model is built (its yaml).")
    if strange := [key for key in yaml if key not in YAML_KEYS]:
        raise Refused(f"The yaml of this model has the unknown key “{str(strange[0])[:60]}”.", str(strange[0])[:60])
    activation = yaml.get("activation")
    if activation is not None and not (isinstance(activation, str) and ACTIVATION.fullmatch(activation)):
        raise Refused("The yaml of this model names an activation that is none.", str(activation)[:80])
    for layer in yaml["backbone"] + yaml["head"]:
        if not isinstance(layer, list) or len(layer) != 4 or not isinstance(layer[2], str):
            raise Refused("The yaml of this model has a layer that cannot be read.")
        if layer[2] not in YAML_LAYERS:
            raise Refused(f"The yaml of this model names “{layer[2][:60]}”, which is no known layer.", layer[2][:60])
        check_plain([layer[0], layer[1], layer[3]])
    check_plain([yaml.get(key) for key in ("nc", "ch", "channels", "scale", "scales", "yaml_file", "reg_max")])


def check_plain(value, depth: int = 0) -> None:
    """Raises Refused for what is no number, word, or list or dictionary of them."""
    if depth > MOST_DEPTH:
        raise Refused("The yaml of this model is nested too deep.")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list | tuple):
        for one in value:
            check_plain(one, depth + 1)
    elif not (value is None or isinstance(value, bool | int | float) or (
        isinstance(value, str) and (WORD.fullmatch(value) or depth == 1)
    )):  # fmt: skip
        raise Refused(f"The yaml of this model has “{str(value)[:60]}” where a number or a word belongs.")


def class_names(model) -> list[str]:
    """The names in order. Raises Refused."""
    names = getattr(model, "names", None)
    if isinstance(names, list | tuple):
        names = dict(enumerate(names))
    if not isinstance(names, dict) or sorted(map(str, names)) != sorted(map(str, range(len(names)))):
        raise Refused("These weights do not say the names of their classes.")
    names = [names[place] for place in range(len(names))]
    if not 0 < len(names) <= MOST_CLASSES or len(names) != model.yaml.get("nc"):
        raise Refused(f"These weights have {len(names)} names for {model.yaml.get('nc')} classes.")
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise Refused(f"The class name {str(name)[:60]!r} is not 1 to {LONGEST_NAME} printable characters long.")
    return names


def architecture_of(yaml: dict) -> str:
    """The name of ultralytics' own architecture that this is, as yolov8n, else "custom"."""
    from ultralytics.nn.tasks import yaml_model_load

    stem = Path(str(yaml.get("yaml_file") or "")).stem
    scale = str(yaml.get("scale") or "")
    known = ARCHITECTURE.fullmatch(stem)
    if known is None:
        return "custom"
    if not known["scale"]:
        stem = f"{known['family']}{scale}{known['kind']}"
    try:
        own = yaml_model_load(f"{stem}.yaml")
    except Exception:
        return "custom"
    return stem if layers(own) == layers(yaml) else "custom"


def layers(yaml: dict) -> list:
    """What makes two yamls the same; ultralytics replaces words among the arguments by what they stand for."""
    return [(layer[0], layer[1], layer[2]) for layer in yaml["backbone"] + yaml["head"]]


def image_size(value) -> int:
    """The longer side in pixels; 640 where the file does not say."""
    value = max(value, default=0) if isinstance(value, list | tuple) else value
    return value if isinstance(value, int) and not isinstance(value, bool) and 32 <= value <= 8192 else 640


def plain(arguments) -> dict:
    """Ultralytics' arguments as a dictionary, whichever of its two forms they have."""
    return dict(arguments) if isinstance(arguments, dict) else dict(vars(arguments)) if arguments else {}


def told(checkpoint: dict, arguments: dict) -> dict:
    """What the file says of how it came to be: figures and words, cut short."""
    metrics = checkpoint.get("train_metrics") or {}
    figures = {
        ours: round(float(metrics[theirs]), 5)
        for ours, theirs in (("mAP50", "metrics/mAP50(B)"), ("mAP50_95", "metrics/mAP50-95(B)"))
        if isinstance(metrics.get(theirs), int | float) and math.isfinite(metrics[theirs])
    }
    words = {"date": checkpoint.get("date"), "ultralytics": checkpoint.get("version")}
    for key in ("data", "model"):
        words[key] = Path(str(arguments.get(key) or "").replace("\\", "/")).name
    return figures | {key: first_line(value)[:100] for key, value in words.items() if value}


def first_line(value) -> str:
    line = next(iter(str(value).strip().splitlines()), "")
    return "".join(c for c in line if c.isprintable())[:200].encode(errors="replace").decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
