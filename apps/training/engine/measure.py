"""What each architecture costs, measured: `python -m apps.training.engine.measure job.json`.

The job is `{"architectures": ["yolov8n", ...], "config_dir": "/abs/dir"}`. Each is built from ultralytics' own yaml for
80 classes, and told as one JSON line:

    {"event": "measured", "name", "parameters_m", "gflops", "activation_mb", "ultralytics"}

`parameters_m` are millions, of the network as it is trained (not fused for serving). `gflops` are those of one image of
640 x 640 px, forwards. `activation_mb` are the MiB that one such image makes a training step keep for its way back: the
tensors that autograd saved, counted at 320 px and multiplied by the four times larger area. `finished` comes last, or
`failed` with a message.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import lifeline, quiet, reasons
from .events import EventStream

MEASURED_AT = 320  # pixels; an image of twice the side keeps four times as much
AREA = (640 / MEASURED_AT) ** 2


def main(job_file: str) -> int:
    """Measure what `job_file` names; return the exit code."""
    lifeline.lead_own_group()
    lifeline.die_with_parent()
    events = EventStream()
    try:
        job = json.loads(Path(job_file).read_text(encoding="utf-8"))
        quiet.set_environment(Path(job["config_dir"]))
        quiet.tame_ultralytics()
        for figures in measure(job["architectures"]):
            events.send("measured", **figures)
    except BaseException as error:  # whatever it is, the parent is told
        events.send("failed", **reasons.explain(error))
        return 1
    events.send("finished")
    return 0


def measure(names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the figures of each architecture."""
    import ultralytics
    from ultralytics.utils.torch_utils import get_flops, get_num_params

    for name in names:
        model = _build(name)
        yield {
            "name": name,
            "parameters_m": round(get_num_params(model) / 1e6, 2),
            "gflops": round(get_flops(model, 640), 1),
            "activation_mb": round(_saved_bytes(model) * AREA / 2**20),
            "ultralytics": ultralytics.__version__,
        }


def _build(name: str) -> Any:
    from ultralytics.nn.tasks import DetectionModel, RTDETRDetectionModel

    kind = RTDETRDetectionModel if name.startswith("rtdetr") else DetectionModel
    return kind(f"{name}.yaml", nc=80, verbose=False)


def _saved_bytes(model: Any) -> int:
    """How many bytes a forward pass in training keeps for the backward pass, without the weights themselves."""
    import torch

    seen: dict[int, int] = {}
    weights = {p.untyped_storage().data_ptr() for p in (*model.parameters(), *model.buffers())}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept.append(tensor)  # else its memory would be given to the next one, and count once
            seen[storage.data_ptr()] = storage.nbytes()
        return tensor

    kept: list[torch.Tensor] = []
    image = torch.zeros(1, 3, MEASURED_AT, MEASURED_AT)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        _forward(model.train(), image)
    return sum(seen.values())


def _forward(model: Any, image: Any) -> Any:
    """A pass as in training: RT-DETR's decoder looks at the labels too."""
    import torch

    if type(model).__name__ != "RTDETRDetectionModel":
        return model(image)
    labels = {"cls": torch.zeros(1, dtype=torch.long), "bboxes": torch.full((1, 4), 0.5), "gt_groups": [1]}
    labels["batch_idx"] = torch.zeros(1, dtype=torch.long)
    return model.predict(image, batch=labels)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m apps.training.engine.measure job.json")
    sys.exit(main(sys.argv[1]))
