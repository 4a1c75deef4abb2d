"""What workers and queues do at this moment, as they answer within a second."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime

from celery import current_app
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import RedisError

from apps.core import health
from apps.core.metrics.now import now as metrics

ASKED_SECONDS = 1.0
KEPT_SECONDS = 5
KEY = "operator-workers"


@dataclass
class Worker:
    """A Celery worker: the queues it serves, how many tasks it runs at a time, and those that it runs now."""

    name: str
    queues: list
    slots: int | None
    up_seconds: int | None
    tasks: list = field(default_factory=list)


def workers():
    """`[Worker]` of those that answer, by name; None where the queue's server does not. Kept for some seconds."""
    try:
        return cache.get_or_set(KEY, _ask, KEPT_SECONDS)
    except (OperationalError, RedisError, OSError):
        return None


def _ask():
    """One question after another would take three times as long, for each waits for all who may answer."""
    inspect = current_app.control.inspect(timeout=ASKED_SECONDS)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(getattr(inspect, what)) for what in ("active_queues", "stats", "active")]
        queues, stats, active = (one.result() or {} for one in asked)
    names = sorted({*queues, *stats, *active})
    return [_worker(name, queues.get(name, ()), stats.get(name, {}), active.get(name, ())) for name in names]


def _worker(name, queues, stats, active):
    tasks = [
        {"name": task["name"], "arguments": str(task.get("args", ""))[:120], "since": _moment(task.get("time_start"))}
        for task in active
    ]
    slots = stats.get("pool", {}).get("max-concurrency")
    return Worker(name, sorted(queue["name"] for queue in queues), slots, stats.get("uptime"), tasks)


def _moment(seconds):
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


@dataclass
class Waiting:
    """A queue: jobs that wait in the database, messages in the broker (None: not known), the oldest's seconds."""

    name: str
    jobs: int
    oldest_seconds: float
    messages: float | None


def queues():
    """`[Waiting]`: the figures of `/metrics`, kept for some seconds."""
    found = {}
    for family in metrics.collect():
        found[family.name] = {sample.labels.get("queue"): sample.value for sample in family.samples}
    jobs, oldest = found.get("yolo_queue_jobs", {}), found.get("yolo_queue_oldest_seconds", {})
    messages = found.get("yolo_queue_messages", {})
    names = [*health.QUEUES, *sorted(set(jobs) - set(health.QUEUES))]
    return [Waiting(name, int(jobs.get(name, 0)), oldest.get(name, 0), messages.get(name)) for name in names]


def is_alive(trainer, stale_seconds):
    """Whether a trainer has said lately that it is there."""
    return (timezone.now() - trainer.heartbeat_at).total_seconds() < stale_seconds


def forget():
    """Ask anew next time."""
    cache.delete(KEY)
    metrics.forget()
