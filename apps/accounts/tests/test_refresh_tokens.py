"""Refresh tokens are good once; a second use, a logout, a new password end what came from a sign-in."""

import pytest
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

from apps.accounts import jwts, services

LOGIN = {"username": "alice", "password": "alice-password"}


@pytest.fixture
def sign_in(alice, api_as):
    return lambda: api_as().post("/api/v1/auth/login", LOGIN).json()


@pytest.fixture
def refresh(api_as):
    return lambda token: api_as().post("/api/v1/auth/refresh", {"refresh": token})


def me(api_as, access):
    return api_as().get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {access}").status_code


def test_refresh_gives_a_new_pair_and_uses_up_the_old_one(sign_in, refresh, api_as):
    first = sign_in()
    answer = refresh(first["refresh"])
    second = answer.json()
    assert answer.status_code == 200
    assert second["refresh"] != first["refresh"]
    assert me(api_as, second["access"]) == 200
    assert refresh(second["refresh"]).status_code == 200


def test_second_use_ends_all_that_came_from_the_sign_in_and_nothing_else(sign_in, refresh):
    stolen, other = sign_in()["refresh"], sign_in()["refresh"]
    held = refresh(stolen).json()["refresh"]
    again = refresh(stolen)
    assert again.status_code == 401
    assert "used before" in str(again.json())
    assert refresh(held).status_code == 401
    assert refresh(other).status_code == 200


def test_of_two_uses_at_once_one_wins(sign_in, monkeypatch):
    """Both saw the token as unused: the row in the blacklist, which only one can make, decides."""
    token = sign_in()["refresh"]
    monkeypatch.setattr(jwts.PersonRefresh, "check_blacklist", lambda self: None)
    _, won = jwts.rotate(token)
    with pytest.raises(jwts.TokenError):
        jwts.rotate(token)
    monkeypatch.undo()
    with pytest.raises(jwts.TokenError):
        jwts.rotate(won)


def test_no_refresh_token_lies_in_the_database(sign_in, refresh):
    first = sign_in()["refresh"]
    second = refresh(first).json()["refresh"]
    kept = str(list(OutstandingToken.objects.values()) + list(BlacklistedToken.objects.values()))
    assert OutstandingToken.objects.count() == 2
    assert first not in kept
    assert second not in kept


def test_logout_ends_the_sign_in(sign_in, refresh, api_as):
    pair, other = sign_in(), sign_in()
    following = refresh(pair["refresh"]).json()["refresh"]
    assert api_as().post("/api/v1/auth/logout", {"refresh": following}).status_code == 204
    assert refresh(following).status_code == 401
    assert api_as().post("/api/v1/auth/logout", {"refresh": following}).status_code == 401
    assert refresh(other["refresh"]).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("body", [{}, {"refresh": ""}, {"refresh": "x"}, {"refresh": [1]}, {"refresh": "a.b.c"}])
def test_logout_of_what_is_no_token_answers_400_or_401(body, api_as):
    assert api_as().post("/api/v1/auth/logout", body).status_code in (400, 401)


def test_access_token_is_not_taken_for_a_refresh_token(sign_in, refresh, api_as):
    assert refresh(sign_in()["access"]).status_code == 401
    assert me(api_as, sign_in()["refresh"]) == 401


def test_new_password_ends_every_jwt_and_session_and_no_api_token(alice, sign_in, refresh, api_as, page_as):
    pair, browser = sign_in(), page_as(alice)
    _, key = services.create_token(alice, "robot")
    body = {"password": "alice-password", "new_password": "a better one 77"}
    api = {"HTTP_AUTHORIZATION": f"Bearer {pair['access']}"}
    wrong = api_as().post("/api/v1/auth/password", body | {"password": "guess"}, **api)
    assert (wrong.status_code, list(wrong.json())) == (400, ["password"])
    weak = api_as().post("/api/v1/auth/password", body | {"new_password": "alice"}, **api)
    assert (weak.status_code, list(weak.json())) == (400, ["new_password"])
    assert api_as().post("/api/v1/auth/password", body, **api).status_code == 204
    assert me(api_as, pair["access"]) == 401
    assert refresh(pair["refresh"]).status_code == 401
    assert api_as().post("/api/v1/auth/verify", {"token": pair["access"]}).status_code == 401
    assert browser.get("/account/").status_code == 302
    assert api_as().get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Token {key}").status_code == 200
    alice.refresh_from_db()
    assert alice.check_password("a better one 77")


def test_api_token_cannot_change_the_password(alice, api_as):
    _, key = services.create_token(alice, "robot", scope="read write infer")
    body = {"password": "alice-password", "new_password": "a better one 77"}
    assert api_as().post("/api/v1/auth/password", body, HTTP_AUTHORIZATION=f"Token {key}").status_code == 403


def test_signing_out_everywhere_ends_what_was_and_not_what_comes(alice, sign_in, refresh, api_as, page_as):
    pair, browser = sign_in(), page_as(alice)
    services.sign_out_everywhere(alice)
    assert (me(api_as, pair["access"]), refresh(pair["refresh"]).status_code) == (401, 401)
    assert browser.get("/account/").status_code == 302
    assert me(api_as, sign_in()["access"]) == 200
    assert page_as(alice).get("/account/").status_code == 200
