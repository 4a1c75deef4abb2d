"""Train a YOLO model: `python -m apps.training.engine.train job.json`.

A process of its own. It writes events as JSON lines on stdout and everything else on stderr; it leads its own
process group (id = its pid), dies with the other end of its stdin, and ends within two seconds of SIGTERM.
Killed at whatever instant, `weights/last.pt` can be resumed. Exit code: 0 finished, 1 failed, 128 + n
stopped by signal n.

job.json:

    {
      "data": "/abs/data.yaml",     a YOLO dataset: class names and the paths of its splits
      "run_dir": "/abs/dir",        made if missing; everything is written below it
      "model": "yolov8n.yaml",      an architecture of ultralytics, or "/abs/weights.pt" to start from
      "trainer": "yolo",            or "rtdetr": which of trainer.TRAINERS knows the architecture
      "pretrained": null,           "/abs/x.pt": weights for a .yaml architecture; what fits is taken over
      "resume": false,              go on from run_dir/weights/last.pt; without one, start from the start
      "seconds": null,              train at most this long; then the best checkpoint is validated and told
      "pictures": null,             {"images": ["stem", ...] of validation, "colors": ["#e69f00", ...] of the classes}
      "args": {"epochs": 30, "batch": 8, "imgsz": 96, ...}
    }

"args" are ultralytics' own training arguments, but for OWN_ARGS, which are the engine's and refused; "device"
is the first GPU, or "cpu", if missing; of several ("0,1") each gets a process, see ranks.py. A resumed run keeps the
arguments of its checkpoint, but for batch, imgsz, device, workers, patience and cache.

Events, each {"event": ..., "time": unix seconds, ...}; epochs count from 1; what is not a number is null:

    started   device, threads, parameters, gflops, classes, train_images, val_images, batch (images),
              batches (per epoch), epochs, start_epoch, resumed, optimizer, versions {ultralytics, torch}
    batch     epoch, epochs, batch, batches; at most two a second
    validation  epoch, epochs, batch, batches, final (whether it is that of best.pt, at the end); as often
    epoch     epoch, epochs, train_loss {box, cls, dfl}, val_loss {...}, precision, recall, mAP50, mAP50_95,
              lr, learning_rates [one of each group of parameters; lr is the first], fitness, is_best, seconds,
              val_seconds (of those, in the validation); sent when the epoch's checkpoint is on disk
    picture   kind ("batch" or "closed": the first one without mosaic), number, epoch, images (of the batch), tiles,
              file (a JPEG); sent for the first three batches where the job has "pictures"
    looks     epoch, images [for each of "pictures", [class id, confidence, x, y, width, height (normalized, x and y
              of the centre)] of what was found in it, the surest first; null where it was not seen]
    skipped   images {path: reason} that cannot be read and are left out; only where there are any
    smaller_batch   batch (images), was: the GPU's memory was too small, in the first epoch
    finished  best, last (paths), epochs_done, epochs, best_epoch, stopped_early, ended_by (epochs, patience or
              time_limit), train_seconds, validation
              {overall, images, per_class, curves, confusion_matrix, speed_ms} of best.pt, see report.py
    failed    code, message (says what to do), traceback; codes: out_of_memory, disk_full, bad_data,
              bad_arguments, bad_job, nan_loss, no_weights, no_device, time_limit, interrupted, still_running
              (another engine trains in run_dir), unknown

`finished` or `failed` is the last event. A process that was killed sends neither: see reasons.explain_exit.
"""

import json
import math
import os
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from . import alone, lifeline, quiet, ranks, reasons
from .events import EventStream
from .reasons import JobError

_FIELDS = {"data", "run_dir", "model", "trainer", "pretrained", "resume", "seconds", "pictures", "args"}
_TRAINERS = ("yolo", "rtdetr")
OWN_ARGS = {
    "data", "model", "pretrained", "resume", "mode", "task", "project", "name", "exist_ok", "save_dir",
    "save", "val", "plots", "split", "cfg", "save_json", "save_txt", "profile", "compile",
}  # fmt: skip


def main(job_file: str) -> int:
    """Train as `job_file` says; return the exit code."""
    lifeline.lead_own_group()
    if command := ranks.launch_command(job_file):
        os.execv(command[0], command)  # noqa: S606
    lifeline.die_with_parent()
    events = EventStream(mute=not ranks.is_first())
    lifeline.stop_on_signal(lambda: events.send("failed", **reasons.INTERRUPTED._asdict(), traceback=""))
    try:
        train(read_job(Path(job_file)), events)
    except BaseException as error:  # whatever it is, the parent is told
        events.send("failed", **reasons.explain(error))
        return 1
    return 0


def read_job(path: Path) -> dict[str, Any]:
    """Return the job of a file, complete and checked as far as that goes without torch. Raises JobError."""
    try:
        job = {
            "trainer": "yolo",
            "pretrained": None,
            "resume": False,
            "seconds": None,
            "pictures": None,
            "args": {},
            **json.loads(path.read_text(encoding="utf-8")),
        }
    except (OSError, ValueError, TypeError) as error:
        raise JobError("bad_job", f"The job file cannot be read: {error}") from error
    if wrong := sorted(_FIELDS ^ set(job)):
        raise JobError("bad_job", f"Missing or unknown in the job: {', '.join(wrong)}.")
    if job["trainer"] not in _TRAINERS:
        raise JobError("bad_job", f"The trainer is one of {', '.join(_TRAINERS)}.")
    if reserved := sorted(OWN_ARGS & set(job["args"])):
        raise JobError("bad_arguments", f"These settings are the platform's own: {', '.join(reserved)}.")
    if job["args"].get("cache") == "disk":
        raise JobError("bad_arguments", "cache=disk would write into the dataset. Use cache=ram or none.")
    if not Path(job["data"]).is_file():
        raise JobError("bad_data", "The dataset's data.yaml is not there. Build the dataset version again.")
    for weights in (job["model"], job["pretrained"]):
        if weights and str(weights).endswith(".pt") and not Path(weights).is_file():
            raise JobError(
                "no_weights",
                f"The weights {Path(weights).name} are not there. Choose others, or start from nothing.",
            )
    return job


def train(job: dict[str, Any], events: EventStream) -> None:
    """Run the training in this process, from the start or from the last checkpoint."""
    deadline = time.monotonic() + job["seconds"] if job["seconds"] is not None else math.inf
    run_dir = Path(job["run_dir"])
    run_dir.mkdir(parents=True, exist_ok=True)
    with alone.hold(run_dir) if ranks.is_first() else nullcontext():
        _train_alone(job, run_dir, events, deadline)


def _train_alone(job: dict[str, Any], run_dir: Path, events: EventStream, deadline: float) -> None:
    quiet.set_environment(run_dir / ".config")
    from .trainer import TRAINERS, is_resumable

    quiet.tame_ultralytics()
    os.chdir(run_dir)  # whatever else a library writes lands here
    last = run_dir / "weights" / "last.pt"
    resume = bool(job["resume"]) and last.is_file() and is_resumable(last)
    trainer = TRAINERS[job["trainer"]](_overrides(job, last if resume else None), events, deadline)
    if job["pictures"]:
        trainer.show(**job["pictures"])
    trainer.train()


def default_device() -> str:
    """Return the first GPU where there is one, else the CPU."""
    import torch

    return "0" if torch.cuda.is_available() else "cpu"


def _overrides(job: dict[str, Any], last: Path | None) -> dict[str, Any]:
    """Return the arguments for ultralytics' trainer."""
    return {
        "device": default_device(),
        **job["args"],
        "mode": "train",
        "task": "detect",
        "data": str(job["data"]),
        "model": str(last or job["model"]),
        "pretrained": str(job["pretrained"]) if job["pretrained"] else True,
        "resume": str(last) if last else False,
        "save_dir": str(job["run_dir"]),
        "exist_ok": True,
        "plots": False,
    }


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m apps.training.engine.train job.json")
    sys.exit(main(sys.argv[1]))
