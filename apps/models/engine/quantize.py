"""int8 for serving: an OpenVINO graph quantized by NNCF with training images, padded as predictions get them.

What comes after the last convolutions of the head's branches, and these themselves, stay as they are: on blood cells
that halves how far mAP strays from the weights' own, in no more time than the noise (docs/decisions/067).
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from .answering import CannotDo

JUDGED_FROM = 10  # images, or half of all, beside the first one, which waits for the graph to be compiled


def quantize(graph: Path, images: list[Path], imgsz: int, stride: int, tell, patience: float | None = None) -> None:
    """Replace the graph, whose input is (1, 3, height, width) of 0 to 1 in RGB, by one in int8.

    `imgsz` is the longer side in pixels; `tell(share)` is called on the way. Raises CannotDo as soon as it is seen that
    it would take more than `patience` seconds.
    """
    import nncf
    import openvino

    model = openvino.Core().read_model(graph)
    seen = {}

    def shown(path):
        seen.setdefault(path, time.monotonic())
        asked_at = list(seen.values())
        if len(seen) > 2:
            give_up_in_time(len(seen) - 2, len(images), asked_at[-1] - asked_at[1], patience)
        tell(len(seen) / len(images))
        return as_served(path, imgsz, stride)

    quantized = nncf.quantize(
        model,
        nncf.Dataset(images, shown),
        preset=nncf.QuantizationPreset.MIXED,
        subset_size=len(images),
        ignored_scope=nncf.IgnoredScope(names=kept_as_is(model)),
    )
    target = graph.with_name("int8.xml")  # the weights are read from the old file until they are written
    openvino.save_model(quantized, target, compress_to_fp16=False)
    del model, quantized
    for suffix in (".xml", ".bin"):
        target.with_suffix(suffix).replace(graph.with_suffix(suffix))


def give_up_in_time(done: int, of: int, seconds: float, patience: float | None) -> None:
    """Raise CannotDo where `done` images took so many seconds that all of them would take more than `patience`."""
    if patience is None or done < min(JUDGED_FROM, of // 2):
        return
    expected = seconds / done * of
    if expected > patience:
        raise CannotDo(
            f"Quantizing it would take this machine {expected / 60:.1f} minutes, and where nobody asked for "
            f"int8 it is given {patience / 60:g}. Choose int8 for the deployment to have it tried."
        )


def as_served(path: Path, imgsz: int, stride: int) -> np.ndarray:
    """An image as a prediction gets it: (1, 3, height, width), RGB from 0 to 1, padded to multiples of the stride."""
    from ultralytics.data.augment import LetterBox
    from ultralytics.utils.patches import imread

    padded = LetterBox((imgsz, imgsz), auto=True, stride=stride)(image=imread(str(path)))
    return np.ascontiguousarray(padded[None, ..., ::-1].transpose(0, 3, 1, 2), np.float32) / 255


def kept_as_is(model) -> list[str]:
    """Names of the last convolutions before the outputs, and of all that comes after them.

    The one that turns a box's distribution into its sides ("dfl") is arithmetic, not a layer: it comes after.
    """
    names, waiting = set(), [output.get_node() for output in model.outputs]
    while waiting:
        node = waiting.pop()
        name, kind = node.get_friendly_name(), node.get_type_name()
        if name in names or kind in ("Constant", "Parameter", "ShapeOf"):
            continue
        if kind != "Result":
            names.add(name)
        if kind not in ("Convolution", "GroupConvolution") or ".dfl" in name:
            waiting += [value.get_node() for value in node.input_values()]
    return sorted(names)
