"""The serving runtime: exported models answer on images, in any process, without torch.

    runtime = load("exports/openvino")
    prediction = runtime.predict(image_bytes, conf=0.25)

Importing this package costs nothing: OpenVINO or ONNX Runtime, OpenCV and numpy come in with the first `load`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .answers import Box, Prediction, Segment
from .errors import BadImage, ModelError, Overloaded
from .parity import Parity, compare, compare_many, pair
from .pool import Flood, Gate, RuntimeCache

if TYPE_CHECKING:
    from .model import Runtime

__all__ = [
    "BadImage",
    "Box",
    "Flood",
    "Gate",
    "ModelError",
    "Overloaded",
    "Parity",
    "Prediction",
    "RuntimeCache",
    "Segment",
    "compare",
    "compare_many",
    "load",
    "pair",
]

MAX_PIXELS = 100_000_000


def load(
    path: str | Path,
    *,
    program: str = "openvino",
    precision: str | None = None,
    threads: int | None = None,
    max_pixels: int = MAX_PIXELS,
    max_graphs: int = 2,
) -> Runtime:
    """Read an exported model (the folder that `apps.models.engine.export` made) and get it ready to answer.

    `program` is "openvino", which reads its own format and ONNX, or "onnxruntime", which reads ONNX and has f32 alone.
    `precision` is "f32" or "bf16"; None takes what the export says, and a CPU without bf16 computes in f32.
    `threads` bounds the CPU threads (None: all cores), `max_pixels` the width times height of an image, checked
    before it is decoded, `max_graphs` how many input shapes get graphs of their own. Raises ModelError.
    """
    if program == "onnxruntime":
        from .onnx import OnnxRuntime as kind
    else:
        from .model import Runtime as kind
    return kind(
        Path(path),
        precision=precision,
        threads=threads,
        max_pixels=max_pixels,
        max_graphs=max_graphs,
    )
