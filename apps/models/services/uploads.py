"""Weights made elsewhere: a job that checks the file and keeps it as a version of a line."""

import shutil
from pathlib import PurePath

from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse

from apps.core import work
from apps.core.jobs import JobRefused, create_job, requeue_job
from apps.core.models import Job
from apps.core.quotas import NoRoomLeft, check_room
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.models.models import TrainedModel
from apps.models.services.checks import NamesAsked, check_weights
from apps.models.services.stages import set_tags
from apps.models.services.trained_models import register_model

TASK = "apps.models.tasks.take_upload"
MOST_BYTES = 2**31 - 1  # ONNX files cannot be larger, and no checkpoint here comes near
FORMATS = {".pt": "pt", ".onnx": "onnx"}


class UploadRefused(ValueError):
    """This file cannot be taken; the message says what is accepted."""


def format_of(filename):
    """The format that a file's name tells; raises UploadRefused."""
    format = FORMATS.get(PurePath(filename).suffix.lower())
    if format is None:
        raise UploadRefused("Accepted: weights of Ultralytics as .pt, or a model as .onnx.")
    return format


def start_upload(user, file, *, filename, name="", class_names=(), tags=(), team_id=None, **values):
    """Queue the check of a file (or of the stored name of one); returns the job. `values`: description, is_public.

    Without a name it is that of the file; `team_id`: the model is to be a team's. Raises UploadRefused.
    """
    size = default_storage.size(file) if isinstance(file, str) else file.size
    if size > MOST_BYTES:
        raise UploadRefused(f"Larger than {MOST_BYTES // 2**20} MB.")
    try:
        check_room(user.pk, team_id, size)
    except NoRoomLeft as refused:
        raise UploadRefused(str(refused)) from None
    params = {
        "filename": filename, "format": format_of(filename), "class_names": list(class_names), "tags": list(tags),
        "name": (name or PurePath(filename).stem)[:120].strip() or "Uploaded model", "values": values,
    }  # fmt: skip
    return create_job(user, "upload", TASK, params=params, upload=file, team_id=team_id)


def class_names_in(text):
    """The class names of one text: one a line, or in a single line parted by commas."""
    lines = text.strip().splitlines()
    parts = lines[0].split(",") if len(lines) == 1 else lines
    return [name for part in parts if (name := part.strip())]


def asks_for_names(job):
    """Whether it is an upload that ended with the question for its classes' names."""
    return job.task == TASK and job.status == Job.Status.FAILED and job.result.get("asks") == "class_names"


def give_class_names(job, names):
    """Check the file of an upload again, with the names that it asked for; the job. Raises UploadRefused."""
    with transaction.atomic():
        job = Job.objects.select_for_update(of=("self",)).get(pk=job.pk)
        if not asks_for_names(job):
            raise UploadRefused("This job does not ask for the names of classes.")
        count = job.result.get("num_classes")
        if not names or (count and len(names) != count):
            wanted = f"{count} names, one for each class" if count else "the name of each class"
            raise UploadRefused(f"Give {wanted}, in the model's order; these are {len(names)}.")
        job.params, job.result = {**job.params, "class_names": list(names)}, {}
        job.save(update_fields=["params", "result"])
        try:
            requeue_job(job)
        except JobRefused:
            raise UploadRefused("The file is past its time: send it again, with the names of its classes.") from None
    job.refresh_from_db()
    return job


def run_upload(job, report):
    """The work of an upload job; safe to run again."""
    model = TrainedModel.objects.select_related("line").filter(upload_job=job).first()
    if model is None:
        with scratch_folder() as folder:
            model = _take(job, folder, report)
    address = reverse("models:model_detail", args=[model.pk])
    return {
        "model_id": model.pk, "page_url": address, "page_words": "See the model", "words": f"Kept as “{model.title}”."
    }  # fmt: skip


def _take(job, folder, report):
    params = job.params
    path = folder / f"weights.{params['format']}"
    report(0.05, "Fetching the file")
    try:
        with job.upload.open("rb") as file, path.open("wb") as out:
            shutil.copyfileobj(file, out, 2**20)
    except (FileNotFoundError, ValueError):
        raise WorkFailed("The uploaded file is gone; send it again.") from None
    try:
        found = check_weights(path, params["format"], params["class_names"], report)
    except NamesAsked as asked:
        result = {"asks": "class_names", "num_classes": asked.count}
        result["more_url"] = reverse("models:class_names_of_upload", args=[job.pk])
        work.update_running(job, message="The names of its classes are wanted", result=result)
        raise
    report(0.9, "Storing")
    report.check()
    with transaction.atomic():
        model = register_model(
            owner=job.owner, team_id=job.team_id, name=params["name"], model_type=found["architecture"], weights=path,
            upload_job=job, format=params["format"], origin=TrainedModel.Origin.UPLOADED, licence=found["licence"],
            task=found["task"], class_names=found["class_names"], img_size=found["img_size"],
            card=_card(job, found), metrics={}, **params["values"],
        )  # fmt: skip
        return set_tags(model, params["tags"])


def _card(job, found):
    """What is noted of how it was made: what the file tells, which nobody has checked, and what was checked."""
    kept = ("settings", "told", "parameters", "stride", "input", "output", "opset", "end2end", "checked")
    return {"by": job.owner.username, "filename": job.params["filename"]} | {k: found[k] for k in kept if k in found}
