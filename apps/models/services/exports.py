"""Exporting a model to another format: a job around the conversion engine, which also measures what came out."""

import hashlib
import shutil
import zipfile
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.annotations.services.yolo_folders import yolo_folder
from apps.core import audit, work
from apps.core.jobs import create_job
from apps.core.processes import Engine, finished_of
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.datasets.services.files import forget_files
from apps.models.export_formats import export_formats
from apps.models.models import ModelExport, TrainedModel
from apps.models.services.evaluations import class_mapping, version_to_prove_on
from apps.models.services.trained_models import copy_weights

ENGINE = "apps.models.engine.convert"
TASK = "apps.models.tasks.export"
NMS_CONFIDENCE = 0.25  # built into a graph with NMS where the model has no operating point
TOLERANCE = {"fp32": 0.002, "fp16": 0.005, "int8": 0.02}  # of mAP50-95, by which an export may differ
LEAST_AGREEMENT = {"fp32": 0.95, "fp16": 0.95}  # of the weights' boxes, found again at IoU 0.9; int8 moves boxes
NO_DATASET = "there is no dataset"  # in the reason of one that could not be measured, as `engine.proof` says it
MEASURABLE = "It was made before the model was evaluated on a dataset. Export it again: then it is measured there."
LEAST_MAP = 0.01  # below, the weights find too little for a difference of mAP to say anything


class ExportRefused(ValueError):
    """This cannot be exported; `problems` maps fields to reasons."""

    def __init__(self, problems):
        self.problems = problems
        super().__init__(" ".join(problems.values()))


def start_export(model, user, *, format, precision="fp32", img_size=None, dynamic=False, nms=False, again=False):
    """Export `model`; returns the ModelExport, its `job` under way.

    One that is under way goes on, and one that was made of the same weights stays, unless `again`. Raises
    ExportRefused.
    """
    _check(model, format, precision, dynamic, nms)
    options = {"precision": precision, "img_size": img_size or model.img_size, "dynamic": dynamic, "nms": nms}
    with transaction.atomic():
        row, _ = ModelExport.objects.get_or_create(model=model, format=format, **options)
        row = ModelExport.objects.select_for_update(of=("self",)).select_related("job", "model").get(pk=row.pk)
        if row.is_running or (not again and _is_good(row)):
            return row
        row.job = create_job(
            user, "model export", TASK, subject=f"model:{model.pk}", params={"export_id": row.pk}, about=model
        )
        row.save(update_fields=["job"])
    return row


def can_be_measured_now(row):
    """Whether it was made when there was no dataset to measure it on, and now there is one."""
    return row.verdict == "unknown" and NO_DATASET in row.reason and version_to_prove_on(row.model) is not None


def reason_of(row):
    """Why its verdict is what it is, in words, and what to do where it could be another."""
    return MEASURABLE if can_be_measured_now(row) else row.reason


def _is_good(row):
    """Whether it was made of the weights of now and measured if it can be, and its newest job says so."""
    if can_be_measured_now(row):
        return False
    return row.is_made and not row.is_outdated and row.job is not None and row.job.status == row.job.Status.COMPLETED


def _check(model, format, precision, dynamic, nms):
    """Raise ExportRefused for what this machine, or the format, cannot do."""
    if model.format != TrainedModel.Format.PT:
        raise ExportRefused({"format": "Only .pt weights are exported, and this model is an ONNX file already."})
    known = export_formats()
    possible = ", ".join(row.key for row in known.values() if row.can) or "none"
    row = known.get(format)
    if row is None:
        raise ExportRefused({"format": f"There is no format {format!r}. Accepted here: {possible}."})
    if not row.can:
        raise ExportRefused({"format": f"{row.name} {row.why_not} Accepted here: {possible}."})
    if precision not in row.precisions:
        why = row.missing.get(precision, "is not known to it.")
        raise ExportRefused(
            {"precision": f"{row.name} in {precision} {why} Accepted here: {', '.join(row.precisions)}."}
        )
    if precision == "int8" and version_to_prove_on(model) is None:
        raise ExportRefused(
            {"precision": "int8 is calibrated on training images: evaluate the model on a dataset, then export it."}
        )
    for name, wanted in (("dynamic", dynamic), ("nms", nms)):
        if wanted and name not in row.options:
            raise ExportRefused({name: f"{row.name} has no such option here."})
    if dynamic and nms:
        raise ExportRefused({"nms": "A graph with NMS has a fixed size: choose one of dynamic and nms."})


@transaction.atomic
def delete_export(row, actor=None, **detail):
    """Delete an export, when that is for good its file, and end the job that makes it.

    `detail`: what the audit log is to say of it besides.
    """
    row = ModelExport.objects.select_for_update(of=("self",)).select_related("job", "model__line").get(pk=row.pk)
    if row.is_running:
        work.cancel(row.job)
    audit.record(actor, "deleted", row, row.model.team_id, **detail)
    forget_files([row.file.name])
    row.delete()


def run_export(job, report):
    """The work of an export job; safe to run again."""
    rows = ModelExport.objects.select_related("model__dataset_version", "model__line")
    row = rows.filter(pk=job.params["export_id"]).first()
    if row is None:
        raise WorkFailed("The model or the export is gone.")
    _still_possible(row)
    with scratch_folder() as folder:
        finished = _convert(row, folder, report)
        report(0.97, "Storing")
        path = _as_one_file(Path(finished["output"]), folder)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            report.check()
            name = default_storage.save(f"models/exports/{row.pk}/{sha256[:12]}{path.suffix}", File(file))
        num_bytes = path.stat().st_size
    verdict, reason = judge(row.precision, finished["proof"], finished["not_measured"])
    kept = ModelExport.objects.filter(pk=row.pk).update(
        file=name, num_bytes=num_bytes, sha256=sha256, weights_sha256=row.model.sha256, exported_at=timezone.now(),
        figures=(finished["proof"] or {}) | {"seconds": finished["seconds"]}, verdict=verdict, reason=reason,
    )  # fmt: skip
    if not kept:
        default_storage.delete(name)
        raise WorkFailed("The model or the export is gone.")
    if row.file and row.file.name != name:
        default_storage.delete(row.file.name)
    return {
        "export_id": row.pk,
        "figures": {"Size": f"{num_bytes / 1e6:.1f} MB", "Verdict": dict(ModelExport.VERDICTS)[verdict]},
        "page_url": f"{reverse('models:model_detail', args=[row.model_id])}#exports",
        "page_words": "See the model’s exports",
    }


def _still_possible(row):
    """The machine that exports need not be the one that was asked."""
    try:
        _check(row.model, row.format, row.precision, row.dynamic, row.nms)
    except ExportRefused as refused:
        raise WorkFailed(str(refused)) from None


def _convert(row, folder, report):
    """Run the engine; returns its `finished` event."""
    model = row.model
    weights = folder / "best.pt"
    copy_weights(model, weights)
    report(0.01, "Preparing the images")
    version = version_to_prove_on(model)
    payload = {
        "weights": str(weights), "output": str(folder / "out"), "name": plain_name(model), "format": row.format,
        "precision": row.precision, "imgsz": row.img_size, "dynamic": row.dynamic, "nms": row.nms,
        "conf": model.operating_point.get("confidence", NMS_CONFIDENCE),
        "data": str(yolo_folder(version)) if version else None,
        "classes": class_mapping(model, version)[0] if version else None,
    }  # fmt: skip
    engine = Engine(ENGINE, payload, folder / "job", folder / "log.txt")
    return finished_of(engine, report, "export")


def plain_name(model):
    """The model's name and version as a file's."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in model.title)
    return kept.strip("-_")[:60] or "model"


def _as_one_file(made, folder):
    """The export itself, or the zip of one that is a folder: the same bytes for the same files."""
    if made.is_file():
        return made
    path = folder / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for part in sorted(p for p in made.rglob("*") if p.is_file() and p.suffix != ".pyc"):
            info = zipfile.ZipInfo(f"{made.name}/{part.relative_to(made).as_posix()}", (1980, 1, 1, 0, 0, 0))
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with part.open("rb") as file, archive.open(info, "w", force_zip64=True) as out:
                shutil.copyfileobj(file, out)
    return path


def judge(precision, proof, not_measured=""):
    """(verdict, its reason in words) of what `engine.proof` measured."""
    if proof is None:
        return "unknown", f"Not measured: {not_measured}."[:400]
    boxes = proof["boxes"]
    share = min(boxes["found"], boxes["expected"] - boxes["extra"]) / boxes["expected"] if boxes["expected"] else 1
    agreed = f"it finds {boxes['found']} of the weights’ {boxes['expected']} boxes, and {boxes['extra']} others"
    weak = proof["weights"]["mAP50_95"] < LEAST_MAP
    for name, difference in _differences(proof):
        if abs(difference) > TOLERANCE[precision]:
            return "differs", (
                f"{name} is {abs(difference):.3f} {'lower' if difference < 0 else 'higher'} than the weights’ own; "
                f"{TOLERANCE[precision]} is accepted of {precision}."
            )
    if precision in LEAST_AGREEMENT and share < LEAST_AGREEMENT[precision]:
        return "differs", f"At confidence {boxes['conf']} {agreed}."
    if weak and not (boxes["expected"] and precision in LEAST_AGREEMENT):
        return "unknown", "The weights find too little on the validation images to compare anything with."
    return "same", f"mAP50-95 within {TOLERANCE[precision]}; at confidence {boxes['conf']} {agreed}."


def _differences(proof):
    """(what, how much more the export has) of each mAP50-95 that was measured of both."""
    weights, export = proof["weights"], proof["export"]
    yield "mAP50-95", export["mAP50_95"] - weights["mAP50_95"]
    if "masks" in weights:
        yield "mAP50-95 of masks", export["masks"]["mAP50_95"] - weights["masks"]["mAP50_95"]
