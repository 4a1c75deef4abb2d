"""Run folders that nobody needs any more: those of old failed and cancelled trainings, and what kills left behind."""

import logging
import shutil
import time
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.training.models import TrainingJob
from apps.training.services import checkpoints
from apps.training.services.folders import run_folder, runs_folder

log = logging.getLogger(__name__)
GRACE = timedelta(hours=1)  # a process that was told to end needs some seconds; whoever resumes at once needs some more


def clean_runs():
    """Delete this machine's run folders, and the store's checkpoints, that are past their time; returns how many.

    Never that of a job that waits, runs or is paused. A job whose checkpoint goes says so from then on.
    """
    stored = TrainingJob.objects.filter(checkpoint_epoch__isnull=False, status__in=TrainingJob.ENDED)
    gone = sum(_clean(job) for job in stored)
    folders = _folders()
    count = sum(_clean(job) for job in TrainingJob.objects.filter(pk__in=folders, status__in=TrainingJob.ENDED))
    strays = _without_job(folders)
    for folder in strays:
        checkpoints.drop_of_nobody(folder.name)
    return gone + count + sum(map(_drop, strays))


def due_folders(now):
    """The run folders that `clean_runs` would delete."""
    folders = _folders()
    ended = TrainingJob.objects.filter(pk__in=folders, status__in=TrainingJob.ENDED, completed_at__isnull=False)
    return [folders[job.pk] for job in ended if job.completed_at < _over(job, now)] + _without_job(folders)


def _folders():
    """`{job id: its run folder}` of this machine."""
    if not runs_folder().is_dir():
        return {}
    return {int(f.name): f for f in runs_folder().iterdir() if f.name.isdecimal() and len(f.name) < 19}


def _without_job(folders):
    known = set(TrainingJob.objects.filter(pk__in=folders).values_list("pk", flat=True))
    return [folder for pk, folder in folders.items() if pk not in known and _is_left_alone(folder)]


def _over(job, now):
    """The moment before which a job must have ended for its folder to go."""
    keep = timedelta(0) if job.status == job.Status.COMPLETED else timedelta(days=settings.RUN_FOLDER_DAYS)
    return now - max(keep, GRACE)


def _clean(job):
    """Delete the folder of an ended job whose time is over; 1 where that was so, else 0."""
    over = _over(job, timezone.now())
    # The row first, on condition: who resumes it at this moment wins, or is told that it is too late.
    mine = TrainingJob.objects.filter(pk=job.pk, status=job.status, completed_at__lt=over)
    if not mine.update(cleaned_at=timezone.now(), weights_due=False):
        return 0
    checkpoints.drop(job)
    return _drop(run_folder(job))


def _is_left_alone(folder):
    """Whether nothing was written for a while: the process of a job that was just deleted may still be there."""
    newest = max((path.stat().st_mtime for path in (folder, folder / "log.txt") if path.exists()), default=0)
    return time.time() - newest > GRACE.total_seconds()


def _drop(folder):
    log.info("deleting %s", folder)
    shutil.rmtree(folder, ignore_errors=True)
    return 1
