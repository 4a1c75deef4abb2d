"""Signing in: by username or email, in any case; a refusal says nothing about which part was wrong."""

import json

import pytest

from apps.accounts.models import User

NAMES = ["alice", "ALICE", "alice@example.org", "Alice@Example.ORG"]


def by_page(client, username, password):
    return client.post("/account/sign-in", {"username": username, "password": password})


def by_api(api_as, **data):
    return api_as().post("/api/v1/auth/login", {"password": "alice-password", **data})


@pytest.mark.parametrize("name", NAMES)
def test_page_takes_username_or_email_in_any_case(name, alice, client):
    assert by_page(client, name, "alice-password").status_code == 302
    assert client.session["_auth_user_id"] == str(alice.pk)


@pytest.mark.parametrize("field", ["username", "email"])
@pytest.mark.parametrize("name", NAMES)
def test_login_takes_username_or_email_in_any_case(name, field, alice, api_as):
    found = by_api(api_as, **{field: name}).json()
    assert found.keys() == {"access", "refresh", "token_type", "expires_in"}
    assert (found["token_type"], found["expires_in"]) == ("bearer", 3600)


def test_refusal_is_the_same_for_a_wrong_password_an_unknown_name_and_an_inactive_person(alice, bob, client, api_as):
    User.objects.filter(pk=bob.pk).update(is_active=False)
    tries = [("alice", "wrong"), ("nobody", "alice-password"), ("no@example.org", "x"), ("bob", "bob-password")]
    answers = [by_api(api_as, username=name, password=password) for name, password in tries]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0]["WWW-Authenticate"] == "Bearer"
    pages = [by_page(client, name, password) for name, password in tries]
    assert len({str(page.context["form"].non_field_errors()) for page in pages}) == 1
    assert "_auth_user_id" not in client.session


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"password": "x"}, "username"),
        ({"username": "alice"}, "password"),
        ({"username": "", "email": "", "password": "x"}, "username"),
        ({"username": {"$ne": 1}, "password": "x"}, "username"),
        ({"username": "alice", "password": ["x"]}, "password"),
        ({"username": "a\x00b", "password": "x"}, "username"),
        ({"username": "a\ud800b", "password": "x"}, "username"),
    ],
)
def test_incomplete_login_names_what_is_missing(data, field, api_as):
    body = json.dumps(data)
    response = api_as().generic("POST", "/api/v1/auth/login", body, content_type="application/json")
    assert (response.status_code, field in response.json()) == (400, True)


@pytest.mark.django_db
def test_unknown_name_costs_a_hash_like_a_known_one(alice, api_as, monkeypatch):
    """Else the time of the answer would tell which names exist."""
    hashed = []
    real = User.set_password
    monkeypatch.setattr(User, "set_password", lambda self, password: hashed.append(password) or real(self, password))
    by_api(api_as, username="nobody", password="x")
    assert hashed == ["x"]


def test_person_made_inactive_is_out_at_once(alice, page_as, api_as):
    browser = page_as(alice)
    pair = by_api(api_as, username="alice").json()
    User.objects.update(is_active=False)
    assert browser.get("/datasets/").status_code == 302
    assert api_as().get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {pair['access']}").status_code == 401
    assert api_as().post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401


def test_guessing_is_slowed_down_and_the_guesser_hears_for_how_long(api_as, monkeypatch, settings, alice):
    settings.SIGN_IN_RATE = (2, 60)
    monkeypatch.setattr("apps.core.limits.time.time", lambda: 1_800_000_010.0)  # no minute ends within the test
    answers = [by_api(api_as, username="alice", password="wrong") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert answers[2]["Retry-After"] == "50"
    assert [answer["X-RateLimit-Limit"] for answer in answers] == ["2"] * 3
    assert [answer["X-RateLimit-Remaining"] for answer in answers] == ["1", "0", "0"]


def test_sign_out_ends_the_session(alice, page_as):
    browser = page_as(alice)
    assert browser.post("/account/sign-out").status_code == 302
    assert browser.get("/datasets/").status_code == 302


def test_sign_in_leads_on_to_our_own_pages_only(alice, client):
    data = {"username": "alice", "password": "alice-password"}
    assert client.post("/account/sign-in?next=/datasets/", data).headers["Location"] == "/datasets/"
    client.logout()
    data["next"] = "https://elsewhere.example/"
    assert client.post("/account/sign-in", data).headers["Location"] == "/"


@pytest.mark.parametrize("path", ["/account/tokens", "/jobs/recent", "/datasets/", "/datasets/new"])
def test_nobody_is_led_to_the_sign_in_and_back(path, client):
    assert client.get(path).headers["Location"] == f"/account/sign-in?next={path}"
