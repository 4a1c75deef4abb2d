"""What the tests of the queue share: jobs that wait, trainers that are there."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.training.models import Trainer, TrainingJob

from .test_jobs import WANTED


@pytest.fixture
def queued(ready_dataset):
    """`queued(user, count, **values)`: so many jobs in the queue, one second after each other, none of them sent."""
    began = timezone.now() - timedelta(hours=1)

    def make(user, count=1, **values):
        def row():
            at = began + timedelta(seconds=TrainingJob.objects.count())
            fresh = {"queued_at": at, "patience": 5, "usual_epoch_seconds": 10, "enqueued_at": at}
            return TrainingJob.objects.create(user=user, dataset=ready_dataset, **WANTED | fresh | values)

        return [row() for _ in range(count)]

    return make


@pytest.fixture
def trainer(db):
    """`trainer(slots)`: a trainer that says that it is there."""
    return lambda slots=1: Trainer.objects.create(name=f"t{slots}", slots=slots, heartbeat_at=timezone.now())
