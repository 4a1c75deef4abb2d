"""int8 for serving: an OpenVINO graph quantized by NNCF with training images, padded as predictions get them.

What comes after the last convolutions of the head's branches, and these themselves, stay as they are: on blood cells
that halves how far mAP strays from the weights' own, in no more time than the noise (docs/decisions/067).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np


def quantize(graph: Path, images: list[Path], imgsz: int, stride: int, tell) -> None:
    """Replace the graph, whose input is (1, 3, height, width) of 0 to 1 in RGB, by one in int8.

    `imgsz` is the longer side in pixels; `tell(share)` is called on the way.
    """
    import nncf
    import openvino

    model = openvino.Core().read_model(graph)
    seen = set()

    def shown(path):
        seen.add(path)
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
