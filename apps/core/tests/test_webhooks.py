"""Webhooks: told in the transaction of what happened, signed, retried, logged, switched off."""

import hashlib
import hmac
import ipaddress
import json
from datetime import timedelta

import pytest
from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.core import work
from apps.core.jobs import create_job, run_job, tell_of_end
from apps.core.models import Delivery, Job, Webhook
from apps.core.tests.receiver import receiving
from apps.core.webhooks import delivering, services
from apps.core.webhooks.events import EVENTS
from apps.core.webhooks.telling import tell
from apps.core.work import WorkFailed

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loopback(settings):
    settings.OUTGOING_PRIVATE_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def sent(monkeypatch):
    """What was put into the queue: (task, arguments)."""
    tasks = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args=(), **kw: tasks.append((name, args)))
    return tasks


@pytest.fixture
def receiver():
    with receiving() as server:
        yield server


@pytest.fixture
def hook(alice, receiver):
    return services.create_webhook(alice, receiver.url, ["training.finished", "import.finished", "import.failed"])


def told(hook, event="training.finished", **data):
    """A delivery of an event, written and due."""
    tell(event, Job(owner=hook.owner, team=hook.team), data)
    return Delivery.objects.order_by("created_at").last()


def due_now(row):
    Delivery.objects.filter(pk=row.pk).update(due_at=timezone.now())


def test_only_hooks_of_the_owner_that_want_the_event_are_told(hook, alice, bob, sent):
    other = services.create_webhook(bob, hook.url, ["training.finished"])
    off = services.create_webhook(alice, hook.url, ["training.finished"])
    services.update_webhook(off, off.owner, is_active=False)
    tell("training.finished", Job(owner=alice), {"training_id": 3})
    tell("model.deployed", Job(owner=alice), {})
    assert [row.webhook_id for row in Delivery.objects.all()] == [hook.pk]
    assert not other.deliveries.exists()


def test_who_has_left_a_team_is_told_nothing_more_of_its_work(hook, alice, team, sent):
    values = {"kind": "import", "task": "none", "status": "completed"}
    job = Job.objects.create(owner=alice, team=team, **values)
    tell_of_end(job)
    assert not Delivery.objects.exists()
    team.memberships.create(user=alice, role="viewer")
    tell_of_end(Job.objects.get(pk=job.pk))  # whose owner is read anew
    assert Delivery.objects.get().event == "import.finished"


def test_what_is_rolled_back_is_not_told(hook, alice, sent):
    with transaction.atomic():
        tell("training.finished", Job(owner=alice), {})
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_it_is_sent_when_the_transaction_commits(hook, alice, sent, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        row = told(hook)
        assert sent == []
    assert sent == [("apps.core.tasks.deliver_webhook", [str(row.pk)])]


def test_a_queue_that_is_away_costs_nothing_for_the_sweep_sends_it_later(
    hook, monkeypatch, django_capture_on_commit_callbacks, sent
):
    def away(*args, **kwargs):
        raise OperationalError("away")

    with monkeypatch.context() as patch, django_capture_on_commit_callbacks(execute=True):
        patch.setattr(current_app, "send_task", away)
        row = told(hook)
    assert delivering.sweep() == 1
    assert sent == [("apps.core.tasks.deliver_webhook", [str(row.pk)])]
    assert delivering.sweep() == 0  # it is on its way


def test_it_arrives_signed(hook, receiver, sent):
    row = told(hook, training_id=3)
    delivering.deliver(row.pk)
    _, headers, body = receiver.got[0]
    parts = dict(part.split("=") for part in headers["Webhook-Signature"].split(","))
    expected = hmac.new(hook.secret.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert parts["v1"] == expected
    assert abs(int(parts["t"]) - timezone.now().timestamp()) < 60
    assert headers["Webhook-Id"] == str(row.pk) == json.loads(body)["id"]
    assert headers["Webhook-Event"] == json.loads(body)["event"] == "training.finished"
    assert json.loads(body)["data"] == {"training_id": 3}
    row.refresh_from_db()
    assert (row.status, row.last["status"], row.last["answered"]) == ("delivered", 200, "thanks")


def test_a_second_worker_with_the_same_message_sends_nothing(hook, receiver, sent):
    row = told(hook)
    delivering.deliver(row.pk)
    delivering.deliver(row.pk)
    assert len(receiver.got) == 1


def test_a_worker_that_died_in_an_attempt_loses_its_claim(hook, receiver, sent):
    row = told(hook)
    Delivery.objects.update(due_at=timezone.now() + delivering.CLAIM, tries=1)  # claimed, and killed
    delivering.deliver(row.pk)
    assert receiver.got == []
    Delivery.objects.update(due_at=timezone.now(), enqueued_at=timezone.now() - delivering.RESEND * 2)
    assert delivering.sweep() == 1
    delivering.deliver(row.pk)
    assert len(receiver.got) == 1


def test_a_failed_attempt_is_made_again_with_growing_pauses_until_it_is_given_up(hook, receiver, sent):
    receiver.answer = 500
    row = told(hook)
    pauses = []
    for _ in range(len(delivering.PAUSES) + 1):
        due_now(row)
        delivering.deliver(row.pk)
        row.refresh_from_db()
        if row.due_at:
            pauses.append((row.due_at - timezone.now()).total_seconds())
    assert (row.status, row.due_at, len(row.attempts)) == ("failed", None, 8)
    assert pauses == sorted(pauses)
    assert [round(pause) >= least for pause, least in zip(pauses, delivering.PAUSES, strict=True)] == [True] * 7
    assert len({headers["Webhook-Id"] for _, headers, _ in receiver.got}) == 1
    assert "500" in row.last["error"]


def test_an_attempt_that_arrives_ends_the_count_of_failures(hook, receiver, sent):
    receiver.answer = 500
    row = told(hook)
    delivering.deliver(row.pk)
    hook.refresh_from_db()
    assert hook.failures == 1
    assert hook.failing_since
    receiver.answer = 204
    due_now(row)
    delivering.deliver(row.pk)
    hook.refresh_from_db()
    assert (hook.failures, hook.failing_since) == (0, None)


def test_many_failures_over_an_hour_switch_it_off_and_its_owner_is_told_by_mail(
    hook, receiver, sent, settings, mailoutbox, django_capture_on_commit_callbacks
):
    settings.WEBHOOK_MAX_FAILURES, settings.MAIL_IS_SENT = 3, True
    receiver.answer = 410
    row = told(hook)
    for _ in range(3):
        due_now(row)
        delivering.deliver(row.pk)
    hook.refresh_from_db()
    assert hook.is_active  # for it has failed for a moment only
    Webhook.objects.update(failing_since=timezone.now() - timedelta(hours=2))
    due_now(row)
    with django_capture_on_commit_callbacks(execute=True):
        delivering.deliver(row.pk)
    hook.refresh_from_db()
    assert not hook.is_active
    assert "410" in hook.disabled_because
    assert [mail.to for mail in mailoutbox] == [[hook.owner.email]]
    services.update_webhook(hook, hook.owner, is_active=True)
    assert (hook.failures, hook.disabled_because) == (0, "")


def test_what_waits_for_a_hook_that_is_off_is_given_up(hook, receiver, sent):
    row = told(hook)
    services.update_webhook(hook, hook.owner, is_active=False)
    delivering.deliver(row.pk)
    row.refresh_from_db()
    assert (row.status, receiver.got) == ("failed", [])


def test_a_redirect_is_a_failure_that_says_what_to_do(hook, receiver, sent):
    receiver.answer = 302
    row = told(hook)
    delivering.deliver(row.pk)
    row.refresh_from_db()
    assert "give the address that it leads to" in row.last["error"]


def test_a_private_address_is_not_asked_and_the_log_says_so(hook, receiver, sent, settings):
    row = told(hook)
    settings.OUTGOING_PRIVATE_NETWORKS = []
    delivering.deliver(row.pk)
    row.refresh_from_db()
    assert receiver.got == []
    assert "private or local" in row.last["error"]


def test_sending_again_sends_the_same_body_under_the_same_id(hook, receiver, sent):
    row = told(hook)
    delivering.deliver(row.pk)
    services.replay(row)
    delivering.deliver(row.pk)
    (_, first, body), (_, second, again) = receiver.got
    assert (first["Webhook-Id"], body) == (second["Webhook-Id"], again)
    row.refresh_from_db()
    assert (row.status, len(row.attempts)) == ("delivered", 2)


def test_what_is_being_sent_is_not_sent_again(hook, sent):
    row = told(hook)
    with pytest.raises(services.WebhookRefused, match="right now"):
        services.replay(row)


def test_a_test_is_tried_once_and_not_counted_as_failure(hook, receiver, sent):
    receiver.answer = 500
    services.update_webhook(hook, hook.owner, is_active=False)
    row = services.send_test(hook)
    delivering.deliver(row.pk)
    row.refresh_from_db()
    hook.refresh_from_db()
    assert (row.status, row.event, hook.failures, len(receiver.got)) == ("failed", "test", 0, 1)


def test_old_deliveries_go_and_what_waits_stays(hook, receiver, sent):
    old, waiting = told(hook), told(hook)
    delivering.deliver(old.pk)
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    assert delivering.expire_log() == 1
    assert [row.pk for row in Delivery.objects.all()] == [waiting.pk]


def test_the_number_of_webhooks_of_a_person_is_bounded(hook, alice, monkeypatch):
    monkeypatch.setattr(services, "MOST", 1)
    with pytest.raises(services.WebhookRefused, match="as many as"):
        services.create_webhook(alice, hook.url, ["training.finished"])


@pytest.mark.parametrize("kind", ["import", "export", "model export"])
def test_the_end_of_a_job_is_told(hook, alice, sent, kind):
    services.update_webhook(hook, hook.owner, events=["import.finished", "export.finished"])
    job = create_job(alice, kind, "some.task")
    run_job(job.pk, lambda job, report: {"figures": {"images": 3}})
    row = Delivery.objects.get()
    assert row.event == ("import.finished" if kind == "import" else "export.finished")
    assert json.loads(row.body)["data"]["figures"] == {"images": 3}


def test_the_failure_of_a_job_is_told_with_its_reason(hook, alice, sent):
    def fail(job, report):
        raise WorkFailed("The archive is empty.")

    run_job(create_job(alice, "import", "some.task").pk, fail)
    row = Delivery.objects.get()
    assert (row.event, json.loads(row.body)["data"]["error"]) == ("import.failed", "The archive is empty.")


def test_other_jobs_are_not_told(hook, alice, sent):
    run_job(create_job(alice, "validation", "some.task").pk, lambda job, report: {})
    assert not Delivery.objects.exists()


def test_a_job_whose_workers_died_is_told_once(hook, alice, sent):
    job = create_job(alice, "import", "some.task")
    long_ago = timezone.now() - timedelta(hours=1)
    Job.objects.filter(pk=job.pk).update(status="running", attempts=3, heartbeat_at=long_ago)
    for _ in range(2):
        work.sweep(Job, lambda job: job.task, 3, tell_of_end)
    assert [row.event for row in Delivery.objects.all()] == ["import.failed"]


def test_the_sample_of_the_documentation_accepts_what_is_sent_and_nothing_else(hook, receiver, sent, settings):
    text = (settings.BASE_DIR / "docs" / "webhooks.md").read_text()
    sample = {}
    exec(text.split("```python")[1].split("```")[0], sample)  # noqa: S102 (our own page)
    delivering.deliver(told(hook).pk)
    _, headers, body = receiver.got[0]
    is_genuine, signature = sample["is_genuine"], headers["Webhook-Signature"]
    assert is_genuine(hook.secret, signature, body)
    assert not is_genuine("whsec_other", signature, body)
    assert not is_genuine(hook.secret, signature, body + b" ")
    assert not is_genuine(hook.secret, signature, body, now=timezone.now().timestamp() + 600)


def test_the_documentation_names_every_event(settings):
    text = (settings.BASE_DIR / "docs" / "webhooks.md").read_text()
    assert [event for event in EVENTS if f"`{event}`" not in text] == []
