"""JWTs and `auth/me`, as API.md says."""

import pytest

from apps.accounts.models import User

ME = "/api/v1/auth/me"


@pytest.fixture
def pair(alice, api_as):
    return api_as().post("/api/v1/auth/login", {"username": "alice", "password": "alice-password"}).json()


def me(api_as, access):
    return api_as().get(ME, HTTP_AUTHORIZATION=f"Bearer {access}")


def test_access_token_says_who_i_am(alice, pair, api_as):
    found = me(api_as, pair["access"]).json()
    assert found.keys() == {"id", "email", "username", "is_active", "is_superuser", "created_at", "updated_at"}
    assert (found["id"], found["username"], found["email"]) == (alice.pk, "alice", "alice@example.org")


def test_refresh_token_gives_a_new_access_token(pair, api_as):
    access = api_as().post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}).json()["access"]
    assert me(api_as, access).status_code == 200


def test_refresh_token_is_no_access_token_and_the_other_way_round(pair, api_as):
    assert me(api_as, pair["refresh"]).status_code == 401
    assert api_as().post("/api/v1/auth/refresh", {"refresh": pair["access"]}).status_code == 401


def test_refresh_for_a_person_who_is_gone_answers_401(alice, pair, api_as):
    alice.delete()
    assert api_as().post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert me(api_as, pair["access"]).status_code == 401


def test_verify_tells_good_tokens_from_others(pair, api_as):
    def verify(token):
        return api_as().post("/api/v1/auth/verify", {"token": token}).status_code

    head, body, signature = pair["access"].split(".")
    assert verify(pair["access"]) == 200
    forged = f"{head}.{body}.{signature[::-1]}"
    assert [verify(token) for token in (forged, f"{head}.{body}.", "x", "a.b.c")] == [401] * 4


@pytest.mark.django_db
@pytest.mark.parametrize("call", ["refresh", "verify"])
@pytest.mark.parametrize("value", [None, "", 5, {}, [], "\x00", "é" * 5000])
def test_what_is_no_token_answers_400_or_401(call, value, api_as):
    data = {"refresh": value, "token": value}
    assert api_as().post(f"/api/v1/auth/{call}", data).status_code in (400, 401)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer x", "Bearer a b", "Bearer é", "Token", "Token x", "Token a b", "Token ÿþ", "Basic eDp5"],
)
def test_header_that_names_nobody_answers_401(header, client):
    response = client.get(ME, HTTP_AUTHORIZATION=header)
    assert response.status_code == 401
    assert "detail" in response.json()
    assert "Bearer" in response["WWW-Authenticate"]


def test_me_can_change_name_and_email(alice, api_as):
    response = api_as(alice).patch(ME, {"username": "alicia", "email": "alicia@example.org"})
    assert (response.status_code, response.json()["username"]) == (200, "alicia")
    alice.refresh_from_db()
    assert (alice.username, alice.email) == ("alicia", "alicia@example.org")


def test_me_can_change_the_case_of_its_own_name(alice, api_as):
    assert api_as(alice).patch(ME, {"username": "Alice", "email": "ALICE@example.org"}).status_code == 200


def test_me_cannot_make_itself_an_operator(alice, api_as):
    data = {"is_superuser": True, "is_staff": True, "is_active": False, "id": 9, "password": "x"}
    response = api_as(alice).patch(ME, data)
    assert response.status_code == 200
    kept = User.objects.get(pk=alice.pk)
    assert (kept.is_superuser, kept.is_staff, kept.is_active) == (False, False, True)
    assert kept.check_password("alice-password")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "BOB"), ("email", "Bob@example.org"), ("username", "a@b"), ("username", "ｂｏｂ"),
        ("email", "nothing"), ("username", ""), ("username", None), ("username", ["x"]), ("email", "a\x00@b.org"),
    ],
)  # fmt: skip
def test_me_cannot_take_a_name_that_is_taken_or_wrong(field, value, alice, bob, api_as):
    response = api_as(alice).patch(ME, {field: value})
    assert (response.status_code, list(response.json())) == (400, [field])
