"""Weights without their optimizer: `python -m apps.training.engine.strip job.json`.

job.json: {"weights": "/abs/best.pt", "out": "/abs/stripped.pt"}. One event, as JSON on stdout:

    finished  weights (the path that was written), epoch (counting from 1, or null where it was stripped before),
              overall {precision, recall, mAP50, mAP50_95} as measured in that epoch
    failed    code, message, traceback
"""

import json
import sys
from pathlib import Path
from typing import Any

from . import lifeline, quiet, reasons
from .events import EventStream
from .reasons import JobError

_MEASURED = {"precision": "precision(B)", "recall": "recall(B)", "mAP50": "mAP50(B)", "mAP50_95": "mAP50-95(B)"}


def main(job_file: str) -> int:
    """Strip as `job_file` says; return the exit code."""
    lifeline.lead_own_group()
    lifeline.die_with_parent()
    events = EventStream()
    try:
        job = json.loads(Path(job_file).read_text(encoding="utf-8"))
        events.send("finished", **strip(Path(job["weights"]), Path(job["out"])))
    except BaseException as error:  # whatever it is, the parent is told
        events.send("failed", **reasons.explain(error))
    return 0


def strip(weights: Path, out: Path) -> dict[str, Any]:
    """Write a checkpoint's weights to `out`; return what is known of them. Raises JobError for what is none."""
    quiet.set_environment(out.parent / ".config")
    from ultralytics.utils.patches import torch_load
    from ultralytics.utils.torch_utils import strip_optimizer

    quiet.tame_ultralytics()
    if not strip_optimizer(weights, s=str(out)):
        raise JobError("no_weights", "The checkpoint is damaged.")
    checkpoint = torch_load(weights, map_location="cpu")
    metrics = checkpoint.get("train_metrics") or {}
    return {
        "weights": out,
        "epoch": checkpoint["epoch"] + 1 or None,  # -1: stripped before
        "overall": {name: metrics.get(f"metrics/{key}") for name, key in _MEASURED.items()},
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m apps.training.engine.strip job.json")
    sys.exit(main(sys.argv[1]))
