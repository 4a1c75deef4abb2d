"""The heartbeat decides that a training's worker is dead, not the broker."""

from django.conf import settings

from apps.annotations.services.yolo_folders import clean_yolo_folders
from apps.core import work
from apps.training.models import TrainingJob
from apps.training.services.jobs import TASK


def sweep_training():
    """Give back jobs whose worker died, up to the set number of restarts, and send what waits unsent."""
    return work.sweep(TrainingJob, lambda job: TASK, settings.TRAINING_MAX_RESTARTS + 1)


def clean_folders():
    """Delete folders of versions that are gone or unused for long, on this machine; returns how many.

    Never one that a training uses, waits for, or goes on with after a pause.
    """
    open_jobs = TrainingJob.objects.exclude(status__in=TrainingJob.ENDED)
    return clean_yolo_folders(set(open_jobs.values_list("dataset_version_id", flat=True)))
