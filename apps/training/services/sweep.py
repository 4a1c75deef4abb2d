"""The heartbeat decides that a training's worker is dead, not the broker."""

from django.conf import settings

from apps.core import work
from apps.training.models import TrainingJob
from apps.training.services.jobs import TASK


def sweep_training():
    """Give back jobs whose worker died, up to the set number of restarts, and send what waits unsent."""
    return work.sweep(TrainingJob, lambda job: TASK, settings.TRAINING_MAX_RESTARTS + 1)
