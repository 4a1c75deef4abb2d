"""Cancelling, pausing and resuming: whoever races with a finish, a kill or the sweep, exactly one wins."""

from django.db import transaction
from django.db.models import Case, Q, Value, When
from django.utils import timezone

from apps.core import work
from apps.core.work import enqueue_on_commit
from apps.models.services import release_model
from apps.training.models import TrainingJob
from apps.training.services.jobs import TASK, WAITING, TrainingRefused

Status = TrainingJob.Status
RESUMABLE = (Status.PAUSED, Status.FAILED, Status.CANCELLED)


def cancel_job(job, keep=True):
    """Cancel a job that waits, runs or is paused; its process is gone within 5 s. True where this call did it.

    With `keep` the best weights so far become a model: the supervisor does that, or the sweep where it died.
    """
    begun = Q(started_at__isnull=False, cleaned_at=None)
    due = Case(When(begun, then=Value(bool(keep))), default=Value(False))
    return work.cancel(job, ended_by="cancelled", phase="", epoch_progress=0, weights_due=due)


def pause_job(job):
    """Take a job from its trainer, whose process is gone and whose device is free within 5 s; True where this did it.

    Raises TrainingRefused for one that has ended.
    """
    if work.pause(job, paused_at=timezone.now(), phase="", epoch_progress=0):
        return True
    if _status_now(job) == Status.PAUSED:
        return False
    raise TrainingRefused({"detail": f"Only a job that waits or runs can be paused; this one is {_status_now(job)}."})


def resume_job(job):
    """Queue a stopped job again, to go on from its last checkpoint; True. Raises TrainingRefused where it cannot.

    A model that was kept when it was cancelled stands for itself from now on.
    """
    with transaction.atomic():
        before = TrainingJob.objects.select_for_update().filter(pk=job.pk).values("model_id", "current_epoch").first()
        if before is None or not work.resume(
            job, RESUMABLE, where=Q(cleaned_at=None), phase=WAITING, ended_by="", weights_due=False,
            model=None, queued_at=timezone.now(), fruitless_starts=0,
        ):  # fmt: skip
            raise TrainingRefused({"detail": _why_not(job)})
        if before["model_id"]:
            release_model(before["model_id"], f"epoch {before['current_epoch']}")
        enqueue_on_commit(job, TASK)
    job.refresh_from_db(fields=["status"])
    return True


def _status_now(job):
    return TrainingJob.objects.filter(pk=job.pk).values_list("status", flat=True).first() or "deleted"


def _why_not(job):
    status = _status_now(job)
    if status not in RESUMABLE:
        return f"Only a paused, failed or cancelled job can be resumed; this one is {status}."
    return "Its checkpoint was deleted, as those of old runs are. Start a new training with the same settings."
