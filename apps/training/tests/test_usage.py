"""What a training uses: measured on real processes, kept in few rows; GPUs by a stand-in for NVIDIA's library."""

import subprocess
import sys
import threading
from types import SimpleNamespace

import psutil
import pytest

from apps.training.models import TrainingJob, TrainingUsage
from apps.training.services import usage
from apps.training.services.gpus import Gpus
from apps.training.services.usage import Family, Kept, Sampler

PARENT = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "kept = bytearray(60_000_000); print(1, flush=True); input()"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child.stdout.readline()
used = sum(range(30_000_000))
print("ready", flush=True)
sys.stdin.readline()
child.kill()
"""
SAMPLE = {"cpu": 100, "memory": 10, "machine_cpu": 50.0, "machine_memory": 99, "disk": 5.0, "gpus": []}


@pytest.fixture
def job(ready_dataset, alice):
    return TrainingJob.objects.create(
        user=alice, dataset=ready_dataset, name="A", model_type="yolov8n", epochs=3, batch_size=4, img_size=64,
        patience=5,
    )  # fmt: skip


@pytest.fixture
def process():
    """A process with a child of 60 MB; it has worked before it says that it is ready."""
    started = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    family = Family(started.pid)
    started.stdout.readline()
    yield started, family
    started.communicate()


def test_a_process_and_its_children_are_measured(process):
    _, family = process
    percent, memory = family.measure()
    assert percent > 0
    assert memory > 60
    assert family.lives()


def test_memory_that_processes_share_counts_once(process):
    _, family = process
    family.measure()
    members = family._members()
    assert len(members) == 2
    assert 0 < family._share < 1  # both run the same interpreter
    family._walk({members[0]: members[0].memory_info().rss})
    assert family._share == 1


def test_a_process_that_has_ended_uses_nothing(process):
    started, family = process
    started.communicate()
    assert not family.lives()
    assert family.measure() == (0, 0)
    assert not Family(2**22 + 1).lives()


@pytest.mark.django_db(transaction=True)
def test_a_sampler_writes_down_what_a_process_used(process, job, tmp_path, monkeypatch):
    started, _ = process
    sampler = Sampler(job, started.pid, tmp_path, "cpu")
    wrote = threading.Event()
    take = sampler._kept.take
    monkeypatch.setattr(sampler._kept, "take", lambda *args: (take(*args), wrote.set()))
    with sampler:
        assert wrote.wait(60)
    row = job.usage_rows.get()
    assert row.values["memory"] > 60
    assert row.values["machine_memory"] > row.values["memory"]
    assert row.values["disk"] > 0
    assert row.values["gpus"] == []
    assert not sampler._thread.is_alive()


@pytest.mark.django_db(transaction=True)
def test_a_sampler_that_fails_does_not_end_the_training(process, job, tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "virtual_memory", lambda: 1 / 0)
    sampler = Sampler(job, process[0].pid, tmp_path, "cpu")
    with sampler:
        sampler._thread.join()
    assert not job.usage_rows.exists()


def fill(job, seconds, kept=None, cpu=100.0, begin=0):
    """Measurements of some seconds, one each 5."""
    kept = kept or Kept(job)
    for now in range(begin, begin + seconds, 5):
        kept.take(SAMPLE | {"cpu": cpu}, float(now))
    return kept


def test_what_is_kept_is_bounded_however_long_it_takes(job, monkeypatch):
    monkeypatch.setattr(usage, "MOST_ROWS", 20)
    kept = fill(job, 5_000)
    assert 10 <= job.usage_rows.count() <= 20
    assert kept.width == 320
    kept.write()
    assert sum(job.usage_rows.values_list("seconds", flat=True)) == 5_000
    assert {row.values["cpu"] for row in job.usage_rows.all()} == {100.0}


def test_it_writes_at_most_every_ten_seconds(job, django_assert_max_num_queries):
    kept = fill(job, 10)
    with django_assert_max_num_queries(0):
        kept.take(SAMPLE, 8.5)


def test_after_a_restart_rows_go_on_as_wide_as_they_were(job, monkeypatch):
    monkeypatch.setattr(usage, "MOST_ROWS", 20)
    width = fill(job, 1_000).width
    assert width > usage.WRITE_SECONDS
    assert Kept(job).width == width


def test_two_rows_become_one_with_the_mean_use_and_the_highest_memory(job):
    now = "2026-01-01T00:00:00Z"
    low, high = SAMPLE | {"gpus": [[10, 100, None]]}, SAMPLE | {"cpu": 200, "memory": 70, "gpus": [[30, 50, 80]]}
    TrainingUsage.objects.create(job=job, at=now, seconds=30, values=low)
    TrainingUsage.objects.create(job=job, at=now, seconds=10, values=high)
    usage.halve(job)
    row = job.usage_rows.get()
    assert (row.seconds, row.values["cpu"], row.values["memory"]) == (40, 125, 70)
    assert row.values["gpus"] == [[20, 100, 80]]


class FakeNvml:
    """Two GPUs; the second one does not tell its temperature."""

    NVML_TEMPERATURE_GPU = 0

    class NVMLError(Exception):
        pass

    def nvmlInit(self):
        return None

    def nvmlDeviceGetHandleByIndex(self, index):
        if index > 1:
            raise self.NVMLError("Invalid Argument")
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return {"GPU-b": 1}[uuid]

    def nvmlDeviceGetUtilizationRates(self, handle):
        return SimpleNamespace(gpu=90 + handle)

    def nvmlDeviceGetMemoryInfo(self, handle):
        return SimpleNamespace(used=(handle + 1) * 1000 * 2**20)

    def nvmlDeviceGetTemperature(self, handle, sensor):
        if handle == 1:
            raise self.NVMLError("Not Supported")
        return 71


@pytest.mark.parametrize(
    ("device", "visible", "told"),
    [
        ("auto", "", [[90, 1000, 71]]),
        ("0,1", "", [[90, 1000, 71], [91, 2000, None]]),
        ("0", "1", [[91, 2000, None]]),
        ("0", "GPU-b,GPU-a", [[91, 2000, None]]),
        ("5", "", []),
        ("cpu", "", []),
    ],
)
def test_the_gpus_of_the_jobs_device_are_told(monkeypatch, device, visible, told):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml())
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert Gpus(device).read() == told


def test_without_a_driver_there_is_nothing_to_tell(monkeypatch):
    fake = FakeNvml()
    monkeypatch.setattr(
        fake, "nvmlInit", lambda: (_ for _ in ()).throw(fake.NVMLError("Driver Not Loaded")), raising=False
    )
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    assert Gpus("0").read() == []
