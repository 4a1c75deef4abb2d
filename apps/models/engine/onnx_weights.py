"""An ONNX file as ultralytics reads it: what it says of itself in its metadata is said anew, by what was checked."""

from __future__ import annotations

from pathlib import Path


def as_ultralytics_reads(job: dict, folder: Path) -> dict:
    """What changes in an evaluation's job (see `evaluate`): a copy of the file as its `weights`, and `rect`.

    The copy has the metadata of an export of ultralytics: names, stride, size and whether its boxes are final. Of a
    file whose height and width are fixed the number of images at once is fixed too, to one: else ultralytics would
    give it pictures of every shape.
    """
    import onnx

    model = onnx.load(job["weights"], load_external_data=False)
    given = {tensor.name for tensor in model.graph.initializer}
    shape = next(value for value in model.graph.input if value.name not in given).type.tensor_type.shape.dim
    sides = [side.dim_value for side in shape[2:]]
    is_fixed = all(sides)
    if is_fixed:
        for value in (model.graph.input, model.graph.output):
            for tensor in value:
                if tensor.name not in given:
                    tensor.type.tensor_type.shape.dim[0].dim_value = 1
    del model.metadata_props[:]
    size = sides if is_fixed else [job["imgsz"]] * 2
    told = {
        "task": "detect", "stride": job.get("stride") or 32, "batch": 1, "channels": 3, "imgsz": size,
        "names": dict(enumerate(job["names"])), "end2end": bool(job.get("end2end")), "args": {"dynamic": not is_fixed},
    }  # fmt: skip
    for key, value in told.items():
        model.metadata_props.add(key=key, value=str(value))
    path = folder / "weights.onnx"
    onnx.save(model, str(path))
    return {"weights": str(path), "rect": not is_fixed}
