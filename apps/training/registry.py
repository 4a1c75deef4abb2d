"""The architectures that can be trained: families, sizes, and what each costs.

What they cost is measured, not copied: `manage.py measure_architectures` builds each from ultralytics' own yaml and
writes `architectures.json`.
"""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple

TABLE = Path(__file__).with_name("architectures.json")
SIZES = {
    "t": "tiny", "n": "nano", "s": "small", "m": "medium", "b": "balanced", "c": "compact", "l": "large",
    "e": "extended", "x": "extra large",
}  # fmt: skip
AGPL = "AGPL-3.0"


class Family(NamedTuple):
    """Architectures of one design; `trainer` is the engine's name for how they are trained."""

    name: str
    prefix: str
    sizes: str
    licence: str
    about: str
    trainer: str = "yolo"
    served: bool = True  # whether a model of it can be deployed here


FAMILIES = (
    Family("YOLO26", "yolo26", "nsmlx", AGPL, "Ultralytics, 2026. Quick on CPUs, good at small objects."),
    Family("YOLO12", "yolo12", "nsmlx", AGPL, "2025. Attention: accurate for its size, slower on CPUs."),
    Family("YOLO11", "yolo11", "nsmlx", AGPL, "Ultralytics, 2024. A good first choice."),
    Family("YOLOv10", "yolov10", "nsmblx", AGPL, "Tsinghua, 2024. Needs no suppression of overlapping boxes."),
    Family("YOLOv9", "yolov9", "tsmce", f"{AGPL} as trained here; the authors' own code is GPL-3.0", "2024."),
    Family("YOLOv8", "yolov8", "nsmlx", AGPL, "Ultralytics, 2023. Seen everywhere, runs everywhere."),
    Family(
        "RT-DETR", "rtdetr-", "lx", f"{AGPL} as trained here; the authors' own code is Apache-2.0",
        "Baidu, 2023. A transformer: large, wants a GPU and pretrained weights. Can be trained, evaluated and "
        "downloaded, but not deployed here.", "rtdetr", served=False,
    ),
)  # fmt: skip


class Architecture(NamedTuple):
    """One size of a family, with its costs as measured (see `engine/measure.py` for what they mean)."""

    name: str
    family: Family
    size: str
    parameters_m: float
    gflops: float
    activation_mb: float

    @property
    def title(self):
        return f"{self.family.name}{'-' if self.family.prefix.endswith('-') else ''}{self.size}"

    @property
    def costs(self):
        return f"{self.parameters_m:.1f} M parameters, {self.gflops:.1f} GFLOPs at 640 px"


MODEL_TYPES = [f"{family.prefix}{size}" for family in FAMILIES for size in family.sizes]


@cache
def architectures():
    """Every architecture by its name."""
    measured = json.loads(TABLE.read_text())["architectures"]
    rows = ((f"{family.prefix}{size}", family, size) for family in FAMILIES for size in family.sizes)
    return {name: Architecture(name, family, size, **measured[name]) for name, family, size in rows}


def family_of(name):
    """The family of an architecture's name, or None where it is not one of ours."""
    architecture = architectures().get(name)
    return architecture and architecture.family


def model_type_choices():
    """Architectures for a choice field, grouped by family, each with its costs."""
    return [
        (family.name, [(a.name, f"{a.title} – {SIZES[a.size]}, {a.parameters_m:.1f} M, {a.gflops:.0f} GFLOPs")
                       for a in architectures().values() if a.family is family])
        for family in FAMILIES
    ]  # fmt: skip
