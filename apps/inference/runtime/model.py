"""One model in OpenVINO, answering from many threads at once."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import boxes, heads, masks
from .answers import Prediction
from .errors import ModelError
from .images import decode

METADATA_FILE = "model.json"
PRECISIONS = ("f32", "bf16", "int8")  # int8 is in the file: what is not quantized there is computed in f32
TASKS = ("detect", "segment")
FILES = {"openvino": ("model.xml", "model.bin"), "onnx": ("model.onnx",)}  # the graph first, the weights last
OWN_GRAPH_AFTER = 3  # requests of one input shape, before 0.1 s goes into a graph that is 5-25 % faster for it

Place = tuple[tuple[int, int], bool]  # an input shape, and whether several images are answered at once

_core_lock = threading.Lock()
_core: Any = None


class Runtime:
    """A loaded model; made by `load`. Many threads may call it at once; how many, is for the caller to bound.

    `names` are the class names in order, `imgsz` the longer side of its input in pixels, `fixed` height and width of
    one that takes no other, `precision` what it computes in, `metadata` what the export wrote, `memory_bytes` an
    estimate of what it holds.
    """

    program = "OpenVINO"

    def __init__(
        self,
        path: Path,
        *,
        precision: str | None,
        threads: int | None,
        max_pixels: int,
        max_graphs: int,
    ):
        self.metadata = read_metadata(path)
        self.names: list[str] = self.metadata["names"]
        self.imgsz: int = self.metadata["imgsz"]
        self.stride: int = self.metadata["stride"]
        self.end2end: bool = self.metadata["end2end"]
        self.fixed: tuple[int, int] | None = tuple(self.metadata.get("fixed") or ()) or None  # height, width
        self.segments: bool = self.metadata["task"] == "segment"
        self._read_head = heads.of(self.metadata)
        self.precision = self._usable_precision(precision or self.metadata.get("precision", "f32"))
        self.max_pixels = max_pixels
        self._threads = min(threads or cores(), cores())
        self._weights_bytes = weights_bytes(path, self.metadata)
        try:
            self._open(path)
        except (OSError, RuntimeError) as error:
            raise ModelError(f"The exported model in {path} is damaged: {self.program} cannot read it.") from error
        self._graphs: dict[Place, Graph] = {}
        self._asked: Counter[Place] = Counter()
        self._inside = 0  # images that are being answered now
        self._max_graphs = max_graphs
        self._lock = threading.Lock()

    def _open(self, path: Path) -> None:
        """Read the file and get a graph for any shape ready; raises OSError or RuntimeError for a damaged one."""
        self._model = read_model(path, self.metadata)
        self._any_shape = Graph(self._compile(crowded=False))

    def _usable_precision(self, wanted: str) -> str:
        return usable_precision(wanted)

    @property
    def memory_bytes(self) -> int:
        """About what this model holds: each graph packs the weights anew and has its own working space."""
        pixels = self.imgsz * self.imgsz
        return self._weights_bytes + (1 + len(self._graphs)) * (self._weights_bytes + 100 * pixels)

    def predict(
        self,
        image: bytes | str | Path,
        conf: float = 0.25,
        iou: float = 0.7,
        max_det: int = 300,
        classes: Sequence[int] | None = None,
    ) -> Prediction:
        """The objects in an image (a file's bytes or its path), as ultralytics' `predict` finds them.

        `conf` and `iou` lie from 0 to 1, `classes` keeps only these class ids (None: all). Raises BadImage.
        """
        with self._lock:
            self._inside += 1
        try:
            return self._predict(image, conf, iou, max_det, classes)
        finally:
            with self._lock:
                self._inside -= 1

    def _predict(self, image, conf, iou, max_det, classes) -> Prediction:
        clock = Clock()
        data = Path(image).read_bytes() if isinstance(image, str | Path) else bytes(image)
        pixels = decode(data, self.max_pixels)
        clock.lap("decode_ms")
        height, width = pixels.shape[:2]
        place = self._place(width, height)
        canvas = boxes.paint(pixels, place)
        clock.lap("preprocess_ms")
        graph = self._graph_for(canvas.shape[1:3])
        with graph.request() as request:
            outputs = request.infer({0: canvas}, share_inputs=True, share_outputs=True)
            clock.lap("inference_ms")
            # outputs are the request's own memory: what is needed of them is copied before others get the request
            rows = self._read_head(outputs, conf, iou, max_det, classes)
            shapes = masks.logits(rows, outputs[1][0]) if self.segments else None
        found = boxes.to_image(rows, place)
        if shapes is not None:
            found = masks.with_outlines(found, rows, shapes, place)
        clock.lap("postprocess_ms")
        return Prediction(width=width, height=height, boxes=found, speed=clock.laps)

    def _place(self, width: int, height: int) -> boxes.Letterbox:
        if self.fixed:
            return boxes.fit_into(width, height, *self.fixed)
        return boxes.fit(width, height, self.imgsz, self.stride)

    def warm(self, width: int, height: int) -> None:
        """Give images of this size a graph of their own now, if there is room, and run it once."""
        place = self._place(width, height)
        shape = (place.canvas_height, place.canvas_width)
        with self._lock:
            self._asked[shape, False] = max(self._asked[shape, False], OWN_GRAPH_AFTER)
        with self._graph_for(shape).request() as request:
            # shared as in `predict`: a copy would go into what the last question has left there, which may be smaller
            request.infer({0: np.zeros((1, *shape, 3), np.uint8)}, share_inputs=True, share_outputs=True)

    def _graph_for(self, shape: tuple[int, int]) -> Graph:
        """The graph of this input shape if it has one, else the one for any shape.

        An image alone gets all cores, which answers soonest. Where several are answered at once each gets one core,
        which carries more of them: there is a graph for either. The first shapes that are asked for again and again
        get theirs, and keep them: with pictures of many shapes in turn, none is thrown out only to be compiled again.
        """
        crowded = self._inside > 1 and self._threads > 1
        place = (shape, crowded)
        if self.fixed and not crowded:
            return self._any_shape  # it has no other shape
        graph = self._graphs.get(place)
        if graph:
            return graph
        other = self._graphs.get((shape, not crowded), self._any_shape)
        with self._lock:
            self._asked[place] += 1
            shapes = {shape for shape, _ in self._graphs}
            room = shape in shapes or len(shapes) < self._max_graphs
            if not room or self._asked[place] < OWN_GRAPH_AFTER or place in self._graphs:
                return self._graphs.get(place, other)
            self._graphs[place] = other  # others go on with this one while it is compiled
        self._graphs[place] = Graph(self._compile(shape, crowded=crowded))
        return self._graphs[place]

    def _compile(self, shape: tuple[int, int] | None = None, *, crowded: bool):
        model = self._model
        if shape:
            model = model.clone()
            model.reshape([1, *shape, 3])
        config = {
            "INFERENCE_PRECISION_HINT": "bf16" if self.precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": self._threads,
            "NUM_STREAMS": self._threads if crowded else 1,
        }
        return core().compile_model(model, "CPU", config)


class Graph:
    """A compiled model and its requests: each serves one image at a time and is used again."""

    def __init__(self, compiled):
        self._compiled = compiled
        self._free: deque = deque()

    def request(self) -> _Lease:
        try:
            return _Lease(self._free.pop(), self._free)
        except IndexError:
            return _Lease(self._compiled.create_infer_request(), self._free)


class _Lease:
    """Hands the request back at the end of the block."""

    def __init__(self, request, free: deque):
        self._request = request
        self._free = free

    def __enter__(self):
        return self._request

    def __exit__(self, *exc):
        self._free.append(self._request)


class Clock:
    """Milliseconds from lap to lap."""

    def __init__(self):
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name] = round((now - self._last) * 1000, 3)
        self._last = now


def core():
    """The one OpenVINO of this process."""
    global _core
    with _core_lock:
        if _core is None:
            import openvino

            _core = openvino.Core()
        return _core


def cores() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_precision(wanted: str) -> str:
    """bf16 only where the CPU computes in it: elsewhere it would only cost exactness. Raises ModelError."""
    if wanted not in PRECISIONS:
        raise ModelError(f"Precision {wanted!r} is not known: {', '.join(PRECISIONS)} are.")
    if wanted == "bf16" and "BF16" not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return "f32"
    return wanted


def read_metadata(path: Path) -> dict:
    """What the export wrote about the model. Raises ModelError."""
    try:
        metadata = json.loads((path / METADATA_FILE).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(f"There is no exported model in {path}.") from error
    except (OSError, ValueError) as error:
        raise ModelError(f"The exported model in {path} is damaged: its {METADATA_FILE} cannot be read.") from error
    missing = {"format", "task", "names", "imgsz", "stride", "end2end"} - set(metadata)
    if missing:
        raise ModelError(f"The exported model in {path} is damaged: it does not say its {', '.join(sorted(missing))}.")
    if metadata["format"] not in FILES or metadata["task"] not in TASKS:
        raise ModelError(f"Serving {metadata['format']} models for {metadata['task']} is not possible yet.")
    return metadata


def weights_bytes(path: Path, metadata: dict) -> int:
    """Bytes of the file with the weights. Raises ModelError."""
    try:
        return (path / FILES[metadata["format"]][-1]).stat().st_size
    except OSError as error:
        raise ModelError(f"The exported model in {path} is damaged: its weights are not there.") from error


def read_model(path: Path, metadata: dict):
    """The graph with the conversion of pixels built in: it takes uint8 BGR of shape (1, height, width, 3)."""
    import openvino
    from openvino.preprocess import ColorFormat, PrePostProcessor

    steps = PrePostProcessor(core().read_model(path / FILES[metadata["format"]][0]))
    steps.input().tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    steps.input().tensor().set_color_format(ColorFormat.BGR)
    steps.input().model().set_layout(openvino.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    model = steps.build()
    model.reshape([1, *(metadata.get("fixed") or (-1, -1)), 3])
    return model
