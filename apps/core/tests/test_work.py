"""The life of a row of long work: of two that race, exactly one wins."""

from datetime import timedelta

import pytest
import redis
from django.conf import settings as django_settings
from django.db import transaction
from django.utils import timezone

from apps.core import work
from apps.core.models import Job
from apps.core.work import WorkCancelled

TASK = "apps.core.tasks.no_such_task"


@pytest.fixture
def job(alice):
    return Job.objects.create(owner=alice, kind="export", task=TASK)


@pytest.fixture
def queue():
    """`queue()`: how many messages wait in the real broker's default queue."""
    server = redis.Redis(unix_socket_path=django_settings.VALKEY_SOCKET, db=0)
    server.delete("default")
    yield lambda: server.llen("default")
    server.delete("default")


def make_stale(job):
    long_ago = timezone.now() - timedelta(seconds=django_settings.JOB_STALE_SECONDS + 5)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=long_ago)


def sweep(max_attempts=3):
    return work.sweep(Job, lambda job: job.task, max_attempts)


def status_of(job):
    return Job.objects.get(pk=job.pk).status


def test_pending_row_is_claimed_once(job):
    claimed = work.claim(Job, job.pk)
    assert (claimed.status, claimed.attempts, bool(claimed.started_at)) == ("running", 1, True)
    assert work.claim(Job, job.pk) is None


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_ended_row_cannot_be_claimed_or_cancelled(job, status):
    Job.objects.filter(pk=job.pk).update(status=status)
    assert work.claim(Job, job.pk) is None
    assert not work.cancel(job)
    assert status_of(job) == status


def test_row_that_is_gone_cannot_be_claimed(db):
    assert work.claim(Job, 12345) is None


def test_cancel_before_finish_wins_alone(job):
    running = work.claim(Job, job.pk)
    assert work.cancel(job)
    assert not work.end(running, "completed", result={"secret": 1})
    job.refresh_from_db()
    assert (job.status, job.result) == ("cancelled", {})


def test_finish_before_cancel_wins_alone(job):
    running = work.claim(Job, job.pk)
    assert work.end(running, "completed")
    assert not work.cancel(job)
    assert status_of(job) == "completed"


def test_stale_row_goes_back_to_pending_and_to_the_queue(job, queue):
    work.claim(Job, job.pk)
    make_stale(job)
    assert sweep() == (1, 0)
    assert status_of(job) == "pending"
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    sweep()
    assert queue() == 1


def test_living_row_is_not_swept(job):
    work.claim(Job, job.pk)
    assert sweep() == (0, 0)
    assert status_of(job) == "running"


def test_row_that_lost_its_worker_too_often_fails_in_words(job):
    Job.objects.filter(pk=job.pk).update(attempts=2)
    work.claim(Job, job.pk)
    make_stale(job)
    assert sweep(max_attempts=3) == (0, 1)
    job.refresh_from_db()
    assert job.status == "failed"
    assert "worker" in job.error_message
    assert job.completed_at


def test_sweep_sends_what_was_never_sent_once(job, queue):
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(minutes=1))
    sweep()
    sweep()
    assert queue() == 1


def test_superseded_worker_can_write_nothing(job):
    dead = work.claim(Job, job.pk)
    make_stale(job)
    sweep()
    alive = work.claim(Job, job.pk)
    with pytest.raises(WorkCancelled):
        work.update_running(dead, message="I am back")
    work.hand_back(dead)
    assert not work.end(dead, "failed", error_message="mine")
    job.refresh_from_db()
    assert (job.status, job.message, job.error_message) == ("running", "", "")
    assert work.end(alive, "completed")


def test_row_handed_back_by_a_stopping_worker_keeps_its_attempts(job):
    work.hand_back(work.claim(Job, job.pk), count_attempt=False)
    job.refresh_from_db()
    assert (job.status, job.attempts, job.enqueued_at) == ("pending", 0, None)
    assert work.claim(Job, job.pk).attempts == 1


def test_cancel_wins_over_hand_back(job):
    running = work.claim(Job, job.pk)
    work.cancel(job)
    work.hand_back(running)
    assert status_of(job) == "cancelled"


@pytest.mark.parametrize("taken_back", [False, True])
def test_row_is_sent_only_when_its_transaction_is_kept(taken_back, job, queue, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        work.enqueue_on_commit(job, TASK)
        transaction.set_rollback(taken_back)
        assert queue() == 0
    assert queue() == (0 if taken_back else 1)


def test_row_waits_unsent_where_the_queue_is_away(job, monkeypatch):
    def away(*args, **kwargs):
        raise work.OperationalError("no broker")

    monkeypatch.setattr(work.current_app, "send_task", away)
    work.enqueue(job, TASK)
    job.refresh_from_db()
    assert (job.status, job.enqueued_at) == ("pending", None)


@pytest.mark.django_db(transaction=True)
def test_heartbeat_keeps_a_row_alive_and_notices_that_it_was_cancelled(job, monkeypatch):
    monkeypatch.setattr(work, "HEARTBEAT_SECONDS", 0.02)
    running = work.claim(Job, job.pk)
    make_stale(job)
    with work.Heartbeat(running) as heartbeat:
        for _ in range(200):
            if Job.objects.get(pk=job.pk).heartbeat_at > timezone.now() - timedelta(seconds=10):
                break
            heartbeat.lost.wait(0.02)
        assert sweep() == (0, 0)
        work.cancel(job)
        assert heartbeat.lost.wait(5)


@pytest.mark.parametrize("status", ["pending", "running"])
def test_paused_row_is_taken_from_its_worker_and_left_alone_until_it_is_resumed(job, status, monkeypatch):
    sent = []
    monkeypatch.setattr(work, "enqueue", lambda row, task: sent.append(row.pk))
    worker = work.claim(Job, job.pk) if status == "running" else job
    assert work.pause(job)
    assert not work.pause(job)
    assert work.claim(Job, job.pk) is None
    assert not work.end(worker, Job.Status.COMPLETED)
    make_stale(job)
    Job.objects.filter(pk=job.pk).update(created_at=timezone.now() - timedelta(hours=1))
    assert sweep() == (0, 0)
    assert (status_of(job), sent) == ("paused", [])
    assert not work.resume(job, ["failed"])
    assert work.resume(job, ["paused"], message="again")
    assert not work.resume(job, ["paused"])
    again = work.claim(Job, job.pk)
    assert (again.attempts, again.message) == (1, "again")
    if status == "running":  # the worker from before the pause writes nothing more, although the row runs again
        with pytest.raises(WorkCancelled):
            work.update_running(worker, progress=0.9)


def test_paused_row_can_be_cancelled_and_an_ended_one_not_paused(job):
    assert work.pause(job)
    assert work.cancel(job)
    assert not work.pause(job)
    assert not work.resume(job, ["paused"])
    assert status_of(job) == "cancelled"
