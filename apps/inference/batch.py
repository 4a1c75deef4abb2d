"""Predictions on many images, as a job: images that were sent, an archive, or a dataset.

Every answer is a row as soon as it is there: a run that is killed goes on behind the last one.
"""

import time
import zipfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import PurePath

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Count, Q, Sum
from django.http import Http404
from django.utils import timezone

from apps.accounts.models import ApiToken, User
from apps.core import work
from apps.core.archives import ArchiveError, Limits, open_archive
from apps.core.images import FORMATS
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.pieces import by_pk
from apps.core.storage import new_draft
from apps.core.work import WorkFailed
from apps.datasets.access import get_dataset
from apps.datasets.filters import images_matching
from apps.inference import services
from apps.inference.access import get_model_of_batch
from apps.inference.metering import BatchMeter
from apps.inference.models import BatchAnswer, BatchVideo, Deployment, Track
from apps.inference.runtime import BadImage
from apps.inference.serializers import answer
from apps.models.models import TrainedModel

TASK = "apps.inference.tasks.batch"
SUFFIXES = {f".{suffix}" for suffix in FORMATS.values()} | {".jpeg", ".tiff"}
SECONDS, ROWS = 1.0, 100  # answers are written at least as often


@dataclass(frozen=True)
class Asking:
    """Who asks which model, and how: what all images of a batch share.

    `options` are those of `services.predict`; `deployment` is the one by whose name the model was asked, `token` the
    one whose quota and usage the images count in.
    """

    user: User
    model: TrainedModel
    options: dict
    deployment: Deployment | None = None
    token: ApiToken | None = None

    def start(self, task, upload=None, dataset=None, **params):
        """Queue the batch; returns the job. It is of the team whose images, else whose deployment or model, it asks."""
        params |= {
            "model_id": self.model.pk, "options": self.options, "deployment_id": self.deployment and self.deployment.pk,
            "build_id": self.deployment and self.deployment.build_id, "token_id": self.token and self.token.pk,
        }  # fmt: skip
        return create_job(
            self.user, "batch", task, subject=f"model:{self.model.pk}", params=params, upload=upload,
            about=dataset or self.deployment or self.model,
        )  # fmt: skip


def start_on_images(asking, files):
    """Queue a batch on uploaded `files`, which are kept as one archive until they expire; returns the job."""
    with new_draft() as draft:
        names = set()
        with zipfile.ZipFile(draft, "w", zipfile.ZIP_STORED) as archive:
            for number, file in enumerate(files, 1):
                name = PurePath(file.name).name or "image"
                name = f"{number}-{name}" if name in names else name
                names.add(name)
                with archive.open(name, "w", force_zip64=True) as out:
                    for chunk in file.chunks():
                        out.write(chunk)
        draft.seek(0)
        draft.name = "images.zip"
        # what was sent as an image is answered as one, whatever its name ends with
        return asking.start(TASK, upload=draft, source="images", filename=f"{len(names)} images")


def start_on_archive(asking, archive, filename):
    """Queue a batch on the images of an archive: a file, or the name of a stored one."""
    return asking.start(TASK, upload=archive, source="archive", filename=filename)


def start_on_dataset(asking, dataset, query):
    """Queue a batch on the images of a dataset that match `query`."""
    return asking.start(
        TASK, dataset=dataset, source="dataset", dataset_id=dataset.pk, query=dict(query), filename=dataset.name
    )


def go_on(job):
    """Queue a batch that failed or was cancelled again; what is answered stays. True where this call did it."""
    if not work.resume(job, [Job.Status.FAILED, Job.Status.CANCELLED]):
        return False
    work.enqueue_on_commit(job, job.task)
    return True


def run_batch(job, report):
    """The work of a batch job."""
    try:
        model = get_model_of_batch(job)
        with _Source(job) as source:
            _answer_all(job, model, source, report)
    except Http404:
        raise WorkFailed("The model or the dataset is gone, or not yours to see any more.") from None
    except ArchiveError as error:
        raise WorkFailed(str(error)) from None
    except FileNotFoundError:
        raise WorkFailed("The images that were sent have expired; send them again.") from None
    except services.NotServed as reason:
        raise WorkFailed(str(reason)) from None
    return result_of(job)


def _answer_all(job, model, source, report):
    done, total, rows, written = source.skipped, source.total, [], time.monotonic()
    meter = BatchMeter(job)
    if not total:
        raise WorkFailed("There is no image in it: JPEG, PNG, WebP, BMP and TIFF are taken.")
    for name, image_id, read in source:
        if refused := meter.why_not(done + 1):
            write(rows, report, meter)
            raise WorkFailed(stopped(refused, f"{done} of {total} images"))
        done += 1
        rows.append(answered(job, model, done, name, image_id, read))
        if len(rows) >= ROWS or time.monotonic() - written > SECONDS:
            write(rows, report, meter)
            rows, written = [], time.monotonic()
        report(done / total, f"{done} of {total} images")
    write(rows, report, meter)


def stopped(why, done):
    """The words of a batch that stops before its end."""
    return f"{why} What was answered by then, {done}, is kept, and the batch can go on from there."


def answered(job, model, number, name, image_id, read):
    """The row of one answer, not written yet; `read()` gives the image's bytes."""
    row = BatchAnswer(job=job, number=number, name=name[:1000], image_id=image_id)
    try:
        found = answer(model, services.predict(model, read(), **job.params["options"]))
    except (BadImage, OSError) as bad:
        row.error = str(bad) or "The file cannot be read."
    else:
        row.answer, row.objects_found = found, len(found["predictions"])
    return row


def write(rows, report, meter):
    """Keep answers, and with them what they count of their token's usage.

    The job's row is locked meanwhile: a run that does not have the job any more writes nothing, and counts nothing.
    """
    report.check()
    if rows:
        with transaction.atomic():
            work.update_running(rows[0].job)
            BatchAnswer.objects.bulk_create(rows)
            meter.note(rows)


class _Source:
    """The images of a job that have no answer yet, as (name, id or None, function that gives the bytes)."""

    def __init__(self, job):
        self.job = job
        self.skipped = job.answers.count()
        self._archive = self._file = None

    def __enter__(self):
        if self.job.params["source"] == "dataset":
            last = self.job.answers.last()
            dataset = get_dataset(self.job.owner, self.job.params["dataset_id"])
            images = images_matching(dataset, self.job.params["query"])
            self._images = images.filter(pk__gt=last.image_id if last else 0)
            self.total = self.skipped + self._images.count()
        else:
            self._file = default_storage.open(self.job.upload.name)
            limits = Limits(max_file_bytes=settings.MAX_IMAGE_BYTES)
            self._archive = open_archive(self._file, limits, scratch=settings.UPLOAD_DIR)
            self._names = images_in(self._archive, self.job.params["source"] == "images")
            self.total = len(self._names)
        return self

    def __exit__(self, *exc):
        for opened in (self._archive, self._file):
            if opened is not None:
                opened.close()

    def __iter__(self):
        if self._archive is None:
            for image in by_pk(self._images):
                yield image.filename, image.pk, lambda name=image.file.name: _read(default_storage.open(name))
        else:
            for name in self._names[self.skipped :]:
                yield name, None, lambda name=name: _read(self._archive.open(name))


def images_in(archive, all_of_them=False):
    """The names of an archive's images, in its order."""
    return [name for name in archive.names() if all_of_them or PurePath(name).suffix.lower() in SUFFIXES]


def _read(file):
    with file:
        return file.read()


def image_bytes(row):
    """The image that a batch's answer is about; raises FileNotFoundError or ArchiveError where it is not there."""
    job = row.job
    if job.params["source"] == "video":
        raise FileNotFoundError  # its frames are seen in the drawn video
    if job.params["source"] == "dataset":
        dataset = get_dataset(job.owner, job.params["dataset_id"])
        image = dataset.images.filter(pk=row.image_id).first()
        if image is None:
            raise FileNotFoundError
        return _read(default_storage.open(image.file.name))
    if not job.upload:
        raise FileNotFoundError
    limits = Limits(max_file_bytes=settings.MAX_IMAGE_BYTES)
    with default_storage.open(job.upload.name) as file, open_archive(file, limits) as archive:
        return _read(archive.open(row.name))


def result_of(job, damaged=""):
    """What a batch came to, as its job's result; `damaged` says what of the whole could not be read."""
    rows = job.answers.aggregate(
        images=Count("pk"), objects=Sum("objects_found", default=0), failed=Count("pk", filter=~Q(error=""))
    )
    problems = list(job.answers.exclude(error="").values_list("name", "error")[:500])
    problems += [(job.params["filename"], damaged)] if damaged else []
    return {
        **rows, "results_url": f"/api/v1/predictions/batch/{job.pk}/results",
        "num_problems": rows["failed"] + bool(damaged),
        "problems": [{"file": name, "line": None, "reason": error} for name, error in problems],
        "figures": {"images": rows["images"], "objects": rows["objects"], "not answered": rows["failed"]},
        "page_url": f"/predictions/{job.pk}", "page_words": "Results",
    }  # fmt: skip


def expired_answers(model, now):
    """The rows of `model`, which have a batch as `job`, that are past their time."""
    over = Q(job__expires_at__lt=now) | Q(
        job__expires_at=None, job__completed_at__lt=now - timedelta(hours=settings.JOB_FILE_HOURS)
    )
    return model.objects.filter(over).exclude(job__status__in=Job.ACTIVE)


def expire_answers():
    """Delete the answers of batches that are past their time, and their tracks; returns how many answers went."""
    now = timezone.now()
    for kept in (Track, BatchVideo):
        expired_answers(kept, now).delete()
    return expired_answers(BatchAnswer, now).delete()[0]
