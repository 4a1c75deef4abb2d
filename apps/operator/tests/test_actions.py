import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts.jwts import PersonRefresh
from apps.accounts.models import User
from apps.accounts.services import ActivityRefused, create_token, deactivate_user
from apps.core.models import AuditEvent, Job
from conftest import person

JOBS, PEOPLE = "/admin/core/job/", "/admin/accounts/user/"
SWEEP = "apps.core.tasks.sweep_webhooks"


def act(browser, address, action, *rows):
    data = {"action": action, "_selected_action": [row.pk for row in rows]}
    return browser.post(address, data, follow=True).text


def a_job(owner, status, **more):
    return Job.objects.create(owner=owner, kind="export", task=SWEEP, status=status, **more)


def asked_with(credentials):
    return APIClient().get("/api/v1/datasets", HTTP_AUTHORIZATION=credentials).status_code


def status(job):
    job.refresh_from_db()
    return job.status


def test_operator_cancels_jobs_that_have_not_ended(page_as, operator, alice):
    waits, done = a_job(alice, "pending"), a_job(alice, "completed")
    assert "1 of 2 cancelled" in act(page_as(operator), JOBS, "cancel", waits, done)
    assert (status(waits), status(done)) == ("cancelled", "completed")
    event = AuditEvent.objects.get(verb="job cancelled")
    assert event.subject_id == str(waits.pk)
    assert event.detail == {"owner": "alice"}


@pytest.fixture
def sent(monkeypatch):
    """What goes to the queue."""
    found = []
    monkeypatch.setattr("apps.core.work.current_app.send_task", lambda task, args: found.append((task, args)))
    return found


def test_operator_requeues_what_failed_and_no_other(page_as, operator, alice, sent, django_capture_on_commit_callbacks):
    failed = a_job(alice, "failed", error_message="no", traceback="Traceback", attempts=3, progress=0.5)
    waits, running, done = a_job(alice, "pending"), a_job(alice, "running"), a_job(alice, "completed")
    expired = a_job(alice, "failed", expires_at=timezone.now())
    with django_capture_on_commit_callbacks(execute=True):
        text = act(page_as(operator), JOBS, "requeue", failed, waits, running, done, expired)
    assert "2 of 5 sent to their queue" in text
    assert "past its time" in text
    assert "this is completed" in text
    assert sorted(sent) == [(SWEEP, [failed.pk]), (SWEEP, [waits.pk])]
    assert (status(failed), failed.attempts, failed.traceback) == ("pending", 0, "")
    assert [status(job) for job in (waits, running, done, expired)] == ["pending", "running", "completed", "failed"]
    assert AuditEvent.objects.filter(verb="job requeued").count() == 2


def test_staff_without_rights_neither_sees_nor_steers_jobs(page_as, alice):
    job = a_job(alice, "pending")
    clerk = page_as(person("clerk", is_staff=True))
    assert clerk.post(JOBS, {"action": "cancel", "_selected_action": [job.pk]}).status_code == 403
    assert status(job) == "pending"


def test_job_page_shows_its_traceback(page_as, operator, alice):
    job = a_job(alice, "failed", traceback="Traceback\n  <line>")
    page = page_as(operator).get(f"{JOBS}{job.pk}/change/").text
    assert '<pre class="traceback">Traceback\n  &lt;line&gt;</pre>' in page


def test_deactivated_person_is_refused_at_once_by_every_way(page_as, operator, alice):
    _, key = create_token(alice, "robot", "read")
    refresh = PersonRefresh.for_user(alice)
    browser = page_as(alice)
    ways = {
        "token": lambda: asked_with(f"Token {key}"),
        "jwt": lambda: asked_with(f"Bearer {refresh.access_token}"),
        "session": lambda: browser.get("/account/").status_code,
    }
    assert {name: way() for name, way in ways.items()} == {"token": 200, "jwt": 200, "session": 200}
    assert "1 of 1 deactivated" in act(page_as(operator), PEOPLE, "deactivate", alice)
    assert {name: way() for name, way in ways.items()} == {"token": 401, "jwt": 401, "session": 302}
    assert "1 of 1 activated" in act(page_as(operator), PEOPLE, "activate", alice)
    assert {name: way() for name, way in ways.items()} == {"token": 200, "jwt": 401, "session": 302}
    verbs = AuditEvent.objects.filter(subject_name="alice").order_by("pk").values_list("verb", flat=True)
    assert [verb for verb in verbs if verb.startswith("person ")] == ["person deactivated", "person activated"]


def test_nobody_deactivates_themselves_or_the_last_operator(page_as, operator):
    assert "You cannot deactivate yourself" in act(page_as(operator), PEOPLE, "deactivate", operator)
    with pytest.raises(ActivityRefused, match="last operator"):
        deactivate_user(operator, None)
    operator.refresh_from_db()
    assert operator.is_active


def test_of_two_operators_who_deactivate_each_other_one_stays(operator):
    other = person("other", is_staff=True, is_superuser=True)
    assert deactivate_user(other, operator)
    with pytest.raises(ActivityRefused):
        deactivate_user(operator, other)
    assert User.objects.filter(is_superuser=True, is_active=True).get() == operator


def test_last_operator_is_neither_deleted_nor_made_a_person_like_others(page_as, operator):
    browser = page_as(operator)
    form = {"username": "operator", "email": operator.email, "is_staff": "on"}
    assert "This is the last operator" in browser.post(f"{PEOPLE}{operator.pk}/change/", form).text
    assert browser.post(f"{PEOPLE}{operator.pk}/delete/", {"post": "yes"}).status_code == 403
    act(browser, PEOPLE, "delete_selected", operator)
    operator.refresh_from_db()
    assert operator.is_superuser
