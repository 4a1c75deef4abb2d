"""Rate limits of the API: counted for a person, a token and an address, told in headers, refused in words."""

import pytest

from apps.accounts import guessing, services
from apps.accounts.models import User
from apps.core import limits

CALL = "/api/v1/auth/me"


@pytest.fixture(autouse=True)
def apart(monkeypatch):
    """No minute ends within a test, and no other test's guesses are remembered."""
    monkeypatch.setattr("apps.core.limits.time.time", lambda: 1_800_000_010.0)
    monkeypatch.setattr(guessing, "_spent", {})
    monkeypatch.setattr(guessing, "_good", {})


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


def told(answer):
    return answer.status_code, answer.get("X-RateLimit-Remaining")


@pytest.mark.django_db
def test_calls_of_nobody_to_what_needs_a_sign_in_are_counted_and_refused(client, settings):
    settings.RATE_OF_ADDRESSES = 2
    answers = [client.get(CALL) for _ in range(3)]
    assert [told(answer) for answer in answers] == [(401, "1"), (401, "0"), (429, "0")]
    assert answers[2]["Retry-After"] == "50"
    assert client.get(CALL, REMOTE_ADDR="10.0.0.2").status_code == 401
    assert client.post("/api/v1/auth/verify", {"token": "x"}).status_code == 401  # what is open counts apart


@pytest.mark.parametrize("scheme", ["Token", "Bearer"])
@pytest.mark.parametrize("call", [CALL, "/api/v1/predictions/infer"])
def test_guessing_keys_is_bounded(scheme, call, alice, client, settings):
    settings.RATE_OF_ADDRESSES = 2
    answers = [client.post(call, HTTP_AUTHORIZATION=f"{scheme} guess-{n}") for n in range(3)]
    assert [told(answer) for answer in answers] == [(401, "1"), (401, "0"), (429, "0")]


def test_a_right_guess_beyond_the_limit_is_not_even_looked_at(alice, client, settings, django_assert_num_queries):
    settings.RATE_OF_ADDRESSES = 1
    _, key = services.create_token(alice, "one")
    for n in range(2):
        client.get(CALL, HTTP_AUTHORIZATION=f"Token guess-{n}")
    with django_assert_num_queries(0):
        refused = client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}")
    assert (told(refused), refused["Retry-After"]) == ((429, "0"), "50")
    assert client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}", REMOTE_ADDR="10.0.0.2").status_code == 200


def test_a_program_that_works_goes_on_beside_one_that_guesses(alice, client, api_as, settings, monkeypatch):
    settings.RATE_OF_ADDRESSES = 1
    row, key = services.create_token(alice, "one")
    assert client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}").status_code == 200
    for n in range(2):
        client.get(CALL, HTTP_AUTHORIZATION=f"Token guess-{n}")
    assert client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}").status_code == 200
    services.revoke_token(row)
    assert client.get(CALL, HTTP_AUTHORIZATION=f"Token {key}").status_code == 429
    _, other = services.create_token(alice, "two")
    monkeypatch.setattr("apps.core.limits.time.time", lambda: 1_800_000_061.0)
    assert client.get(CALL, HTTP_AUTHORIZATION=f"Token {other}").status_code == 200


def test_what_a_scope_forbids_counts_for_its_person(alice, client, settings):
    settings.RATE_OF_USERS = 1
    _, key = services.create_token(alice, "one", scope="read")
    answers = [client.post("/api/v1/datasets", HTTP_AUTHORIZATION=f"Token {key}") for _ in range(2)]
    assert [told(answer) for answer in answers] == [(403, "0"), (429, "0")]


def test_a_refusal_is_counted_once(alice, client, settings):
    settings.RATE_OF_ADDRESSES = 10
    settings.RATE_OF_USERS = 10
    assert told(client.post("/api/v1/auth/verify", {"token": "x"})) == (401, "9")
    _, key = services.create_token(alice, "one")
    assert told(client.get("/api/v1/datasets/999", HTTP_AUTHORIZATION=f"Token {key}")) == (404, "9")


def test_what_is_remembered_of_addresses_and_keys_is_bounded(monkeypatch):
    monkeypatch.setattr(guessing, "MOST", 3)
    for n in range(8):
        guessing.note_good(str(n))
        guessing.note_spent(limits.Taken(limits.Limit("refused", str(n), 1), 2, 0))
    assert len(guessing._good) <= 3
    assert len(guessing._spent) <= 3


PAGES = [
    "/account/register",
    "/account/sign-in",
    "/account/sign-in/code",
    "/account/forgotten",
    "/account/reset/x/y",
    "/account/second-step/confirm",
    "/account/second-step/codes",
    "/account/second-step/off",
    "/account/password",
    "/account/verify",
]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.django_db
def test_pages_where_one_may_guess_are_held_to_the_rate_of_signing_in(page, client, settings):
    settings.SIGN_IN_RATE = (2, 60)
    answers = [client.post(page, {}, HTTP_X_FORWARDED_FOR=f"9.9.9.{n}") for n in range(3)]
    assert [answer.status_code < 400 for answer in answers] == [True, True, False]
    assert told(answers[0])[1] == "1"
    assert told(answers[2]) == (429, "0")
    assert answers[2]["Retry-After"] == "50"
    assert "Wait 50 seconds, go back and send it again." in answers[2].text
    assert client.get("/account/sign-in").status_code == 200  # looking is free


def test_accounts_are_not_made_by_the_dozen(client, db, settings):
    settings.SIGN_IN_RATE = (3, 60)
    for n in range(5):
        names = {"username": f"robot{n}", "email": f"robot{n}@example.org"}
        client.post("/account/register", names | {"password1": "long-enough-7", "password2": "long-enough-7"})
        client.logout()
    assert User.objects.count() == 3
    answer = client.post("/api/v1/auth/register", {"username": "robot9"}, content_type="application/json")
    assert answer.status_code == 429  # one count for pages and API
    assert client.post("/account/sign-in", {}).status_code == 429


def test_signing_in_over_the_api_tells_how_many_tries_are_left(alice, client, settings):
    settings.SIGN_IN_RATE = (3, 3600)
    right = {"username": "alice", "password": "alice-password"}
    answers = [client.post("/api/v1/auth/login", right) for _ in range(4)]
    assert [told(answer) for answer in answers] == [(200, "2"), (200, "1"), (200, "0"), (429, "0")]
    assert answers[0]["X-RateLimit-Limit"] == "3"
