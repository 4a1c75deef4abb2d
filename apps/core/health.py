"""Whether the parts of the platform are well: each check answers None for "ok", or says why not.

Each runs in a thread of its own and is waited for a moment only, so that a part that hangs is named and does not hang
the answer; it is not asked again before it has answered. Answers are kept for a few seconds: whoever asks often, asks
nothing more of the parts.
"""

import logging
import shutil
import threading
import time
import uuid
from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection, connections
from django.utils import timezone

log = logging.getLogger(__name__)
LEAST_FREE_BYTES = 200 * 2**20
LEAST_FREE_MEMORY = 100 * 2**20
PING_SECONDS = 0.5
ANSWER_SECONDS = 3.0  # that all parts together are waited for
KEPT_SECONDS = 5  # balancers ask often, and workers take a moment to answer
QUEUES = ("default", "inference", "training", "upkeep")
CGROUP = Path("/sys/fs/cgroup")


class Check:
    """One part: asked in a thread, its answer kept."""

    def __init__(self, ask, kept_seconds=KEPT_SECONDS):
        self.ask, self.kept_seconds = ask, kept_seconds
        self.answer, self.at, self._thread = None, 0.0, None

    def start(self):
        """Ask, unless the last answer is fresh or the last question is still open."""
        fresh = self.answer is not None and time.monotonic() - self.at < self.kept_seconds
        if not fresh and not (self._thread and self._thread.is_alive()):
            self._thread = threading.Thread(target=self._run, daemon=True, name="health")
            self._thread.start()

    def wait(self, until):
        """The answer, at the latest at `until` (monotonic seconds): then the one before, where it is not old."""
        if self._thread:
            self._thread.join(max(until - time.monotonic(), 0))
        if self._thread and self._thread.is_alive():
            recent = self.answer is not None and time.monotonic() - self.at < self.kept_seconds * 2
            return self.answer if recent else f"no answer within {ANSWER_SECONDS:g} s"
        return self.answer

    def forget(self):
        """Ask anew next time."""
        self.answer = None

    def _run(self):
        try:
            answer = self.ask() or "ok"
        except Exception as error:  # whatever is wrong with a part is that part's answer
            answer = f"{type(error).__name__}: {error}"[:200]
        finally:
            connections.close_all()
        if answer != "ok" and answer != self.answer:
            log.warning("a part of the platform is not well: %s", answer)
        self.answer, self.at = answer, time.monotonic()


def ask_all():
    """`{part: "ok" or why not}`."""
    until = time.monotonic() + ANSWER_SECONDS
    for check in CHECKS.values():
        check.start()
    return {name: check.wait(until) for name, check in CHECKS.items()}


def add_check(name, ask, kept_seconds=KEPT_SECONDS):
    """A part that a higher floor knows of."""
    CHECKS[name] = Check(ask, kept_seconds)


def forget_all():
    """Ask every part anew next time."""
    for check in CHECKS.values():
        check.forget()


def _database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _redis():
    cache.set("readyz", timezone.now().isoformat(), 60)


def _storage():
    name = default_storage.save(f"readyz/{uuid.uuid4().hex}", ContentFile(b"ok"))
    try:
        with default_storage.open(name) as file:
            return None if file.read() == b"ok" else "what was written was not read again"
    finally:
        default_storage.delete(name)


def _disk():
    free = shutil.disk_usage(settings.DATA_DIR).free
    return None if free > LEAST_FREE_BYTES else f"only {free // 2**20} MB free"


def _memory():
    free = min(filter(lambda one: one is not None, (_machines_memory(), _groups_memory())), default=None)
    return None if free is None or free > LEAST_FREE_MEMORY else f"only {free // 2**20} MB free"


def _machines_memory():
    """Free bytes of this machine; None where it is not a Linux: nothing is known, nothing is wrong."""
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
    except FileNotFoundError:
        return None
    return int(lines["MemAvailable"].split()[0]) * 1024


def _groups_memory():
    """Free bytes of the container that this process is in; None where nothing bounds it (cgroup v2)."""
    try:
        most = (CGROUP / "memory.max").read_text().strip()
        used = int((CGROUP / "memory.current").read_text())
        stat = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
    except OSError:
        return None
    return None if most == "max" else int(most) - used + int(stat["inactive_file"])


def _workers():
    return cache.get_or_set("readyz-workers", _missing_workers, KEPT_SECONDS) or None


def workers_by_queue():
    """How many workers serve each queue, as they answer within a moment."""
    found = current_app.control.inspect(timeout=PING_SECONDS).active_queues() or {}
    served = [queue["name"] for queues in found.values() for queue in queues]
    return {queue: served.count(queue) for queue in QUEUES}


def _missing_workers():
    missing = [queue for queue, workers in workers_by_queue().items() if not workers]
    return f"no worker for: {', '.join(missing)}" if missing else ""


CHECKS = {
    name: Check(ask)
    for name, ask in (
        ("database", _database), ("redis", _redis), ("storage", _storage), ("disk", _disk), ("memory", _memory),
        ("workers", _workers),
    )
}  # fmt: skip
