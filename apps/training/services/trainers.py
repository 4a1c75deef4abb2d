"""Which trainers are there: each says so every few seconds, in a row of its own."""

import logging
import threading
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from apps.training.models import Trainer

log = logging.getLogger(__name__)
BEAT_SECONDS = 5
FORGOTTEN = timedelta(hours=1)  # rows of trainers that ended without a word


def trainer_slots():
    """How many jobs can run at once: of all trainers that are alive."""
    alive = timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS)
    return Trainer.objects.filter(heartbeat_at__gte=alive).aggregate(slots=Sum("slots"))["slots"] or 0


def forget_dead_trainers():
    """Delete the rows of trainers that are long gone."""
    Trainer.objects.filter(heartbeat_at__lt=timezone.now() - FORGOTTEN).delete()


class Presence:
    """A thread that keeps this process's row; `leave()` has the thread take it away and end."""

    def __init__(self):
        self._end, self._thread = threading.Event(), None

    def enter(self, name, slots):
        """Say that a trainer of this name is here, for `slots` jobs at a time, from now on."""
        self._thread = threading.Thread(target=self._stay, args=(name, slots), daemon=True, name="trainer-presence")
        self._thread.start()

    def leave(self):
        """No more jobs are taken here. Does not wait, for it is called where a process is told to stop."""
        self._end.set()

    def join(self, timeout=5):
        """Wait until the row is gone."""
        if self._thread is not None:
            self._thread.join(timeout)

    def _stay(self, name, slots):
        row = Trainer(name=name, slots=slots)
        try:
            while not self._end.is_set():
                self._guarded(lambda: _say(row))
                self._end.wait(BEAT_SECONDS)
            self._guarded(lambda: Trainer.objects.filter(pk=row.pk).delete())
        finally:
            connection.close()

    def _guarded(self, do):
        """The database may be away for a moment; the next beat tries again, and rows without beats count as dead."""
        try:
            do()
        except Exception:
            log.exception("telling that this trainer is here")
            connection.close()


def _say(row):
    row.heartbeat_at = timezone.now()
    if row.pk and Trainer.objects.filter(pk=row.pk).update(heartbeat_at=row.heartbeat_at):
        return
    Trainer.objects.filter(name=row.name).delete()  # of a process before this one, that was killed
    row.pk = None
    row.save(force_insert=True)


presence = Presence()
