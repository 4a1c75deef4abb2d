"""Judge an `.onnx` and read what is known of it: `python -m apps.models.engine.describe_onnx job.json`.

The job: {"weights": "model.onnx", "folder": the only folder where this process may write, "class_names": [...] or none,
which count where the file has no names}. The file is data and no program, but what reads it is C++: so it is read
behind the walls of `sandbox`, by onnx's own checker and then by OpenVINO, which runs it once. Answers in JSON lines::

    {"event": "finished", "architecture": "onnx", "task": task, "masks": masks, "class_names": [...], "img_size": 640,
     "parameters": 3011043, "stride": 32, "licence": "AGPL-3.0", "settings": {}, "told": {...},
     "input": [1, 3, 640, 640], "output": [1, 84, 8400], "opset": 17, "end2end": false,
     "loops": "", "masks": 0}
    {"event": "refused", "message": "a sentence for people", "name": ""}
    {"event": "failed", "message": "...", "traceback": "..."}

A free side is -1. The process exits with 0 after `finished` and `refused`, with 1 after `failed`.
"""

from __future__ import annotations

import ast
import math
import sys

from .refusals import Refused
from .sealed import answer_sealed

MEMORY_MB, CPU_SECONDS = 6144, 300
MOST_CLASSES, LONGEST_NAME, MOST_NODES = 10_000, 100, 100_000
DOMAINS = ("", "ai.onnx")
MOST_MASKS = 256
LOOPS = {"Loop", "Scan", "If"}
END2END_LAYOUT = 6  # x1, y1, x2, y2, confidence, class


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    return answer_sealed(
        argv, lambda job: describe(job["weights"], job.get("class_names") or []), MEMORY_MB, CPU_SECONDS
    )


def describe(path: str, wanted: list[str]) -> dict:
    """The fields of `finished`. Raises Refused."""
    model = check_model(path)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    task = metadata.get("task", "detect")
    if task not in ("detect", "segment"):
        raise Refused(f"This model is for “{task[:40]}”. Models that detect or segment are taken.")
    names = told_names(metadata)
    shape = input_shape(model)
    size = image_size(metadata, shape)
    outputs = run_once(path, [1, 3, *(side if side > 0 else size for side in shape[2:])])
    task, masks = ("detect", 0) if len(outputs) == 1 else ("segment", check_prototypes(outputs))
    if names is None:
        names = given_names(wanted, outputs[0], masks)
    return {
        "architecture": "onnx", "task": task, "masks": masks, "class_names": names, "img_size": size,
        "parameters": sum(math.prod(tensor.dims) for tensor in model.graph.initializer),
        "stride": int(metadata["stride"]) if metadata.get("stride", "").isdecimal() else 32,
        "licence": metadata.get("license", "")[:80].partition(" ")[0], "settings": {},
        "told": {
            key: metadata[theirs][:100]
            for key, theirs in (("date", "date"), ("ultralytics", "version"))
            if metadata.get(theirs, "").isprintable() and metadata.get(theirs)
        },
        "input": shape, "output": outputs[0], "end2end": check_head(outputs[0], names, masks), "loops": loops(model),
        "opset": max(entry.version for entry in model.opset_import if entry.domain in DOMAINS),
    }  # fmt: skip


def check_model(path: str):
    """The model, as onnx's own checker takes it. Raises Refused."""
    import onnx

    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:
        raise Refused("This is no ONNX file, or it is damaged.") from error
    for tensor in tensors(model):
        if tensor.external_data or tensor.data_location:
            raise Refused("Its weights lie in another file. Store the model with its weights inside.", tensor.name[:80])
    for entry in (*model.opset_import, *(node for node in nodes(model))):
        if entry.domain not in DOMAINS:
            raise Refused(f"It needs operators of “{entry.domain[:60]}”, which are not ONNX's own.", entry.domain[:60])
    try:
        onnx.checker.check_model(model)
    except Exception as error:
        raise Refused(f"ONNX's checker does not take it: {first_line(error)}") from error
    return model


def graphs(model):
    """The graph, those inside its nodes, and those inside its functions, however deep."""
    waiting = [model.graph, *model.functions]
    count = 0
    while waiting:
        graph = waiting.pop()
        yield graph
        for node in graph.node:
            count += 1
            if count > MOST_NODES:
                raise Refused(f"It has more than {MOST_NODES} nodes.")
            for attribute in node.attribute:
                waiting += [attribute.g] if attribute.HasField("g") else []
                waiting += attribute.graphs


def nodes(model):
    return (node for graph in graphs(model) for node in graph.node)


def loops(model) -> str:
    """Those of its operators whose work depends on what is in the picture, in words; such a model is not served."""
    return " and ".join(sorted({node.op_type for node in nodes(model)} & LOOPS))


def tensors(model):
    """Every tensor that could point at another file."""
    for graph in graphs(model):
        yield from getattr(graph, "initializer", ())
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)


def told_names(metadata: dict) -> list[str] | None:
    """The class names of the file's metadata, as ultralytics writes them; None where it has none. Raises Refused."""
    if "names" not in metadata:
        return None
    try:
        found = ast.literal_eval(metadata["names"])
        found = dict(enumerate(found)) if isinstance(found, list | tuple) else dict(found)
        names = [found[place] for place in range(len(found))]
    except Exception as error:
        raise Refused("The class names in its metadata cannot be read.") from error
    if not names:
        return None
    if wrong := wrong_name(names):
        raise Refused(wrong)
    return names


def given_names(names: list[str], output: list[int], masks: int = 0) -> list[str]:
    """The names that were given, where the file has none. Raises Refused that asks for as many as its head has."""
    count = count_classes(output, masks)
    asks = {"asks": "class_names", "count": count}
    if not names:
        many = f", of which it has {count}" if count else ""
        raise Refused(f"The file does not say the names of its classes{many}. Give them in the model's order.", **asks)
    if count and len(names) != count:
        raise Refused(
            f"{len(names)} class names were given, and it has {count} classes: its output is {output}, and would be "
            f"[1, {4 + len(names) + masks}, n].",
            **asks,
        )
    if wrong := wrong_name(names):
        raise Refused(wrong, **asks)
    return names


def wrong_name(names: list) -> str:
    """What is wrong with class names, in words, or nothing."""
    if len(names) > MOST_CLASSES:
        return f"It has more than {MOST_CLASSES} classes."
    for name in names:
        if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            return f"The class name {str(name)[:60]!r} is not 1 to {LONGEST_NAME} printable characters long."
    return ""


def count_classes(output: list[int], masks: int = 0) -> int | None:
    """How many classes a head has that answers a score for each; None of one whose boxes are final: it does not say."""
    is_final = len(output) == 3 and output[2] == END2END_LAYOUT + masks
    if is_final or len(output) != 3 or output[1] <= 4 + masks:
        return None
    return output[1] - 4 - masks


def input_shape(model) -> list[int]:
    """Batch, channels, height, width of its one image; -1 where it is free. Raises Refused."""
    given = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in given]
    if len(inputs) != 1:
        raise Refused(f"It takes {len(inputs)} inputs. A detection model takes one image.")
    kind = inputs[0].type.tensor_type
    shape = [side.dim_value if side.HasField("dim_value") else -1 for side in kind.shape.dim]
    if len(shape) != 4 or shape[1] not in (3, -1) or shape[0] not in (1, -1) or kind.elem_type != 1:
        raise Refused(f"Its input is {shape}; accepted is one image of 32-bit floats: [1, 3, height, width].")
    if any(side != -1 and not 32 <= side <= 8192 for side in shape[2:]):
        raise Refused(f"Its input is {shape[2]} by {shape[3]} pixels; accepted are 32 to 8192.")
    return shape


def image_size(metadata: dict, shape: list[int]) -> int:
    """The longer side in pixels: of the shape where that is fixed, else of the metadata, else 640."""
    if max(shape[2:]) > 0:
        return max(shape[2:])
    try:
        size = ast.literal_eval(metadata.get("imgsz", "640"))
        size = int(max(size) if isinstance(size, list | tuple) else size)
    except Exception:
        return 640
    return size if 32 <= size <= 8192 else 640


def run_once(path: str, shape: list[int]) -> list[list[int]]:
    """The shapes of what OpenVINO, which serves here, answers on a black image. Raises Refused."""
    sys.modules.setdefault("openvino_telemetry", None)
    import numpy as np
    import openvino

    try:
        core = openvino.Core()
        model = core.read_model(path)
        if len(model.outputs) > 2:
            raise Refused(
                f"It has {len(model.outputs)} outputs. A YOLO that detects has one, and one that segments has two."
            )
        model.reshape(shape)
        answer = core.compile_model(model, "CPU")(np.zeros(shape, np.float32))
    except RuntimeError as error:
        raise Refused(f"OpenVINO, which serves models here, cannot run it: {first_line(error)}") from error
    return [list(answer[place].shape) for place in range(len(model.outputs))]


def check_prototypes(outputs: list[list[int]]) -> int:
    """How many prototypes its masks are made of. Raises Refused."""
    shape = outputs[1]
    if len(shape) != 4 or shape[0] != 1 or not 0 < shape[1] <= MOST_MASKS:
        raise Refused(f"Its second output is {shape}. A YOLO that segments has prototypes there: [1, masks, h, w].")
    return shape[1]


def check_head(output: list[int], names: list[str], masks: int = 0) -> bool:
    """Whether its boxes are final (x1, y1, x2, y2, confidence, class); else a box and a score for each class.

    The coefficients of a mask stand behind either.
    """
    channels, final = 4 + len(names) + masks, END2END_LAYOUT + masks
    if len(output) == 3 and output[2] == final and output[1] != channels:
        return True
    if len(output) == 3 and output[1] == channels:
        return False
    raise Refused(
        f"Its output is {output}. With {len(names)} classes a YOLO that finds objects answers [1, {channels}, n] "
        f"or [1, n, {final}]."
    )


def first_line(value) -> str:
    line = next((line for line in str(value).splitlines() if line.strip()), "")
    return "".join(c for c in line if c.isprintable())[:200].encode(errors="replace").decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
