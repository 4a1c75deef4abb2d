"""Rate limits of the API: counted for a person, a token and an address, told in headers, refused in words."""

import uuid

import pytest

from apps.accounts import services
from apps.core import limits

CALL = "/api/v1/auth/me"


@pytest.fixture(autouse=True)
def apart(monkeypatch):
    """Counts of other tests, with the same ids, are not these; and no minute ends within a test."""
    real, name = limits.Limit, uuid.uuid4().hex
    monkeypatch.setattr(limits, "Limit", lambda kind, who, *more: real(f"{name}{kind}", who, *more))
    monkeypatch.setattr("apps.core.limits.time.time", lambda: 1_800_000_010.0)


def test_person_is_refused_beyond_the_limit_and_hears_when_it_ends(alice, bob, api_as, settings):
    settings.RATE_OF_USERS = 2
    answers = [api_as(alice).get(CALL) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]
    assert answers[0]["X-RateLimit-Limit"] == "2"
    assert int(answers[0]["X-RateLimit-Reset"]) == 1_800_000_060
    assert answers[2]["Retry-After"] == "50"
    assert "50 seconds" in answers[2].json()["detail"]
    assert api_as(bob).get(CALL).status_code == 200


def test_token_has_its_own_limit_and_counts_for_its_person(alice, client, api_as, settings):
    settings.RATE_OF_USERS, settings.RATE_OF_TOKENS = 3, 2
    keys = [services.create_token(alice, name)[1] for name in ("one", "two")]

    def call(key):
        return client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}").status_code

    assert [call(keys[0]) for _ in range(3)] == [200, 200, 429]
    assert call(keys[1]) == 429  # the person's three are spent
    assert api_as(alice).get(CALL).status_code == 429


@pytest.mark.django_db
def test_nobody_is_counted_by_address_whatever_a_header_says(client, settings):
    settings.RATE_OF_ADDRESSES = 2
    calls = [
        client.post("/api/v1/auth/verify", {"token": "x"}, REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=f"9.9.9.{n}")
        for n in range(3)
    ]
    assert [answer.status_code for answer in calls] == [401, 401, 429]
    assert client.post("/api/v1/auth/verify", {"token": "x"}, REMOTE_ADDR="10.0.0.2").status_code == 401


def test_zero_is_no_limit_and_no_header(alice, api_as, settings):
    settings.RATE_OF_USERS = 0
    assert "X-RateLimit-Limit" not in api_as(alice).get(CALL)


def test_two_limits_cost_one_round_trip(alice, client, settings, monkeypatch):
    from redis.client import Pipeline

    settings.RATE_OF_USERS = settings.RATE_OF_TOKENS = 10
    trips, real = [], Pipeline.execute
    monkeypatch.setattr(Pipeline, "execute", lambda self, *more: trips.append(len(self)) or real(self, *more))
    _, key = services.create_token(alice, "one")
    client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}")
    assert trips == [4]


def test_where_redis_is_away_nobody_is_refused_and_nobody_waits_for_it_twice(alice, api_as, settings, monkeypatch):
    settings.RATE_OF_USERS = 1
    settings.CACHES = {"default": settings.CACHES["default"] | {"LOCATION": "unix:///nowhere/valkey.sock"}}
    counter, tries = limits.Counter(), []
    monkeypatch.setattr(limits, "_counter", counter)
    connected = counter._connected
    monkeypatch.setattr(counter, "_connected", lambda: tries.append(1) or connected())
    assert [api_as(alice).get(CALL).status_code for _ in range(3)] == [200, 200, 200]
    assert len(tries) == 1
