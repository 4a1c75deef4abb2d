"""The life of a row of long work: pending → running → completed, failed or cancelled; paused on the way, and on again.

Every step is one conditional UPDATE, so of two that race exactly one wins: a cancel and a finish, two workers that
got the same message, a worker that was thought dead and comes back. Whoever runs a row holds its `run_token`.
"""

import logging
import threading
import uuid
from datetime import timedelta

from celery import current_app
from django.conf import settings
from django.db import InterfaceError, connection, transaction
from django.db import OperationalError as DatabaseError
from django.db.models import F, Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.core.logs import JOB
from apps.core.metrics.ended import count_end

log = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 3
REENQUEUE_SECONDS = 300
UNFORESEEN = "This failed for a reason that the platform did not foresee; the operator finds it here."


def database_is_away(error):
    """Whether `error` is that the database's server ended the connection, or cannot be reached.

    Then nothing can be written and nothing is known of a row: work stops as it does where its worker is killed.
    """
    if not isinstance(error, DatabaseError | InterfaceError) or connection.vendor == "sqlite":
        return False
    return not connection.is_usable()


class WorkFailed(Exception):
    """The work cannot be done; the message is for the person who asked."""


class WorkCancelled(Exception):
    """Someone else ended the row, or took it over: stop, write nothing more."""


class WorkHandedBack(Exception):
    """This worker is stopping: the row goes back to the queue."""


def enqueue(row, task):
    """Send a pending row to its queue; where the queue is away, the sweep sends it later."""
    type(row).objects.filter(pk=row.pk).update(enqueued_at=timezone.now())
    try:
        current_app.send_task(task, [row.pk])
    except (OperationalError, OSError) as error:
        log.warning("%s %s waits, the queue is away: %s", type(row).__name__, row.pk, error)
        type(row).objects.filter(pk=row.pk).update(enqueued_at=None)


def enqueue_on_commit(row, task):
    """As `enqueue`, when the transaction that made the row is kept."""
    transaction.on_commit(lambda: enqueue(row, task))


def claim(model, pk, **values):
    """Take a pending row, with `values`, and return it; None where another worker has it or it is not pending."""
    token, now = uuid.uuid4().hex, timezone.now()
    taken = model.objects.filter(pk=pk, status=model.Status.PENDING).update(
        status=model.Status.RUNNING, run_token=token, heartbeat_at=now, attempts=F("attempts") + 1, **values
    )
    if not taken:
        return None
    model.objects.filter(pk=pk, started_at=None).update(started_at=now)
    return model.objects.get(pk=pk)


def _ended(row, status):
    """Count an end, for the metrics."""
    count_end(row.kind_name, str(status))


def update_running(row, **values):
    """Write to a row that this worker runs; raises WorkCancelled where it does not run it any more."""
    mine = type(row).objects.filter(pk=row.pk, status=row.Status.RUNNING, run_token=row.run_token)
    if not mine.update(heartbeat_at=timezone.now(), **values):
        raise WorkCancelled
    for name, value in values.items():
        setattr(row, name, value)


def end(row, status, **values):
    """Move a row that this worker runs to `status`; True where it still was its own."""
    try:
        update_running(row, status=status, completed_at=timezone.now(), **values)
    except WorkCancelled:
        return False
    _ended(row, status)
    return True


def hand_back(row, count_attempt=True, **values):
    """Put a running row back among the pending, with `values`; the sweep sends it to the queue again."""
    attempts = row.attempts if count_attempt else max(row.attempts - 1, 0)
    try:
        update_running(row, status=row.Status.PENDING, enqueued_at=None, attempts=attempts, **values)
    except WorkCancelled:
        log.info("%s %s was ended by someone else", type(row).__name__, row.pk)


def cancel(row, **values):
    """Cancel a row that has not ended, with `values`; True where this call did it."""
    open_rows = type(row).objects.filter(pk=row.pk).exclude(status__in=row.ENDED)
    did = bool(open_rows.update(status=row.Status.CANCELLED, completed_at=timezone.now(), **values))
    if did:
        _ended(row, row.Status.CANCELLED)
    return did


def pause(row, **values):
    """Take a row from its worker, or out of the queue, until `resume`; True where this call did it."""
    active = type(row).objects.filter(pk=row.pk, status__in=row.ACTIVE)
    return bool(active.update(status=row.Status.PAUSED, run_token="", enqueued_at=None, **values))


def resume(row, statuses, where=Q(), **values):  # noqa: B008 (a Q is a value)
    """Put a row that has one of `statuses`, and is `where`, back among the pending; True where this call did it."""
    stopped = type(row).objects.filter(where, pk=row.pk, status__in=statuses)
    return bool(
        stopped.update(
            status=row.Status.PENDING, attempts=0, run_token="", enqueued_at=None, completed_at=None,
            error_message="", traceback="", **values,
        )
    )  # fmt: skip


def sweep(model, task_of, max_attempts, failed=None):
    """Give work of dead workers back and send what waits unsent. Harmless to run twice or on two machines.

    `task_of(row)` names the Celery task; a row that lost its worker `max_attempts` times has failed, and `failed(row)`
    is called in the transaction that says so.
    """
    counts = give_back_stale(model, max_attempts, failed=failed)
    long_ago = Q(enqueued_at__lt=timezone.now() - timedelta(seconds=REENQUEUE_SECONDS))
    for row in model.objects.filter(never_sent() | long_ago, status=model.Status.PENDING).order_by("pk")[:500]:
        enqueue(row, task_of(row))
    return counts


def give_back_stale(model, max_attempts, counted="attempts", failed=None):
    """Put rows whose worker is dead back among the pending, or fail them; returns how many (returned, failed).

    `counted` is the field that says how often a row has lost its worker; `failed(row)` is called of each that failed.
    """
    now = timezone.now()
    stale = model.objects.filter(
        status=model.Status.RUNNING, heartbeat_at__lt=now - timedelta(seconds=settings.JOB_STALE_SECONDS)
    )
    hopeless = stale.filter(**{f"{counted}__gte": max_attempts})
    keys = list(hopeless.order_by("pk").values_list("pk", flat=True))
    number = sum(_fail_dead(hopeless.filter(pk=pk), failed) for pk in keys)
    return stale.update(status=model.Status.PENDING, enqueued_at=None, run_token=""), number


@transaction.atomic
def _fail_dead(rows, failed):
    """End the one row of a query that lost its worker too often; 1 where this call did it."""
    pk = rows.values_list("pk", flat=True).first()
    ended = rows.update(
        status=rows.model.Status.FAILED,
        completed_at=timezone.now(),
        error_message="Its worker died again and again; the operator finds more in the worker's log.",
    )
    if ended:
        row = rows.model.objects.get(pk=pk)
        _ended(row, row.status)
        if failed:
            failed(row)
    return ended


def never_sent():
    """A condition on rows: not sent to the queue, and not about to be."""
    return Q(enqueued_at=None, created_at__lt=timezone.now() - timedelta(seconds=2))


class Heartbeat:
    """A thread that keeps a running row alive; `lost` is set where the row is not ours any more. The log names it."""

    def __init__(self, row):
        self.row, self.lost, self._end = row, threading.Event(), threading.Event()
        self._values = {}
        self._thread = threading.Thread(target=self._beat, daemon=True, name=f"heartbeat-{row.pk}")

    def __enter__(self):
        self._about = JOB.set(f"{self.row.kind_name} {self.row.pk}")
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._end.set()
        self._thread.join()
        JOB.reset(self._about)

    def say(self, **values):
        """Have the next beat write these, on its own connection."""
        self._values = values

    def _beat(self):
        try:
            while not self._end.wait(HEARTBEAT_SECONDS):
                try:
                    values, self._values = self._values, {}
                    update_running(self.row, **values)
                except WorkCancelled:
                    self.lost.set()
                    return
                except Exception:
                    # The database may be away for a moment: the next beat tries again, the sweep judges staleness.
                    log.exception("heartbeat of %s %s", type(self.row).__name__, self.row.pk)
                    connection.close()
        finally:
            connection.close()
