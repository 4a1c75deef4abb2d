"""Export weights to a serving format: `python -m apps.models.engine.export job.json`.

The job::

    {"weights": "best.pt",        loading them runs what is pickled in them: only for weights that are trusted
     "output": "out/openvino",    a folder that appears when all went well; it replaces one that is there
     "format": "openvino",        one of FORMATS
     "also": {"onnx": "out/onnx"},  the same weights in more formats, each in its folder; one that fails says why
     "calibrate": null,           a data.yaml, with whose training images "openvino-int8" is quantized
     "patience": null,            seconds that this may take, else it is given up; null: as long as it takes
     "imgsz": 640,                the longer side in pixels; rectangular input is left to the runtime
     "end2end": false,            take the NMS-free head of a YOLO26; `YOLO(weights).predict` does not
     "precision": "f32",          what the runtime should compute in: "f32" or "bf16"
     "check_images": ["a.jpg"],   the weights answer on these themselves, for the caller to compare
     "check_without_int8": null,  how many of these are enough where int8 came to nothing; null: all
     "outlines": null,            a file for the outlines of what they segment: a line of JSON for each of these
                                  images, [[[[x, y], ...], ...], ...], the outer outlines of each of its boxes
     "conf": 0.05, "iou": 0.7, "max_det": 300}

Answers in JSON lines on stdout (all other output goes to stderr)::

    {"event": "progress", "progress": 0.4, "message": "..."}
    {"event": "finished", "format", "output", "files": [{"name", "size", "sha256"}], "metadata": {...},
     "also": {"onnx": {"output", "files", "metadata"} or {"error": "a sentence"}},
     "reference": {"conf", "iou", "max_det", "imgsz", "seconds_per_image",
                   "images": [{"path", "width", "height",
                               "boxes": [[class_id, confidence, x1, y1, x2, y2]]}]}}
    {"event": "failed", "message": "a sentence for people", "traceback": "..."}

Boxes and outlines are in pixels of the upright image. The process exits with 0 after `finished` and 1 after `failed`.
Start it with `start_new_session=True` and keep a pipe to its stdin open: when that closes, because the caller
died, the whole process group goes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .answering import CannotDo, answer_job
from .convert import calibration_images, forget_this_machine, keep_quiet
from .quantize import quantize
from .reference import answer

METADATA_FILE = "model.json"
INT8 = "openvino-int8"
PARTIAL_MAX_AGE = 3600  # seconds; a folder this old was left by a run that was killed


def main(argv: list[str]) -> int:
    """Run the job named on the command line; the exit code."""
    return answer_job(argv, lambda path, tell: run(read_job(path), tell), "export")


def read_job(path: str) -> dict:
    """The job with its defaults filled in. Raises CannotDo for what is missing or out of range."""
    job = {"format": "openvino", "end2end": False, "precision": "f32", "check_images": [], "also": {}}
    job |= {"outlines": None, "calibrate": None, "patience": None, "check_without_int8": None}
    job |= {"conf": 0.05, "iou": 0.7, "max_det": 300}
    job |= json.loads(Path(path).read_text(encoding="utf-8"))
    for key in ("weights", "output", "imgsz"):
        if not job.get(key):
            raise CannotDo(f'The job lacks "{key}".')
    for format in (job["format"], *job["also"]):
        if format not in FORMATS:
            raise CannotDo(f"Export to {format!r} is not known. Known: {', '.join(FORMATS)}.")
    if INT8 in (job["format"], *job["also"]) and not job["calibrate"]:
        raise CannotDo("int8 is calibrated on training images, and there are none.")
    if job["precision"] not in ("f32", "bf16"):
        raise CannotDo(f"Precision {job['precision']!r} is not known. Known: f32, bf16.")
    if not isinstance(job["imgsz"], int) or not 32 <= job["imgsz"] <= 8192:
        raise CannotDo(f"Image size {job['imgsz']!r} must be a whole number of pixels from 32 to 8192.")
    if not Path(job["weights"]).is_file():
        raise CannotDo(f"The weights {job['weights']} are not there.")
    return job


def run(job: dict, tell) -> dict:
    """Do the job in a folder beside the output and rename it into place. Returns the fields of `finished`."""
    output = Path(job["output"]).absolute()
    output.parent.mkdir(parents=True, exist_ok=True)
    clear_leftovers(output)
    partial = Path(tempfile.mkdtemp(prefix=partial_prefix(output), dir=output.parent))
    try:
        # ultralytics writes beside the weights, and names the result after them
        weights = partial / "model.pt"
        shutil.copyfile(job["weights"], weights)
        tell("progress", progress=0.05, message="Reading the weights")
        keep_quiet(partial)
        model = load_weights(weights, partial)
        model.add_callback("on_export_start", forget_this_machine)
        tell("progress", progress=0.3, message=f"Converting to {job['format']}")
        made, metadata = convert(model, job, job["format"], tell)
        also = {}
        for number, (format, folder) in enumerate(job["also"].items(), 1):
            tell("progress", progress=0.3 + 0.3 * number / (len(job["also"]) + 1), message=f"Converting to {format}")
            also[format] = convert_if_possible(model, job, format, Path(folder).absolute(), tell)
        if "error" in also.get(INT8, {}):
            job["check_images"] = job["check_images"][: job["check_without_int8"]]
        reference = answer(model, job, tell)
        files = list_files(made)
        replace_folder(made, output)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return {
        "format": job["format"],
        "output": str(output),
        "files": files,
        "metadata": metadata,
        "also": also,
        "reference": reference,
    }


def convert(model, job: dict, format: str, tell) -> tuple[Path, dict]:
    """(folder with the export and what the runtime must know of it, the latter)."""
    made, ends = FORMATS[format](model, job, tell)
    metadata = describe(model, job, format, ends)
    write_json(made / METADATA_FILE, metadata)
    return made, metadata


def convert_if_possible(model, job: dict, format: str, output: Path, tell) -> dict:
    """One of the formats that are only tried: where it came to, or why it did not."""
    try:
        made, metadata = convert(model, job, format, tell)
    except CannotDo as error:
        return {"error": str(error)}
    except Exception as error:  # whatever it is, the format that must be made is not less good by it
        return {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    files = list_files(made)
    replace_folder(made, output)
    return {"output": str(output), "files": files, "metadata": metadata}


def partial_prefix(output: Path) -> str:
    return f".{output.name}.partial-"


def clear_leftovers(output: Path) -> None:
    """Remove what a killed run left beside the output."""
    for folder in output.parent.glob(partial_prefix(output) + "*"):
        if time.time() - folder.stat().st_mtime > PARTIAL_MAX_AGE:
            shutil.rmtree(folder, ignore_errors=True)


def load_weights(path: Path, scratch: Path):
    """The YOLO of a `.pt`. Torch and ultralytics come in here, when the environment keeps them offline."""
    os.environ.setdefault("YOLO_CONFIG_DIR", str(scratch / "config"))
    os.environ["YOLO_OFFLINE"] = "1"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    # Not to be found, so that OpenVINO's converter falls back to its stub and reports to nobody
    sys.modules.setdefault("openvino_telemetry", None)
    from ultralytics import YOLO

    try:
        model = YOLO(str(path))
    except Exception as error:
        raise CannotDo("The file does not hold weights that this version of Ultralytics can read.") from error
    if model.task not in ("detect", "segment"):
        raise CannotDo(f"Models that detect or segment can be served so far, and this one is for {model.task}.")
    if type(model.model.model[-1]).__name__ == "RTDETRDecoder":
        raise CannotDo(
            "RT-DETR models cannot be deployed here: what they answer is read in another way than a YOLO's. Download "
            "the weights, or train a YOLO."
        )
    return model


def export_openvino(model, job: dict, tell, name: str = "openvino") -> tuple[Path, bool]:
    """(a folder `name` with OpenVINO IR of free height and width, whether it ends in the NMS-free head).

    Without NMS: each request has thresholds of its own.
    """
    import yaml

    folder = ultralytics_export(model, job, "openvino")
    folder = folder.rename(folder.with_name(name))
    ends = bool(yaml.safe_load((folder / "metadata.yaml").read_text(encoding="utf-8")).get("end2end"))
    if ends:  # ultralytics would take the graph's every anchor for a list of detections
        (folder / "metadata.yaml").unlink()
    for suffix in ("xml", "bin"):
        next(folder.glob(f"*.{suffix}")).rename(folder / f"model.{suffix}")
    return folder, ends


def export_int8(model, job: dict, tell) -> tuple[Path, bool]:
    """The same, quantized with training images; of the OpenVINO that was made already, where it was."""
    images = calibration_images(job["calibrate"])
    plain = Path(model.ckpt_path).with_name("openvino")
    if (plain / METADATA_FILE).exists():
        folder = Path(shutil.copytree(plain, plain.with_name(INT8)))
        ends = json.loads((folder / METADATA_FILE).read_text(encoding="utf-8"))["end2end"]
    else:
        folder, ends = export_openvino(model, job, tell, INT8)
    words = f"Quantizing to int8 with {len(images)} training image{'' if len(images) == 1 else 's'}"

    def tell_share(share):
        tell("progress", progress=0.5 + 0.1 * share, message=words)

    quantize(folder / "model.xml", images, served_size(model, job), stride_of(model), tell_share, job["patience"])
    return folder, ends


def export_onnx(model, job: dict, tell) -> tuple[Path, bool]:
    """The same as ONNX, in a folder of its own."""
    import onnx

    file = ultralytics_export(model, job, "onnx")
    folder = file.with_name("onnx")
    folder.mkdir()
    metadata = {entry.key: entry.value for entry in onnx.load(file, load_external_data=False).metadata_props}
    file.rename(folder / "model.onnx")
    return folder, metadata.get("end2end") == "True"


def ultralytics_export(model, job: dict, format: str) -> Path:
    """What `model.export` makes: free height and width, every anchor given."""
    with every_anchor(model):
        made = model.export(
            format=format,
            imgsz=job["imgsz"],
            dynamic=True,
            nms=False if job["end2end"] else None,
            device="cpu",
            verbose=False,
        )
    return Path(made)


@contextlib.contextmanager
def every_anchor(model):
    """For the time of an export, the NMS-free head gives every anchor and leaves the choice to the runtime.

    Traced, its TopK asks for as many as the exported shape has, and fails on pictures that have fewer.
    """
    head = model.model.model[-1]
    head.postprocess = anchors_last
    try:
        yield
    finally:
        del head.postprocess


def anchors_last(predictions):
    """(1, anchors, channels) becomes (1, channels, anchors), the layout of the head that needs NMS."""
    return predictions.permute(0, 2, 1)


FORMATS = {"openvino": export_openvino, INT8: export_int8, "onnx": export_onnx}


def describe(model, job: dict, format: str, ends: bool) -> dict:
    """What the runtime must know, for `model.json`."""
    import torch
    import ultralytics

    return {
        "format": "openvino" if format == INT8 else format,
        "task": model.task,
        "names": [model.names[index] for index in sorted(model.names)],
        "stride": stride_of(model),
        "imgsz": served_size(model, job),
        "end2end": ends,
        "head": "end2end" if ends else "raw",
        "masks": int(model.model.model[-1].nm) if model.task == "segment" else 0,
        "precision": "int8" if format == INT8 else job["precision"],
        "device": "cpu",
        "made_with": {"ultralytics": ultralytics.__version__, "torch": torch.__version__},
    }


def stride_of(model) -> int:
    """At least 32, as in ultralytics' predict."""
    return max(int(max(model.model.stride)), 32)


def served_size(model, job: dict) -> int:
    """The longer side in pixels, a multiple of the stride."""
    return -(-job["imgsz"] // stride_of(model)) * stride_of(model)


def list_files(folder: Path) -> list[dict]:
    """Name (relative to the folder), size in bytes and sha256 of each file."""
    return [
        {"name": path.relative_to(folder).as_posix(), "size": path.stat().st_size, "sha256": sha256(path)}
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def replace_folder(made: Path, output: Path) -> None:
    """Put the finished folder in place; one with files in it cannot be renamed over, so it steps aside."""
    if output.exists():
        old = Path(tempfile.mkdtemp(prefix=partial_prefix(output), dir=output.parent)) / "old"
        output.rename(old)
        made.rename(output)
        shutil.rmtree(old.parent, ignore_errors=True)
    else:
        made.rename(output)


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv))
