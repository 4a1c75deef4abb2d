"""What was asked reaches the database whole: from several threads, after failures, and of what is gone."""

import threading
from datetime import UTC

import pytest
from django.db import OperationalError, connection, connections

from apps.accounts.services import create_token, revoke_token
from apps.inference import after
from apps.inference.models import TokenUsage, Traffic
from apps.inference.monitoring import counting, storing
from apps.inference.monitoring.storing import Day, Key, store

pytestmark = pytest.mark.django_db


def test_questions_of_one_minute_are_one_row(asked, counted, deployment, clock):
    counted([asked(deployment=deployment), asked(status=503, deployment=deployment)])
    counted([asked(((0, 0.9), (1, 0.3)), deployment=deployment)])
    row = Traffic.objects.get()
    assert (row.requests, row.errors, row.step) == (3, 1, "minute")
    assert row.start == clock.now.replace(second=0)
    assert row.counts["statuses"] == {"200": 2, "503": 1}
    assert row.counts["classes"] == {"0": 2, "1": 1}
    assert row.counts["confidence"] == {"18": 2, "6": 1}


def test_minutes_deployments_and_direct_questions_are_rows_of_their_own(asked, counted, deployment, clock):
    counted([asked(deployment=deployment), asked()])
    clock.forward(minutes=1)
    counted([asked(deployment=deployment), asked()])
    assert sorted(Traffic.objects.values_list("deployment_id", "requests"), key=str) == [
        (deployment.pk, 1), (deployment.pk, 1), (None, 1), (None, 1),
    ]  # fmt: skip


def test_a_tokens_day_is_counted(asked, counted, alice, clock):
    token, _ = create_token(alice, "robot")
    counted([asked(token=token), asked(token=token, status=400), asked(token=token, status=429), asked()])
    row = TokenUsage.objects.get()
    assert (row.requests, row.errors, row.refused, row.spent) == (3, 1, 1, 2)
    assert (row.user, row.token_name, row.day) == (alice, "robot", clock.now.astimezone(UTC).date())


def test_the_usage_of_a_revoked_token_stays(asked, counted, alice):
    token, _ = create_token(alice, "robot")
    counted([asked(token=token)])
    revoke_token(token)
    assert TokenUsage.objects.get().token is None


def test_what_was_deleted_meanwhile_fails_nothing_of_the_rest(asked, counted, deployment, alice):
    token, _ = create_token(alice, "robot")
    gone, revoked = asked(deployment=deployment), asked(token=token)
    deployment.delete()
    revoke_token(token)
    counted([gone, revoked])
    assert [(row.deployment_id, row.requests) for row in Traffic.objects.all()] == [(None, 1)]
    assert not TokenUsage.objects.exists()


def test_a_database_that_is_away_costs_nothing_that_was_counted(asked, counted, alice, monkeypatch):
    token, _ = create_token(alice, "robot")
    with monkeypatch.context() as patched:

        def away(*args):
            raise OperationalError("it is away")

        patched.setattr(counting, "store", away)
        counted([asked(token=token)])
        counted([asked(token=token)])
    assert not Traffic.objects.exists()
    counting.flush()
    assert (Traffic.objects.get().requests, TokenUsage.objects.get().requests) == (2, 2)


def test_storing_is_all_or_nothing(asked, counted, alice, monkeypatch):
    token, _ = create_token(alice, "robot")
    monkeypatch.setattr(storing, "_add_usage", lambda usage: 1 / 0)
    counted([asked(token=token)])
    assert not Traffic.objects.exists()
    monkeypatch.undo()


def test_queries_do_not_grow_with_the_number_of_questions(
    asked, counted, deployment, django_assert_max_num_queries, clock
):
    counted([asked(deployment=deployment)])
    with django_assert_max_num_queries(8):
        counted([asked(deployment=deployment)] * 50)


def test_answers_are_told_to_the_listener_in_the_thread_behind(asked, monkeypatch):
    """The thread of `after` takes what `tell` is given to whoever listens."""
    heard = []
    monkeypatch.setattr(after, "LISTENERS", [heard.extend])
    after.tell(asked())
    after.settle()
    assert len(heard) == 1


def test_the_platform_listens(nobody_listens):
    assert counting.count in nobody_listens


def test_eight_threads_lose_nothing(threads_database, trained_model, deployment, alice, clock):
    """Each stores through a connection of its own, as the web processes do."""
    token, _ = create_token(alice, "robot")
    keys = [
        Key(deployment_id, trained_model.pk, "minute", clock.now.replace(second=0))
        for deployment_id in (None, deployment.pk)
    ]
    day, failed, threads, times = Day(token.pk, clock.now.date()), [], 8, 12

    def work():
        try:
            for _ in range(times):
                store(
                    {key: {"statuses": {"200": 2, "503": 1}, "classes": {"0": 3}} for key in keys},
                    {day: {"requests": 3, "errors": 1, "refused": 0}},
                )
        except Exception as error:
            failed.append(error)
        finally:
            connections.close_all() if connection.vendor != "sqlite" else connection.close()

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert failed == []
    for row in Traffic.objects.all():
        assert (row.requests, row.errors) == (3 * threads * times, threads * times)
        assert row.counts == {"statuses": {"200": 192, "503": 96}, "classes": {"0": 288}}
    assert Traffic.objects.count() == 2
    assert TokenUsage.objects.get().requests == 3 * threads * times
