"""What weights can be exported to on this machine, and why not to the rest.

The list is that of the installed ultralytics, read from its source: importing it would bring torch into the web
process. What each format needs is known here; a format of a newer ultralytics shows as not offered.
"""

import ast
import os
import platform
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

PRECISIONS = ("fp32", "fp16", "int8")
VENDOR = "is compiled by the vendor’s own tools. Export ONNX here, and compile it where they are installed."


@dataclass(frozen=True)
class Need:
    """What a format takes. `packages` are requirements as pip knows them; `int8` those of that precision alone."""

    precisions: tuple = ("fp32",)
    packages: tuple = ()
    int8: tuple = ()
    options: tuple = ()
    gpu: bool = False
    gpu_fp16: bool = False
    never: str = ""  # why it is not offered anywhere
    says: str = ""


NEEDS = {
    "torchscript": Need(("fp32", "fp16"), options=("dynamic", "nms"), gpu_fp16=True,
                        says="PyTorch without Python code"),
    "onnx": Need(PRECISIONS, ("onnx>=1.12.0,<2.0.0", "onnxruntime", "onnxslim>=0.1.82"), options=("dynamic", "nms"),
                 says="read by nearly everything"),
    "openvino": Need(PRECISIONS, ("openvino>=2024.0.0",), ("nncf>=2.14.0",), ("dynamic", "nms"),
                     says="Intel’s CPUs, GPUs and NPUs"),
    "engine": Need(PRECISIONS, ("tensorrt>=7.0.0", "onnx>=1.12.0,<2.0.0"), ("nvidia-modelopt>=0.44",),
                   ("dynamic", "nms"), gpu=True, says="NVIDIA’s TensorRT; runs on the kind of GPU that built it"),
    "coreml": Need(("fp32", "fp16"), ("coremltools>=9.0", "numpy<=2.3.5"), options=("nms",),
                   says="Apple’s devices"),
    "ncnn": Need(("fp32", "fp16"), ("ncnn", "pnnx==20260526"), says="phones and small boards"),
    "mnn": Need(("fp32", "fp16"), ("MNN>=2.9.6", "onnx>=1.12.0,<2.0.0")),
    "litert": Need(("fp32",), ("litert-torch>=0.10.0", "ai-edge-litert>=2.3.0")),
    "executorch": Need(("fp32",), ("executorch",)),
    "paddle": Need(("fp32",), ("paddlepaddle>=3.0.0,<3.3.0", "x2paddle")),
    "coreai": Need(("fp32", "fp16"), ("coreai-torch>=0.4.3",)),
    "saved_model": Need(never="needs TensorFlow on Python 3.12 in an environment of its own. LiteRT is its successor."),
    "pb": Need(never="needs TensorFlow on Python 3.12 in an environment of its own. LiteRT is its successor."),
    "edgetpu": Need(never="needs TensorFlow and Google’s Edge TPU compiler in an environment of their own."),
    "imx": Need(never=VENDOR), "rknn": Need(never=VENDOR), "axelera": Need(never=VENDOR), "deepx": Need(never=VENDOR),
    "qnn": Need(never=VENDOR), "hailo": Need(never=VENDOR), "ascend": Need(never=VENDOR), "xilinx": Need(never=VENDOR),
}  # fmt: skip


@dataclass(frozen=True)
class ExportFormat:
    """A format on this machine. `precisions` are those that can be made; `missing` says why others cannot."""

    key: str
    name: str
    suffix: str
    why_not: str = ""
    precisions: tuple = ()
    options: tuple = ()
    missing: dict = field(default_factory=dict)
    says: str = ""

    @property
    def can(self):
        return not self.why_not


@lru_cache(1)
def export_formats():
    """{key: ExportFormat} of all that ultralytics names, in its order; those for which something is missing too."""
    return {row[1]: _on_this_machine(*row[:3]) for row in _ultralytics_list() if row[1] != "-"}


def _ultralytics_list():
    """The rows of ultralytics' own table: name, key, suffix, and what else it says. [] where it is not installed."""
    found = find_spec("ultralytics")
    if found is None:
        return []
    source = (Path(found.submodule_search_locations[0]) / "engine" / "exporter.py").read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name == "export_formats":
            table = next(part for part in node.body if isinstance(part, ast.Assign))
            return ast.literal_eval(table.value)
    return []


def _on_this_machine(name, key, suffix):
    need = NEEDS.get(key)
    if need is None:
        return ExportFormat(key, name, suffix, "is new in Ultralytics; this platform does not know it yet.")
    if need.never:
        return ExportFormat(key, name, suffix, need.never)
    gpu = has_gpu() if need.gpu or need.gpu_fp16 else False
    lacks = _lacking(need.packages)
    if need.gpu and not gpu:
        return ExportFormat(key, name, suffix, "needs an NVIDIA GPU, and this machine has none.")
    if lacks:
        return ExportFormat(key, name, suffix, f"needs {lacks}")
    missing = {}
    if "int8" in need.precisions and (lacks := _lacking(need.int8)):
        missing["int8"] = f"needs {lacks}"
    if need.gpu_fp16 and not gpu:
        missing["fp16"] = "needs a GPU."
    precisions = tuple(name for name in need.precisions if name not in missing)
    return ExportFormat(key, name, suffix, "", precisions, need.options, missing, need.says)


def _lacking(requirements):
    """Which of these are not installed, in words with what to do; empty where all are."""
    absent, other = [], []
    for text in requirements:
        wanted = Requirement(text)
        try:
            here = metadata.version(wanted.name)
        except metadata.PackageNotFoundError:
            absent.append(text)
            continue
        if not wanted.specifier.contains(here, prereleases=True):
            other.append(f"{text}, where {here} is installed")
    if other:
        return f"{' and '.join(other + absent)}: not to be had beside the rest of the platform."
    return f"{' and '.join(absent)}: pip install {' '.join(_quoted(absent))}" if absent else ""


def _quoted(requirements):
    return [f"'{text}'" if set(text) & set("<>") else text for text in requirements]


def has_gpu():
    """Whether a GPU of NVIDIA's answers here."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all") in ("", "-1") or platform.system() == "Darwin":
        return False
    try:
        import pynvml

        pynvml.nvmlInit()
        return pynvml.nvmlDeviceGetCount() > 0
    except ImportError:
        return False
    except pynvml.NVMLError:  # no driver
        return False
