"""The training arguments that people may set, taken from the installed ultralytics.

Names, defaults, help and types come from its `cfg/default.yaml`, ranges from the constants of its `cfg/__init__.py`.
Both are read as text: importing the package would bring torch into the web process. Written here is only what
ultralytics does not say: which arguments matter for detection, how they are grouped, and bounds where it has none.
"""

import ast
import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from apps.training.registry import family_of

SCHEDULE, AUGMENTATION, REGULARISATION = "Optimizer and schedule", "Augmentation", "Regularisation"
LOSS, RUN = "Loss gains", "Run"
GROUPS = {
    SCHEDULE: (
        "optimizer", "lrf", "cos_lr", "momentum", "warmup_epochs", "warmup_momentum", "warmup_bias_lr", "nbs",
    ),
    AUGMENTATION: (
        "hsv_h", "hsv_s", "hsv_v", "bgr", "fliplr", "flipud", "degrees", "translate", "scale", "shear", "perspective",
        "mosaic", "close_mosaic", "mixup", "cutmix", "multi_scale",
    ),
    REGULARISATION: ("weight_decay", "freeze"),
    LOSS: ("box", "cls", "dfl", "cls_pw"),
    RUN: ("amp", "deterministic", "cache", "rect", "fraction", "workers", "max_det", "cls_remap"),
}  # fmt: skip
# Bounds where ultralytics checks only the type, or where its own range would ruin every image.
LIMITS = {
    "degrees": (0, 180), "shear": (0, 60), "perspective": (0, 0.001), "scale": (0, 1), "warmup_epochs": (0, 100),
    "nbs": (1, 4096), "close_mosaic": (0, 10_000), "freeze": (0, 100), "box": (0, 100), "cls": (0, 100),
    "dfl": (0, 100), "workers": (0, 64), "max_det": (1, 10_000), "fraction": (0.01, 1), "multi_scale": (0, 0.9),
}  # fmt: skip
LONG_NAMES = {
    "lrf": "Final learning rate (share)", "cos_lr": "Cosine schedule", "nbs": "Nominal batch", "hsv_h": "Hue",
    "hsv_s": "Saturation", "hsv_v": "Brightness", "bgr": "Swap red and blue", "fliplr": "Flip left–right",
    "flipud": "Flip up–down", "degrees": "Rotate", "translate": "Move", "shear": "Shear", "close_mosaic": "Mosaic ends",
    "freeze": "Freeze layers", "box": "Box loss", "cls": "Class loss", "dfl": "Distance loss", "mixup": "MixUp",
    "cls_pw": "Weight of rare classes", "amp": "Mixed precision", "cache": "Images in memory", "rect": "Rectangular",
    "fraction": "Share of the images", "max_det": "Most objects an image", "cls_remap": "Match classes by name",
    "cutmix": "CutMix", "warmup_bias_lr": "Warm-up learning rate of biases",
}  # fmt: skip
SETTINGS = {
    "epochs": "epochs", "batch": "batch_size", "imgsz": "img_size", "patience": "patience", "seed": "seed",
    "lr0": "learning_rate", "device": "device", "model": "model_type", "pretrained": "weights",
}  # fmt: skip
OWN = (
    "task", "mode", "data", "time", "save", "save_period", "project", "name", "exist_ok", "verbose", "resume", "val",
    "split", "save_json", "plots", "cfg", "profile", "compile", "save_dir", "single_cls", "classes",
)  # fmt: skip
NOT_IN_RTDETR = ("box", "cls", "dfl", "cls_pw", "rect")


class Argument(NamedTuple):
    """One argument; `kind` is float, int, bool or choice. `low` and `high` are both accepted."""

    name: str
    group: str
    kind: str
    default: Any
    low: float | None
    high: float | None
    choices: tuple[str, ...]
    help: str

    @property
    def label(self):
        return LONG_NAMES.get(self.name) or self.name.replace("_", " ").capitalize()

    @property
    def accepted(self):
        """What is accepted, in words."""
        if self.kind == "choice":
            return f"One of {', '.join(self.choices)}."
        if self.kind == "bool":
            return "true or false."
        return f"A {'whole number' if self.kind == 'int' else 'number'} from {self.low:g} to {self.high:g}."

    def takes(self, value):
        """Whether `value`, as JSON gives it, is accepted."""
        if self.kind == "choice":
            return value in self.choices
        if self.kind == "bool" or isinstance(value, bool):
            return self.kind == "bool" and isinstance(value, bool)
        kinds = int if self.kind == "int" else int | float
        return isinstance(value, kinds) and self.low <= value <= self.high


@cache
def arguments():
    """Every argument that may be set, by its name."""
    keys, known = _typed_keys(), _configuration()
    rows = [(name, group) for group, names in GROUPS.items() for name in names if name in known]
    return {name: _argument(name, group, known[name], keys) for name, group in rows}


def argument_problems(wanted, model_type=""):
    """What is wrong with arguments, as `{name: what is accepted}`; empty where all can be trained with."""
    family = family_of(model_type)
    detr = family is not None and family.trainer == "rtdetr"
    problems = {}
    for name, value in wanted.items():
        argument = arguments().get(name)
        if argument is None:
            problems[name] = _why_not(name)
        elif detr and name in NOT_IN_RTDETR and value != argument.default:
            problems[name] = "RT-DETR does not use it: leave it out."
        elif not argument.takes(value):
            problems[name] = argument.accepted
    return problems


def without_defaults(wanted):
    """The arguments that differ from ultralytics' own defaults: all that a job needs to note."""
    return {name: value for name, value in wanted.items() if value != arguments()[name].default}


def _why_not(name):
    if name in SETTINGS:
        return f"This is a setting of its own: “{SETTINGS[name]}”."
    if name in OWN:
        return "The platform sets this itself."
    if name in _configuration():
        return "It does nothing in the training of a detector."
    near = difflib.get_close_matches(str(name), arguments(), 1)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    return f"Ultralytics has no such argument.{hint} Accepted: {', '.join(arguments())}."


def _argument(name, group, line, keys):
    default, types, words = line
    kind = next((kind for kind, names in keys.items() if kind in ("int", "bool") and name in names), None)
    kind = kind or ("float" if name in keys["float"] | keys["fraction"] else types.split(" ")[0].strip("|,"))
    low, high = LIMITS.get(name, (0, 1)) if kind in ("int", "float") else (None, None)
    choices = ()
    if kind == "str":  # the help of a name lists the accepted ones: "optimizer: SGD, …, or auto"
        listed = tuple(re.findall(r"\w+", words.partition(":")[2].replace(" or ", " ")))
        kind, choices = "choice", (default, *(choice for choice in listed if choice != default))
    return Argument(name, group, kind, default, low, high, choices, words[:1].upper() + words[1:] + ".")


@cache
def _configuration():
    """`{name: (default, types, help)}` as ultralytics' default.yaml has them."""
    text = (_folder() / "default.yaml").read_text(encoding="utf-8")
    lines = re.findall(r"^(\w+):[ ]*(.*?)[ ]*# \(([^)]*)\) (.*)$", text, re.MULTILINE)
    return {name: (yaml.safe_load(value), types, words) for name, value, types, words in lines}


@cache
def _typed_keys():
    """Names by the type that ultralytics checks: float, fraction (0 to 1), int, bool."""
    tree = ast.parse((_folder() / "__init__.py").read_text(encoding="utf-8"))
    found = {}
    for node in tree.body:
        name = node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else ""
        if match := re.fullmatch(r"CFG_(FLOAT|FRACTION|INT|BOOL)_KEYS", name):
            found[match[1].lower()] = frozenset(ast.literal_eval(node.value.args[0]))
    return found


def _folder():
    """Ultralytics' configuration, found without importing it."""
    return Path(importlib.util.find_spec("ultralytics").submodule_search_locations[0]) / "cfg"
