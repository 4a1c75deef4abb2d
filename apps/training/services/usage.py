"""What a training uses of its machine: measured beside it, kept as a bounded number of rows."""

import logging
import shutil
import threading
import time
from contextlib import suppress

import psutil
from django.db import connection, transaction
from django.utils import timezone

from apps.training.models import TrainingUsage
from apps.training.services.gpus import Gpus

log = logging.getLogger(__name__)
MEASURE_SECONDS = 5.0
WRITE_SECONDS = 10.0  # the least between two writes, and what a row covers at first
WALK_SECONDS = 60.0  # the least between two looks at which memory is shared
MOST_ROWS = 600  # of a job; at that many, two become one, and a row covers twice the time from then on
MIB, GIB = 2**20, 2**30
HIGHEST = ("memory", "machine_memory")  # of these a row keeps the highest, of the others the mean


class Sampler:
    """Measures the process `pid` and its descendants in a thread, for as long as the context lasts.

    A row's values: `cpu` (% of one core, so 200 is two cores), `memory` (MiB of all processes, what they share counted
    once), `machine_cpu` (% of the machine), `machine_memory` (MiB in use), `disk` (free GiB where the run's files lie),
    `gpus` ([use in %, MiB, °C] of each). The training does not depend on it: where it fails, the log says so.
    """

    def __init__(self, job, pid, folder, device):
        self.job, self.device = job, device
        self._family, self._folder = Family(pid), folder
        self._end = threading.Event()
        self._kept = Kept(job)
        self._thread = threading.Thread(target=self._run, daemon=True, name=f"usage-{job.pk}")

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._end.set()
        self._thread.join(MEASURE_SECONDS)  # a GPU's driver may hang; the training's end does not wait for it

    def _run(self):
        try:
            gpus = Gpus(self.device)
            psutil.cpu_percent()  # the first call only begins to measure
            self._end.wait(1)
            while self._family.lives():
                self._kept.take(self._measure(gpus), time.monotonic())
                if self._end.wait(MEASURE_SECONDS):
                    break
            self._kept.write()
        except Exception:
            log.exception("what training %s uses is not measured any more", self.job.pk)
        finally:
            connection.close()

    def _measure(self, gpus):
        memory = psutil.virtual_memory()
        cpu, own_memory = self._family.measure()
        return {
            "cpu": cpu, "memory": own_memory, "machine_cpu": psutil.cpu_percent(),
            "machine_memory": round((memory.total - memory.available) / MIB),
            "disk": round(shutil.disk_usage(self._folder).free / GIB, 1), "gpus": gpus.read(),
        }  # fmt: skip


class Family:
    """A process and all that it started.

    Its memory is what is resident, less what its processes share and would else be counted for each. How much that is
    (the proportional set size), the system finds by walking all their pages: 20 ms for 300 MB. So it is asked seldom,
    a thousandth of the time at most, and in between the resident sizes are multiplied by what it was.
    """

    def __init__(self, pid):
        self._used, self._looked = {}, time.monotonic()
        self._share, self._walk_due = 1.0, 0.0
        self._first = None
        with suppress(psutil.NoSuchProcess):
            self._first = psutil.Process(pid)

    def lives(self):
        return self._first is not None and self._first.is_running()

    def measure(self):
        """(% of one core since the last call, MiB)"""
        used, resident = {}, {}
        for process in self._members():
            with suppress(psutil.Error):  # it has ended
                times = process.cpu_times()
                used[process], resident[process] = times.user + times.system, process.memory_info().rss
        now = time.monotonic()
        spent = sum(max(seconds - self._used.get(process, 0), 0) for process, seconds in used.items())
        percent = 100 * spent / max(now - self._looked, 0.001)
        self._used, self._looked = used, now
        if now >= self._walk_due:
            self._walk(resident)
        return round(percent, 1), round(sum(resident.values()) * self._share / MIB)

    def _members(self):
        with suppress(psutil.Error):
            return [self._first, *self._first.children(recursive=True)]
        return []

    def _walk(self, resident):
        """Find which share of the resident sizes is left when what is shared counts once."""
        began = time.monotonic()
        if len(resident) > 1:
            with suppress(psutil.Error, AttributeError):  # one has ended, it may not be read, or this is no Linux
                exact = sum(process.memory_full_info().pss for process in resident)
                self._share = min(exact / max(sum(resident.values()), 1), 1)
        else:
            self._share = 1.0
        ended = time.monotonic()
        self._walk_due = ended + max(WALK_SECONDS, (ended - began) * 1000)


class Kept:
    """The rows of a job: the newest grows until it covers `width` seconds, then the next one begins."""

    def __init__(self, job):
        self.job = job
        self.width = _width(job)
        self._row, self._samples, self._written = None, [], None

    def take(self, values, now):
        """Add a measurement; `now` in seconds of any clock."""
        self._samples.append(values)
        if self._written is None or now - self._written >= WRITE_SECONDS - MEASURE_SECONDS / 4:
            self.write(now)

    def write(self, now=None):
        """Write what was measured since the last time."""
        if not self._samples:
            return
        values, seconds = mixed([(sample, 1) for sample in self._samples]), len(self._samples) * MEASURE_SECONDS
        if self._row and self._row.seconds + seconds <= self.width * 1.3:
            self._row.values = mixed([(self._row.values, self._row.seconds), (values, seconds)])
            self._row.seconds += seconds
            self._row.save(update_fields=["values", "seconds"])
        else:
            self._row = TrainingUsage.objects.create(job=self.job, at=timezone.now(), seconds=seconds, values=values)
            if self.job.usage_rows.count() >= MOST_ROWS:
                self.width = halve(self.job)
                self._row = self.job.usage_rows.last()
        self._samples, self._written = [], now


@transaction.atomic
def halve(job):
    """Make one row of two neighbours; returns the seconds that a row covers now."""
    rows = list(job.usage_rows.order_by("pk"))
    pairs = list(zip(rows[::2], rows[1::2], strict=False))
    for first, second in pairs:
        first.values = mixed([(first.values, first.seconds), (second.values, second.seconds)])
        first.seconds += second.seconds
    TrainingUsage.objects.bulk_update([first for first, _ in pairs], ["values", "seconds"], batch_size=100)
    TrainingUsage.objects.filter(pk__in=[second.pk for _, second in pairs]).delete()
    return _width(job)


def _width(job):
    """10, 20, 40, … seconds: what the job's widest row covers."""
    widest = max(job.usage_rows.values_list("seconds", flat=True), default=0)
    width = WRITE_SECONDS
    while width * 1.5 < widest:
        width *= 2
    return width


def mixed(parts):
    """One row's values of several with their weights."""
    names = [name for name in parts[0][0] if name != "gpus"]
    found = {name: _mixed(name, [(values[name], weight) for values, weight in parts]) for name in names}
    gpus = [values["gpus"] for values, _ in parts]
    count = min(map(len, gpus))
    return found | {"gpus": [_mixed_gpu([gpu[n] for gpu in gpus]) for n in range(count)]}


def _mixed(name, pairs):
    if name in HIGHEST:
        return max(value for value, _ in pairs)
    return round(sum(value * weight for value, weight in pairs) / sum(weight for _, weight in pairs), 1)


def _mixed_gpu(values):
    """The mean use, the highest memory and temperature; None where it was not told."""
    use, memory, heat = ([value for value in column if value is not None] for column in zip(*values, strict=True))
    return [round(sum(use) / len(use)) if use else None, max(memory, default=None), max(heat, default=None)]
