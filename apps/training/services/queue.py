"""The queue of trainings: whose turn it is, and when a job will probably start.

A message in the `training` queue says that there is work, not which: whoever gets it takes the job whose turn it is by
the rule in `apps/training/fairness.py`, so that a message lost or doubled costs nobody their turn.
"""

import math
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.db.models import F, Max, Prefetch
from django.utils import timezone

from apps.core import work
from apps.core.quotas import trainings_at_once
from apps.training.estimate import Guesses
from apps.training.fairness import Limits, Line, Running, Waiting, foresee
from apps.training.machine import trainer_machine
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.services.jobs import TASK
from apps.training.services.trainers import trainer_slots

PENDING, RUNNING = TrainingJob.Status.PENDING, TrainingJob.Status.RUNNING
GUESSED = (
    "pk", "user_id", "team_id", "status", "phase", "model_type", "img_size", "device", "epochs", "current_epoch",
    "epoch_progress", "usual_epoch_seconds", "time_limit", "training_time", "queued_at", "served_at",
)  # fmt: skip


def take(pk):
    """Claim job `pk` for this trainer, or None."""
    return work.claim(TrainingJob, pk, served_at=timezone.now(), fruitless_starts=F("fruitless_starts") + 1)


def take_next():
    """Claim the job whose turn it is; None where none waits or none may start yet.

    Two trainers that come at once choose the same job, one gets it, and the other chooses again by what is true then.
    """
    while (turn := _turn()) is not None:
        job = take(turn)
        if job is not None:
            return job
    return None


def send_next():
    """Send a message for the job whose turn it is: the one sent for it may have come while its person had no turn."""
    turn = _turn()
    if turn is not None:
        work.enqueue(TrainingJob(pk=turn), TASK)


def _turn():
    """The key of the job whose turn it is, or None."""
    waiting = TrainingJob.objects.filter(status=PENDING).only("user_id", "team_id", "queued_at", "served_at")
    waiting = [_waiting(job) for job in waiting]
    if not waiting:
        return None
    # Asked for after those that wait: a job that is claimed in between counts as running, and no limit is passed.
    running = TrainingJob.objects.filter(status=RUNNING).values_list("user_id", "team_id")
    turn = _line(waiting, [Running(person, team=team) for person, team in running]).next()
    return turn and turn.pk


class Place(NamedTuple):
    """Where a job stands in the queue: `position` of `length`, from 1; `own_ahead` of those ahead are its person's.

    `starts_in`: seconds, a guess, or None where there is none; `trainers`: how many jobs can run at once.
    """

    position: int
    length: int
    own_ahead: int
    starts_in: float | None
    trainers: int

    @property
    def ahead(self):
        return self.position - 1

    @property
    def expected_start(self):
        """When it probably starts, or None."""
        return None if self.starts_in is None else timezone.now() + timedelta(seconds=self.starts_in)


class Queue:
    """The queue as it is now, read once: `place(pk)` of what waits, `place_of_new(user_id)` of what would be queued.

    Its order and times come from playing the rule forwards with what is known about how long jobs take.
    """

    def __init__(self):
        newest = Prefetch("epoch_rows", TrainingEpoch.objects.order_by("-epoch")[:5], to_attr="newest_epochs")
        active = TrainingJob.objects.filter(status__in=[PENDING, RUNNING]).only(*GUESSED).prefetch_related(newest)
        guesses = Guesses(trainer_machine())
        self._now = timezone.now()
        self._waiting, self._running = [], []
        for job in active.order_by("pk"):
            if job.status == PENDING:
                self._waiting.append(_waiting(job, guesses.seconds(job)))
            else:
                self._running.append(Running(job.user_id, self._left(job, guesses), job.team_id))
        self.trainers = max(trainer_slots(), len(self._running))
        self._places = None

    def place(self, pk):
        """The Place of a waiting job; None for every other."""
        if self._places is None:
            self._places = self._play(self._waiting)
        return self._places.get(pk)

    def place_of_new(self, user_id):
        """The Place that a job would have which this person queued now."""
        new = Waiting(math.inf, user_id, self._now.timestamp())
        return self._play([*self._waiting, new])[new.pk]

    @property
    def startable(self):
        """Keys of the waiting jobs that a trainer without work could start now."""
        return [pk for pk, place in self._play(self._waiting).items() if place.starts_in == 0]

    def _left(self, job, guesses):
        """Seconds that a running job still takes; before its first epoch, of the guess what is left."""
        left = job.seconds_left
        if left is None and (whole := guesses.seconds(job)) is not None:
            left = max(whole - (self._now - (job.served_at or self._now)).total_seconds(), 0)
        return left

    def _play(self, waiting):
        order = foresee(_line(waiting, self._running), self.trainers, self._now.timestamp())
        own, places = {}, {}
        for position, (job, starts_in) in enumerate(order, 1):
            places[job.pk] = Place(position, len(order), own.get(job.person, 0), starts_in, self.trainers)
            own[job.person] = own.get(job.person, 0) + 1
        return places


def _waiting(job, seconds=None):
    had_begun = job.served_at is not None and job.served_at > job.queued_at
    return Waiting(job.pk, job.user_id, job.queued_at.timestamp(), seconds, had_begun, job.team_id)


def _line(waiting, running):
    persons = {job.person for job in waiting}
    begun = TrainingJob.objects.filter(user_id__in=persons, served_at__isnull=False).order_by()
    rows = begun.values_list("user_id").annotate(Max("served_at"), Max("completed_at"), Max("paused_at"))
    served = {person: max(filter(None, moments)).timestamp() for person, *moments in rows}
    of_person, of_team = settings.TRAININGS_AT_ONCE_PER_PERSON, settings.TRAININGS_AT_ONCE_PER_TEAM
    return Line(waiting, running, served, Limits(of_person, of_team, trainings_at_once()))
