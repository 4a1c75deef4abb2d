"""A database server that goes away: work is given back as if its worker had died, people are told to try again."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from apps.core import jobs, work
from apps.core.middleware import DatabaseAway
from apps.core.models import Job


@pytest.fixture
def lose_database(monkeypatch):
    """`lose_database()`: from now on this test's connection is dead, and no new one is made."""

    def lose():
        if connection.vendor == "postgresql":
            with pytest.raises(OperationalError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            raise_away()
        monkeypatch.setattr(connection, "vendor", "a server's")
        monkeypatch.setattr(connection, "is_usable", lambda: False)
        raise_away()

    def raise_away():
        raise OperationalError("server closed the connection unexpectedly")

    yield lose
    if connection.vendor == "postgresql":
        connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_job_whose_database_went_away_is_given_back_and_not_failed(alice, lose_database, monkeypatch):
    sent = []
    monkeypatch.setattr(work.current_app, "send_task", lambda name, args: sent.append(args))
    job = jobs.create_job(alice, "export", "export")
    jobs.run_job(job.pk, lambda job, report: lose_database())
    monkeypatch.undo()
    connection.close_if_unusable_or_obsolete()
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("running", "")
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
    assert work.give_back_stale(Job, jobs.MAX_ATTEMPTS) == (1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_call_says_that_it_is_away_and_when_to_ask_again(alice, api_as, monkeypatch, lose_database):
    caller = api_as(alice)
    monkeypatch.setattr("apps.core.api.jobs_visible_to", lambda user: lose_database())
    answer = caller.get("/api/v1/jobs")
    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "Try again" in answer.json()["detail"]


@pytest.mark.django_db(transaction=True)
def test_a_page_says_so_too(rf, lose_database):
    with pytest.raises(OperationalError) as error:
        lose_database()
    page = DatabaseAway(None).process_exception(rf.get("/datasets/"), error.value)
    assert (page.status_code, page["Retry-After"]) == (503, "2")
    assert b"Try again" in page.content


@pytest.mark.django_db
def test_other_errors_are_no_absence():
    for error in (OperationalError("database is locked"), ValueError("x")):
        assert not work.database_is_away(error)
