"""What becomes of a job whose process or supervisor died: again, or an end in words."""

import json
import signal
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.models import Delivery
from apps.core.processes import EngineDied
from apps.core.webhooks import services as webhooks
from apps.core.work import WorkFailed
from apps.training import services
from apps.training.engine import reasons
from apps.training.services import run
from apps.training.services.oom import OomWatch, oom_kills

from .test_jobs import job, sent  # noqa: F401

# ruff: noqa: F811 (pytest takes the fixtures of other modules by name)


@pytest.mark.parametrize("broken", [OSError(28, "No space left on device"), MemoryError()])
def test_what_stops_the_supervisor_itself_has_words_too(job, monkeypatch, broken):
    monkeypatch.setattr(run.Supervision, "run", lambda self: (_ for _ in ()).throw(broken))
    services.run_training(job.pk)
    job.refresh_from_db()
    assert (job.status, job.ended_by) == ("failed", reasons.find_reason(broken).code)
    assert job.error_message == reasons.find_reason(broken).message


def test_webhooks_are_told_of_a_training_that_failed(job, monkeypatch):
    webhooks.create_webhook(job.user, "https://example.org/", ["training.failed"])
    monkeypatch.setattr(run.Supervision, "run", lambda self: (_ for _ in ()).throw(WorkFailed("No images.")))
    services.run_training(job.pk)
    assert [json.loads(row.body)["data"]["error"] for row in Delivery.objects.all()] == ["No images."]


def test_webhooks_are_told_of_a_training_whose_trainers_died(job, settings):
    webhooks.create_webhook(job.user, "https://example.org/", ["training.failed"])
    long_ago = timezone.now() - timedelta(hours=1)
    more = settings.TRAINING_MAX_RESTARTS + 1
    type(job).objects.filter(pk=job.pk).update(status="running", fruitless_starts=more, heartbeat_at=long_ago)
    for _ in range(2):
        services.sweep_training()
    assert Delivery.objects.get().event == "training.failed"


def killed(out_of_memory, progressed):
    death = EngineDied(-signal.SIGKILL, "")
    death.out_of_memory, death.progressed = out_of_memory, progressed
    return death


@pytest.mark.parametrize(
    ("deaths", "status", "words"),
    [
        ([killed(False, True)], "pending", "killed from outside"),
        ([killed(True, False)], "pending", "The machine ran out of memory"),
        ([killed(True, True), killed(True, True)], "pending", "The machine ran out of memory"),
        ([killed(True, True), killed(True, False)], "failed", "The machine ran out of memory"),
        ([killed(False, False)] * 4, "failed", "killed from outside"),
    ],
)
def test_a_killed_run_goes_on_but_not_for_ever_without_memory(job, settings, monkeypatch, deaths, status, words):
    settings.TRAINING_MAX_RESTARTS = 3
    for death in deaths:
        monkeypatch.setattr(run.Supervision, "run", lambda self, death=death: (_ for _ in ()).throw(death))
        services.run_training(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts) == (status, len(deaths))
    assert words in (job.error_message or job.logs)


def test_the_systems_own_counters_tell_a_kill_for_want_of_memory(tmp_path):
    group = tmp_path / "sys/fs/cgroup/yolo/memory.events"
    for path in (tmp_path / "proc/self", group.parent):
        path.mkdir(parents=True)
    (tmp_path / "proc/vmstat").write_text("nr_free_pages 12\noom_kill 3\n")
    (tmp_path / "proc/self/cgroup").write_text("0::/yolo\n")
    group.write_text("low 0\noom 5\noom_kill 5\n")
    watch = OomWatch(lambda: oom_kills(tmp_path))
    assert watch.killed() is False
    group.write_text("low 0\noom 6\noom_kill 6\n")
    assert watch.killed() is True
    assert OomWatch(lambda: oom_kills(tmp_path / "none")).killed() is None
    assert all(count is None or count >= 0 for count in oom_kills())
