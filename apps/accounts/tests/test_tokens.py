"""API tokens: shown once, stored hashed, bound to their scope, ended by expiry or by hand."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import ApiToken
from apps.core import audit
from apps.core.models import AuditEvent

TOKENS = "/api/v1/auth/tokens"


@pytest.fixture
def make(alice):
    """`make(scope)`: a token of alice's as (row, API client that sends it)."""

    def token(scope="read infer", **more):
        row, key = services.create_token(alice, "robot", scope=scope, **more)
        api = APIClient()
        api.credentials(HTTP_AUTHORIZATION=f"Token {key}")
        return row, api

    return token


def test_key_is_shown_once_and_stored_hashed(alice, api_as):
    made = api_as(alice).post(TOKENS, {"name": "robot"})
    key = made.json()["token"]
    assert (made.status_code, made.json()["scope"]) == (201, "read infer")
    assert key.startswith(made.json()["hint"])
    assert key not in api_as(alice).get(TOKENS).content.decode()
    row = ApiToken.objects.values().get()
    assert key not in str(row)
    assert len(row["hint"]) < 12


def test_key_is_shown_once_on_the_page(alice, page_as):
    browser = page_as(alice)
    key = browser.post("/account/tokens", {"name": "robot", "scope": ["read"]}).context["new_key"]
    page = browser.get("/account/tokens").content.decode()
    assert "robot" in page
    assert key not in page
    assert ApiToken.objects.get().scope == "read"


def test_two_keys_are_never_alike(alice):
    assert services.create_token(alice, "a")[1] != services.create_token(alice, "a")[1]


READ, WRITE, INFER = ("get", "/api/v1/datasets"), ("post", "/api/v1/datasets"), ("post", "/api/v1/predictions/infer")


@pytest.mark.parametrize(
    ("scope", "call", "allowed"),
    [
        ("read", READ, True), ("read", WRITE, False), ("read", INFER, False),
        ("infer", READ, False), ("infer", WRITE, False), ("infer", INFER, True),
        ("write", READ, False), ("write", WRITE, True), ("write", INFER, False),
        ("read infer write", READ, True), ("read infer write", WRITE, True), ("read infer write", INFER, True),
    ],
)  # fmt: skip
def test_scope_is_enforced_with_the_reason(scope, call, allowed, make):
    method, path = call
    response = getattr(make(scope)[1], method)(path, {} if path == INFER[1] else {"name": "Cells"})
    assert (response.status_code != 403) == allowed
    if not allowed:
        needed = {READ: "read", WRITE: "write", INFER: "infer"}[call]
        assert f"“{scope}”" in response.json()["detail"]
        assert f"“{needed}”" in response.json()["detail"]


@pytest.mark.parametrize("scope", ["read infer", "write", "read infer write"])
@pytest.mark.parametrize("method", ["post", "patch", "delete"])
def test_no_token_makes_changes_or_revokes_tokens_whatever_its_scope(scope, method, make, alice):
    """Else one of little scope, or one that ends, would have one of all scopes made that stays."""
    _, api = make(scope)
    other, _ = make("read")
    path, sent = (TOKENS, {"name": "more", "scope": "read infer write"}) if method == "post" else (
        f"{TOKENS}/{other.pk}", {"requests_per_day": 1}
    )  # fmt: skip
    answer = getattr(api, method)(path, sent)
    assert answer.status_code == 403
    if "write" in scope:  # else it is the scope that does not do
        assert answer.json()["detail"] == "An API token cannot change API tokens. Sign in as a person for it."
    assert list(alice.api_tokens.values_list("scope", "requests_per_day")) == [("read", None), (scope, None)]


def test_a_token_that_reads_lists_tokens_without_their_keys(make):
    _, api = make("read")
    listed = api.get(TOKENS).json()["results"]
    assert [(one["name"], "token" in one) for one in listed] == [("robot", False)]


def test_tokens_are_managed_with_a_jwt(alice, client):
    alice.set_password("correct horse 9")
    alice.save()
    pair = client.post("/api/v1/auth/login", {"username": "alice", "password": "correct horse 9"}).json()
    api = APIClient()
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    made = api.post(TOKENS, {"name": "robot"})
    assert made.status_code == 201
    path = f"{TOKENS}/{made.json()['id']}"
    assert api.patch(path, {"requests_per_day": 5}).status_code == 200
    assert api.delete(path).status_code == 204
    assert not ApiToken.objects.exists()


def test_a_token_cannot_send_the_way_to_a_new_password_elsewhere(make, alice):
    _, client = make("read write")
    answer = client.patch("/api/v1/auth/me", {"email": "thief@example.org"}, format="json")
    assert answer.status_code == 403
    assert "API token" in answer.json()["detail"]
    alice.refresh_from_db()
    assert alice.email == "alice@example.org"
    assert client.patch("/api/v1/auth/me", {"username": "alice2"}, format="json").status_code == 200


def test_expired_token_answers_401(make):
    _, api = make(expires_at=timezone.now() + timedelta(minutes=1))
    assert api.get(READ[1]).status_code == 200
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    response = api.get(READ[1])
    assert response.status_code == 401
    assert "expired" in response.json()["detail"]


def test_revoked_token_answers_401_at_once(make, alice, api_as):
    row, api = make()
    assert api_as(alice).delete(f"{TOKENS}/{row.pk}").status_code == 204
    assert api.get(READ[1]).status_code == 401


def test_token_of_an_inactive_person_answers_401(make, alice):
    _, api = make()
    alice.is_active = False
    alice.save()
    assert api.get(READ[1]).status_code == 401


def test_last_use_is_noted_but_not_at_every_call(make, django_assert_num_queries):
    row, api = make()
    before = timezone.now()
    api.get("/api/v1/auth/me")
    row.refresh_from_db()
    assert before <= row.last_used_at <= timezone.now()
    with django_assert_num_queries(1):  # the token with its user, no write
        api.get("/api/v1/auth/me")


def test_anothers_token_can_neither_be_seen_nor_revoked(make, bob, api_as, page_as):
    row, _ = make()
    assert api_as(bob).get(TOKENS).json()["results"] == []
    assert api_as(bob).delete(f"{TOKENS}/{row.pk}").status_code == 404
    assert page_as(bob).post(f"/account/tokens/{row.pk}/revoke").status_code == 404
    assert ApiToken.objects.exists()


def test_owner_revokes_on_the_page(make, alice, page_as):
    row, api = make()
    assert page_as(alice).get(f"/account/tokens/{row.pk}/revoke").status_code == 405
    assert page_as(alice).post(f"/account/tokens/{row.pk}/revoke").status_code == 302
    assert api.get(READ[1]).status_code == 401


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scope", "admin"), ("scope", ""), ("scope", "read, write"), ("scope", ["read"]), ("name", ""),
        ("name", "x" * 101), ("name", "a\x00b"), ("expires_at", "yesterday"), ("expires_at", "2001-01-01T00:00:00Z"),
        ("expires_at", 10**30), ("expires_at", "0001-01-01T00:00:00+14:00"),
    ],
)  # fmt: skip
def test_bad_token_request_names_its_field(field, value, alice, api_as):
    response = api_as(alice).post(TOKENS, {"name": "robot", field: value})
    assert (response.status_code, list(response.json())) == (400, [field])


@pytest.mark.parametrize(
    ("field", "value"), [("scope", []), ("scope", ["admin"]), ("expires_at", "2001-01-01"), ("name", "")]
)
def test_bad_token_form_names_its_field(field, value, alice, page_as):
    page = page_as(alice).post("/account/tokens", {"name": "robot", "scope": ["read"], field: value})
    assert list(page.context["form"].errors) == [field]
    assert not ApiToken.objects.exists()


def test_session_without_its_csrf_token_changes_nothing(alice):
    browser = APIClient(enforce_csrf_checks=True)
    browser.force_login(alice)
    assert browser.get(TOKENS).status_code == 200
    assert browser.post(TOKENS, {"name": "robot"}).status_code == 403


def test_event_of_a_request_has_its_address_and_api_token(alice, client, dataset):
    row, key = services.create_token(alice, "robot", scope="read write")
    by_token = {"HTTP_AUTHORIZATION": f"Token {key}", "REMOTE_ADDR": "10.1.2.3"}
    assert client.delete(f"/api/v1/datasets/{dataset.pk}", **by_token).status_code == 204
    event = AuditEvent.objects.filter(verb="deleted").first()
    assert (event.address, event.token_id, event.actor_name) == ("10.1.2.3", row.pk, "alice")
    assert key not in str(event.detail)
    assert audit.record(alice, "later").address is None  # the request is over


def test_use_of_a_token_is_written_down_once_a_day(make):
    row, api = make("read")
    for _ in range(2):
        assert api.get("/api/v1/auth/me").status_code == 200
    uses = AuditEvent.objects.filter(verb="token used", subject_id=str(row.pk))
    assert uses.count() == 1
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(days=1))
    api.get("/api/v1/auth/me")
    assert uses.count() == 2
