"""One model in ONNX Runtime: the same answers as in OpenVINO, quicker on some machines."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .model import FILES, Runtime


class OnnxRuntime(Runtime):
    """A `Runtime` whose network ONNX Runtime computes, in f32."""

    program = "ONNX Runtime"

    def _open(self, path: Path) -> None:
        self._file = str(path / FILES["onnx"][0])
        self._sessions = {False: Session(self._file, self._threads)}
        self._opening = threading.Lock()

    def _usable_precision(self, wanted: str) -> str:
        return "f32"

    @property
    def memory_bytes(self) -> int:
        """About what it holds: each session has the weights, and working space for the largest picture."""
        pixels = self.imgsz * self.imgsz
        return self._weights_bytes + len(self._sessions) * (self._weights_bytes + 100 * pixels)

    def warm(self, width: int, height: int) -> None:
        """Run it once on a picture of this size."""
        place = self._place(width, height)
        self._graph_for(None).infer({0: np.zeros((1, place.canvas_height, place.canvas_width, 3), np.uint8)})

    def _graph_for(self, shape) -> Session:
        """A lone image gets all cores; where several are answered at once, each gets one. All shapes are the same."""
        crowded = self._inside > 1 and self._threads > 1
        if crowded not in self._sessions:
            with self._opening:
                if crowded not in self._sessions:
                    self._sessions[crowded] = Session(self._file, 1)
        return self._sessions[crowded]


class Session:
    """A loaded file; it may be asked from many threads at once, so that the request is itself."""

    def __init__(self, file: str, threads: int):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what goes wrong is raised
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the cores between two
        try:
            self._session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its own classes have no common base but this
            raise RuntimeError(str(error)) from error
        self._input = self._session.get_inputs()[0].name

    def request(self) -> Session:
        return self

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *exc) -> None:
        """Nothing is handed back."""

    def infer(self, inputs: dict[int, np.ndarray], **_: Any) -> list[np.ndarray]:
        """The outputs, in the file's order, of one canvas of uint8 BGR (1, height, width, 3)."""
        picture = cv2.dnn.blobFromImage(inputs[0][0], 1 / 255, swapRB=True)
        return self._session.run(None, {self._input: picture})
