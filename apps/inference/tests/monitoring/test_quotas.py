"""Quotas: one count for all processes, that outlives them and Redis, and what a caller is told."""

import threading

import pytest
from django.core.cache import cache

from apps.inference import quotas
from apps.inference.models import TokenUsage
from apps.inference.monitoring import counting
from apps.inference.runtime import BadImage
from conftest import upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_quotas", "clock")]
INFER = "/api/v1/predictions/infer"


def ask(api, model):
    return api.post(INFER, {"image": upload(), "model_id": model.pk}, format="multipart")


@pytest.fixture
def away(settings):
    """No Redis answers where the settings say that it is."""
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock?db=1"}}


def test_each_answer_says_what_is_left_and_the_first_beyond_is_refused(robot, answers, trained_model, clock):
    _, api = robot(requests_per_day=2)
    first, second, third = (ask(api, trained_model) for _ in range(3))
    assert [one.status_code for one in (first, second, third)] == [200, 200, 429]
    assert [one["X-RateLimit-Remaining"] for one in (first, second, third)] == ["1", "0", "0"]
    assert first["X-RateLimit-Limit"] == "2"
    midnight = clock.now.replace(hour=0, minute=0, second=0).timestamp() + 24 * 3600
    assert int(first["X-RateLimit-Reset"]) == midnight
    assert int(third["Retry-After"]) == midnight - clock.now.timestamp() + 1
    assert "2 times a day" in third.json()["detail"]
    assert "2026-03-15 00:00 UTC" in third.json()["detail"]


def test_the_next_day_begins_anew(robot, answers, trained_model, clock):
    _, api = robot(requests_per_day=1)
    assert [ask(api, trained_model).status_code for _ in range(2)] == [200, 429]
    clock.forward(hours=12)
    assert ask(api, trained_model).status_code == 200


def test_tokens_without_a_quota_and_people_are_not_counted(robot, answers, trained_model, api_as, alice):
    _, api = robot()
    for answer in (ask(api, trained_model), ask(api_as(alice), trained_model)):
        assert answer.status_code == 200
        assert "X-RateLimit-Limit" not in answer
    assert quotas._counter._client is None  # nobody asked Redis


def test_a_question_that_cannot_be_answered_says_what_is_left_too(robot, answers, trained_model, monkeypatch):
    def bad(*args, **options):
        raise BadImage("Not an image.")

    monkeypatch.setattr("apps.inference.services.predict", bad)
    _, api = robot(requests_per_day=5)
    answer = ask(api, trained_model)
    assert (answer.status_code, answer["X-RateLimit-Remaining"]) == (400, "4")


def test_a_refused_question_is_an_error_of_its_own_in_usage(robot, answers, trained_model):
    token, api = robot(requests_per_day=1)
    for _ in range(3):
        ask(api, trained_model)
    counting.flush()
    row = TokenUsage.objects.get(token=token)
    assert (row.requests, row.refused, row.errors, row.spent) == (3, 2, 0, 1)


def spend(counter, token, clock):
    return counter.next(token.pk, clock.now.date(), token.requests_per_day)


def test_two_processes_have_one_count(robot, clock):
    token, _ = robot(requests_per_day=5)
    one, other = quotas.Counter(), quotas.Counter()
    assert [spend(counter, token, clock) for counter in (one, other, one, other, one, other)] == [1, 2, 3, 4, 5, 6]


def test_many_at_once_get_exactly_the_quota(robot, clock):
    """32 questions at once to eight processes, for a quota of 20."""
    token, _ = robot(requests_per_day=20)
    numbers, counters = [], [quotas.Counter() for _ in range(8)]
    spend(counters[0], token, clock)  # of a count that is there no process asks the database

    def work(counter):
        for _ in range(4):
            numbers.append(spend(counter, token, clock))

    threads = [threading.Thread(target=work, args=[counter]) for counter in counters]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(n for n in numbers if n <= 20) == list(range(2, 21))


def test_the_count_survives_a_restart_of_web_and_redis(robot, answers, trained_model, clock, monkeypatch):
    token, api = robot(requests_per_day=3)
    assert [ask(api, trained_model).status_code for _ in range(2)] == [200, 200]
    monkeypatch.setattr(quotas, "_counter", quotas.Counter())
    assert quotas.used(token, clock.now.date()) == 2
    counting.flush()
    cache.clear()
    assert [ask(api, trained_model).status_code for _ in range(2)] == [200, 429]


def test_refused_questions_do_not_eat_a_quota_that_is_raised(robot, clock):
    token, _ = robot(requests_per_day=1)
    for _ in range(10):
        spend(quotas._counter, token, clock)
    token.requests_per_day = 3
    assert [spend(quotas._counter, token, clock) for _ in range(3)] == [2, 3, 4]


def test_without_redis_questions_are_answered_and_counted_by_the_database(robot, answers, trained_model, clock, away):
    token, api = robot(requests_per_day=4)
    TokenUsage.objects.create(user=token.user, token=token, token_name="robot", day=clock.now.date(), requests=2)
    assert [ask(api, trained_model).status_code for _ in range(3)] == [200, 200, 429]


def test_a_redis_that_comes_back_learns_what_was_counted_without_it(robot, clock, settings, monkeypatch):
    token, _ = robot(requests_per_day=4)
    counter = quotas.Counter()
    assert spend(counter, token, clock) == 1
    counter._away_until = float("inf")
    TokenUsage.objects.create(user=token.user, token=token, token_name="robot", day=clock.now.date(), requests=1)
    assert [spend(counter, token, clock) for _ in range(2)] == [2, 3]
    counter._away_until = 0.0
    assert [spend(counter, token, clock) for _ in range(2)] == [4, 5]
    assert spend(quotas.Counter(), token, clock) == 5


def test_a_redis_that_is_away_is_not_asked_for_each_question(robot, clock, away, monkeypatch):
    token, _ = robot(requests_per_day=100)
    counter, tries = quotas.Counter(), []
    ask_redis = counter._in_redis
    monkeypatch.setattr(counter, "_in_redis", lambda *args: tries.append(1) or ask_redis(*args))
    monkeypatch.setattr(quotas.time, "monotonic", lambda: 1000.0)
    for _ in range(5):
        spend(counter, token, clock)
    assert len(tries) == 1


def test_the_database_is_asked_seldom_while_redis_is_away(robot, clock, away, monkeypatch, django_assert_num_queries):
    token, _ = robot(requests_per_day=100)
    counter = quotas.Counter()
    monkeypatch.setattr(quotas.time, "monotonic", lambda: 1000.0)
    with django_assert_num_queries(1):
        assert [spend(counter, token, clock) for _ in range(4)] == [1, 2, 3, 4]
