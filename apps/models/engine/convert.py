"""Export weights to a format of ultralytics and prove the file: `python -m apps.models.engine.convert job.json`.

The job::

    {"weights": "best.pt",      loading them runs what is pickled in them: only for weights that are trusted
     "output": "out",           a folder; the export appears in it when it is made
     "name": "cells-v3",        what the export is called, without suffix
     "format": "onnx",          as ultralytics calls it
     "precision": "fp32",       "fp32", "fp16" or "int8" (calibrated on images of "data")
     "imgsz": 640,              height and width in pixels
     "dynamic": false,          free batch, height and width
     "nms": false,              the suppression of overlapping boxes in the graph, from confidence "conf" on
     "conf": 0.25,
     "data": "data.yaml",       a folder as ultralytics trains on; null: not measured
     "classes": {"0": 2}}       class id of the dataset → of the model; null: as it is

Answers in JSON lines on stdout (all other output goes to stderr)::

    {"event": "progress", "progress": 0.4, "message": "..."}
    {"event": "finished", "output": "out/cells-v3.onnx", "seconds": 1.4, "proof": {...}, "not_measured": ""}
    {"event": "failed", "message": "a sentence for people", "traceback": "..."}

`proof` is what `proof.prove` says, or null, and `not_measured` says why then. The process exits with 0 after `finished`
and 1 after `failed`. Start it as the other engines, with a pipe to its stdin.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path

from .answering import CannotDo, answer_job
from .proof import NotMeasured, prove

QUANTIZE = {"fp32": None, "fp16": 16, "int8": 8}
CALIBRATION_IMAGES = 300  # nncf's own default, and what ultralytics recommends


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    return answer_job(argv, act, "export")


def act(path: str, tell) -> dict:
    """Do the job of a file. Raises CannotDo."""
    try:
        return run(read_job(path), tell)
    except ModuleNotFoundError as error:
        raise CannotDo(
            f"This format needs the package {error.name}, which is not installed on the machine that exports."
        ) from error


def read_job(path: str) -> dict:
    """The job with its defaults filled in. Raises CannotDo for what is missing."""
    job = {"precision": "fp32", "dynamic": False, "nms": False, "conf": 0.25, "data": None, "classes": None}
    job |= {"name": "model"} | json.loads(Path(path).read_text(encoding="utf-8"))
    for key in ("weights", "output", "format", "imgsz"):
        if not job.get(key):
            raise CannotDo(f'The job lacks "{key}".')
    if not Path(job["weights"]).is_file():
        raise CannotDo("The weights are not there.")
    if job["precision"] == "int8" and not job["data"]:
        raise CannotDo("int8 is calibrated on training images, and there are none.")
    return job


def run(job: dict, tell) -> dict:
    """Convert and measure; returns the fields of `finished`."""
    output = Path(job["output"]).absolute()
    output.mkdir(parents=True, exist_ok=True)
    tell("progress", progress=0.02, message="Reading the weights")
    keep_quiet(output.parent)
    made, seconds = convert(job, output, tell)
    try:
        proof, why = prove(job, made, output.parent, tell), ""
    except NotMeasured as reason:
        proof, why = None, str(reason)
    return {"output": str(made), "seconds": round(seconds, 1), "proof": proof, "not_measured": why}


def keep_quiet(folder: Path) -> None:
    """Ultralytics and what it exports with: no network, no package installed on the way, nothing told to anybody."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder / "config"))
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    # Not to be found, so that OpenVINO and nncf fall back to their stubs and report to nobody
    sys.modules.setdefault("openvino_telemetry", None)
    os.environ.setdefault("OMP_NUM_THREADS", str(len(os.sched_getaffinity(0))))
    from ultralytics.data import dataset
    from ultralytics.data import utils as data_utils
    from ultralytics.utils import SETTINGS, callbacks, downloads, torch_utils

    dict.update(SETTINGS, sync=False, openvino_msg=False)  # for this process; SETTINGS.update() would write the file
    callbacks.add_integration_callbacks = lambda *args: None
    downloads.safe_download = downloads.get_github_assets = refuse_download
    dataset.save_dataset_cache_file = lambda prefix, path, labels, version: labels.update(version=version)
    data_utils.check_font = data_utils._replace_image = lambda *args, **kwargs: None
    torch_utils.NUM_THREADS = int(os.environ["OMP_NUM_THREADS"])  # else one core less than there is


def refuse_download(*args, **kwargs):
    raise CannotDo(f"Ultralytics wants to download something for this format, and may not: {args or kwargs}")


def convert(job: dict, output: Path, tell) -> tuple[Path, float]:
    """(the exported file or folder in `output`, seconds that it took). Raises CannotDo."""
    from ultralytics import YOLO

    weights = output.parent / "convert" / f"{job['name']}.pt"  # ultralytics writes beside the weights, named like them
    weights.parent.mkdir(exist_ok=True)
    shutil.copyfile(job["weights"], weights)
    try:
        model = YOLO(str(weights))
    except Exception as error:
        raise CannotDo("The file holds no weights that this version of Ultralytics can read.") from error
    model.add_callback("on_export_start", forget_this_machine)
    options = {name: True for name in ("dynamic", "nms") if job[name]}
    if job["nms"]:
        options["conf"] = job["conf"]
    if job["precision"] == "int8":
        options |= {"data": str(calibration_data(job["data"], output.parent)), "split": "train"}
    tell("progress", progress=0.06, message="Calibrating and converting" if options.get("data") else "Converting")
    started = time.perf_counter()
    made = Path(
        model.export(
            format=job["format"], imgsz=job["imgsz"], quantize=QUANTIZE[job["precision"]], device=device_for(job),
            verbose=False, **options,
        )
    )  # fmt: skip
    seconds = time.perf_counter() - started
    place = output / made.name
    shutil.move(made, place)
    shutil.rmtree(weights.parent)
    return place, seconds


def device_for(job: dict) -> str:
    """TensorRT builds on a GPU; all else converts on the CPU, which every machine has."""
    return "0" if job["format"] == "engine" else "cpu"


def forget_this_machine(exporter) -> None:
    """The file goes to other people: no path of this machine in it."""
    metadata = exporter.metadata
    metadata["description"] = metadata["description"].split(" trained on ")[0]
    metadata["args"].pop("data", None)


def calibration_data(data: str, folder: Path) -> Path:
    """A data.yaml like `data` whose train split is the first images of it."""
    import yaml

    known = yaml.safe_load(Path(data).read_text(encoding="utf-8"))
    chosen = folder / "calibration.txt"
    chosen.write_text("".join(f"{path}\n" for path in calibration_images(data)), encoding="utf-8")
    target = folder / "calibration.yaml"
    target.write_text(yaml.safe_dump(known | {"train": str(chosen)}), encoding="utf-8")
    return target


def calibration_images(data: str) -> list[Path]:
    """The first training images of a data.yaml. Raises CannotDo where there are none."""
    import yaml

    known = yaml.safe_load(Path(data).read_text(encoding="utf-8"))
    images = sorted((Path(known["path"]) / known["train"]).iterdir())[:CALIBRATION_IMAGES]
    if not images:
        raise CannotDo("int8 is calibrated on training images, and this dataset version has none.")
    return images


if __name__ == "__main__":
    sys.exit(main(sys.argv))
