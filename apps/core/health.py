"""Whether the parts of the platform are well: each check answers None for "ok", or says why not."""

import shutil
import uuid

from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

LEAST_FREE_BYTES = 200 * 2**20
LEAST_FREE_MEMORY = 100 * 2**20
PING_SECONDS = 0.5
KEPT_SECONDS = 5  # balancers ask often, and workers take a moment to answer
QUEUES = ("default", "inference", "training")


def ask_all():
    """`{part: "ok" or why not}`."""
    return {name: _ask(check) for name, check in CHECKS.items()}


def add_check(name, check):
    """A part that a higher floor knows of."""
    CHECKS[name] = check


def _ask(check):
    try:
        return check() or "ok"
    except Exception as error:  # whatever is wrong with a part is that part's answer
        return f"{type(error).__name__}: {error}"[:200]


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
    try:
        with open("/proc/meminfo") as file:
            lines = dict(line.split(":", 1) for line in file)
    except FileNotFoundError:  # not a Linux: nothing is known, nothing is wrong
        return None
    free = int(lines["MemAvailable"].split()[0]) * 1024
    return None if free > LEAST_FREE_MEMORY else f"only {free // 2**20} MB free"


def _workers():
    return cache.get_or_set("readyz-workers", _missing_workers, KEPT_SECONDS) or None


def _missing_workers():
    found = current_app.control.inspect(timeout=PING_SECONDS).active_queues() or {}
    served = {queue["name"] for queues in found.values() for queue in queues}
    missing = [queue for queue in QUEUES if queue not in served]
    return f"no worker for: {', '.join(missing)}" if missing else ""


CHECKS = {
    "database": _database, "redis": _redis, "storage": _storage, "disk": _disk, "memory": _memory, "workers": _workers,
}  # fmt: skip
