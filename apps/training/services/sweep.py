"""The heartbeat decides that a training's worker is dead, not the broker."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from apps.annotations.services.yolo_folders import clean_yolo_folders
from apps.core import work
from apps.training.models import TrainingJob
from apps.training.services.jobs import TASK
from apps.training.services.keeping import keep_due_weights
from apps.training.services.queue import Queue
from apps.training.services.retention import clean_runs
from apps.training.services.telling import tell_failed
from apps.training.services.trainers import forget_dead_trainers

RESEND_SECONDS = 30  # a message takes a moment to a trainer that idles


def sweep_training():
    """Give back jobs whose trainer died, up to the set number of restarts, and see that messages are enough.

    Each waiting job was sent once. Where a trainer idles all the same, a message was lost, and one is sent again; never
    more than can start, for a queue of days would gather messages by the thousand. Cancelled jobs get the model that
    their supervisor did not live to store.
    """
    most = settings.TRAINING_MAX_RESTARTS + 1
    counts = work.give_back_stale(TrainingJob, most, counted="fruitless_starts", failed=tell_failed)
    waiting = TrainingJob.objects.filter(status=TrainingJob.Status.PENDING)
    long_ago = timezone.now() - timedelta(seconds=RESEND_SECONDS)
    for job in waiting.filter(work.never_sent()).order_by("pk")[:500]:
        work.enqueue(job, TASK)
    if waiting.filter(enqueued_at__lt=long_ago).exists():
        for job in waiting.filter(enqueued_at__lt=long_ago, pk__in=Queue().startable):
            work.enqueue(job, TASK)
    forget_dead_trainers()
    keep_due_weights()
    return counts


def clean_folders():
    """Delete folders of old runs, and of versions that are gone or unused for long, on this machine; returns how many.

    Never one that a training uses, waits for, or goes on with after a pause.
    """
    runs = clean_runs()
    open_jobs = TrainingJob.objects.exclude(status__in=TrainingJob.ENDED)
    return runs + clean_yolo_folders(set(open_jobs.values_list("dataset_version_id", flat=True)))
