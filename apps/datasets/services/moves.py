"""Moving many images between splits at once: all of it or nothing, once, and back again.

The newest job that moved images has what it moved in a file of the dataset's folder. Images that someone moved since,
or that are in the trash, stay where they are when it is undone.
"""

import json
from collections import defaultdict

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from apps.core import work
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset, DatasetImage, DatasetReport
from apps.datasets.services.datasets import refresh_counts

UNDO_TASK = "apps.datasets.tasks.undo_moves"
SPLIT, MEND, UNDO = "split", "mend leaks", "undo split"
PAGE = 500
LOOKED_BACK = 20  # jobs: of those that failed or wait, none moved anything


class MovesUnderWay(Exception):
    """Another job moves images of the dataset between its splits; the message says so."""

    def __init__(self):
        super().__init__("Images are being moved between the splits just now. Wait until that is done.")


@transaction.atomic
def start_moves(user, dataset, kind, task, **params):
    """Queue a job that moves images, one at a time for a dataset: two would part what each keeps together.

    Returns the job; raises MovesUnderWay.
    """
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    subject = f"dataset:{dataset.pk}"
    if Job.objects.filter(subject=subject, kind__in=[SPLIT, MEND, UNDO], status__in=Job.ACTIVE).exists():
        raise MovesUnderWay
    return create_job(user, kind, task, subject=subject, params={"dataset_id": dataset.pk, **params}, about=dataset)


def moves_between(pks, before, after):
    """`[[from, to, [pk, …]], …]` of the images whose split changes."""
    moves = defaultdict(list)
    for pk, old, new in zip(pks, before, after, strict=True):
        if old != new:
            moves[old, new].append(pk)
    return [[old, new, moves[old, new]] for old, new in sorted(moves)]


def make_moves(dataset, moves, job=None, result=None):
    """Move the images, all or none; with `job`, keep what was moved and write `result` to it in the same breath.

    Returns how many moved. A job that was cancelled in the meantime moves nothing (WorkCancelled).
    """
    if job is not None:
        name = moves_file(dataset, job)
        default_storage.save(name, ContentFile(json.dumps(moves, separators=(",", ":")).encode()))
    with transaction.atomic():
        before = Dataset.objects.select_for_update().get(pk=dataset.pk).updated_at
        count = sum(_move(dataset, *move) for move in moves)
        refresh_counts(dataset)
        alike = DatasetReport.objects.filter(dataset=dataset, kind=DatasetReport.Kind.DUPLICATES, of=before)
        alike.update(of=dataset.updated_at)  # what looks alike does so in every split
        if job is not None:
            work.update_running(job, result={**result, "moved": count, "applied": True})
    if job is not None:
        _forget_earlier(name)
    return count


def _forget_earlier(name):
    """Delete what earlier jobs moved: only the newest is ever taken back."""
    folder, _, newest = name.rpartition("/")
    for file in default_storage.listdir(folder)[1]:
        if file != newest:
            default_storage.delete(f"{folder}/{file}")


def _move(dataset, old, new, pks):
    count = 0
    for start in range(0, len(pks), PAGE):
        rows = DatasetImage.objects.filter(dataset=dataset, pk__in=pks[start : start + PAGE], split=old)
        count += rows.update(split=new)
    return count


def moves_file(dataset, job):
    """The name of the file that keeps what a job moved; it goes with the dataset."""
    return f"datasets/{dataset.pk}/moves/{job.pk}.json"


def last_moves(dataset):
    """The newest job that moved images of a dataset between its splits, or None."""
    jobs = Job.objects.filter(subject=f"dataset:{dataset.pk}", kind__in=[SPLIT, MEND])
    return next((job for job in jobs[:LOOKED_BACK] if job.result.get("applied")), None)


def may_undo(job):
    """Whether a job's moves can be taken back."""
    return bool(job and job.result.get("moved") and not job.result.get("undone"))


def start_undo(user, dataset, job):
    """Queue taking back what `job` moved; returns the new job, or raises MovesUnderWay."""
    return start_moves(user, dataset, UNDO, UNDO_TASK, of=job.pk)


def run_undo(job, report):
    """The work of an undo. Run twice, it finds nothing more to move back."""
    dataset = dataset_of(job)
    if job.result.get("applied"):
        return job.result
    done = Job.objects.filter(pk=job.params["of"], subject=job.subject, kind__in=[SPLIT, MEND]).first()
    name = moves_file(dataset, done) if done else ""
    if not done or not default_storage.exists(name):
        raise WorkFailed("What was moved is not known any more.")
    report(0.1, "Moving the images back")
    with default_storage.open(name) as file:
        moves = [[new, old, pks] for old, new, pks in json.load(file)]
    with transaction.atomic():
        Job.objects.filter(pk=done.pk).update(result={**done.result, "undone": True})
        count = make_moves(dataset, moves)
        result = {**splits_page(dataset), "figures": {"images moved back": count}, "moved": count, "applied": True}
        work.update_running(job, result=result)
    return result


def splits_page(dataset):
    """Where a job's page leads to."""
    return {"page_url": f"/datasets/{dataset.pk}/splits", "page_words": "See the splits"}


def dataset_of(job):
    """The dataset that a job is about; WorkFailed where it is gone."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    return dataset
