"""Guessing is stopped: for an account from an address, for an account, from an address; alike at every door."""

import pytest
from axes.models import AccessAttempt
from django.utils import timezone

from apps.accounts import lockout
from apps.core.models import AuditEvent

WRONG = "not the password"


@pytest.fixture(autouse=True)
def few(settings):
    settings.AXES_FAILURE_LIMIT = 3


def page(client, name, password=WRONG, address="10.0.0.1", **more):
    return client.post("/account/sign-in", {"username": name, "password": password}, REMOTE_ADDR=address, **more)


def api(client, name, password=WRONG, address="10.0.0.1"):
    return client.post("/api/v1/auth/login", {"username": name, "password": password}, REMOTE_ADDR=address)


def test_lock_holds_at_every_door_also_for_the_right_password_and_says_when_it_ends(alice, client):
    answers = [page(client, "alice"), api(client, "ALICE@example.org"), page(client, "Alice")]
    assert [answer.status_code for answer in answers] == [200, 401, 429]
    right = api(client, "alice", "alice-password")
    assert (right.status_code, "UTC, in 15 min" in right.json()["detail"]) == (429, True)
    assert 800 < int(right["Retry-After"]) <= 900
    shown = page(client, "alice", "alice-password")
    assert (shown.status_code, b"open again at" in shown.content) == (429, True)
    assert "_auth_user_id" not in client.session
    assert AuditEvent.objects.filter(verb="sign-in failed", detail__account="alice").count() == 2
    assert AuditEvent.objects.filter(verb="sign-in refused: locked").count() == 3


def test_lock_is_of_one_account_and_one_address(alice, bob, client):
    for _ in range(3):
        page(client, "alice")
    assert page(client, "alice", "alice-password", address="10.0.0.2").status_code == 302
    client.logout()
    assert page(client, "bob", "bob-password").status_code == 302


def test_lock_ends_by_itself_and_is_not_made_longer_by_trying(alice, client, settings):
    for _ in range(5):
        page(client, "alice")
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME)
    assert page(client, "alice", "alice-password").status_code == 302


def test_right_password_forgets_the_wrong_ones(alice, client):
    for _ in range(2):
        page(client, "alice")
    assert page(client, "alice", "alice-password").status_code == 302
    client.logout()
    assert [page(client, "alice").status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize("spread", ["addresses", "accounts"])
def test_guessing_that_is_spread_out_is_stopped_too(spread, alice, client, monkeypatch):
    monkeypatch.setattr(lockout, "WIDER", 2)
    for n in range(6):
        name, address = ("alice", f"10.0.1.{n}") if spread == "addresses" else (f"nobody{n}", "10.0.0.1")
        page(client, name, address=address)
    name, address = ("alice", "10.0.9.9") if spread == "addresses" else ("alice", "10.0.0.1")
    assert page(client, name, "alice-password", address).status_code == 429


@pytest.mark.django_db
def test_unknown_names_are_locked_as_known_ones_are(client):
    assert [page(client, "nobody").status_code for _ in range(3)] == [200, 200, 429]


def test_made_up_forwarding_header_gives_no_further_tries(alice, client):
    answers = [page(client, "alice", HTTP_X_FORWARDED_FOR=f"9.9.9.{n}").status_code for n in range(3)]
    assert answers == [200, 200, 429]


def test_operator_releases_a_lock_in_the_admin(alice, operator, client, page_as):
    for _ in range(3):
        page(client, "alice")
    row = AccessAttempt.objects.get()
    browser = page_as(operator)
    assert b"alice" in browser.get("/admin/axes/accessattempt/").content
    assert browser.get(f"/admin/axes/accessattempt/{row.pk}/change/").status_code == 200
    browser.post(f"/admin/axes/accessattempt/{row.pk}/delete/", {"post": "yes"})
    assert page(client, "alice", "alice-password").status_code == 302
    assert AuditEvent.objects.get(verb="lock released").actor_name == "operator"


def test_no_password_is_kept_of_wrong_tries(alice, client):
    page(client, "alice", "nearly-right")
    api(client, "alice", "nearly-right")
    assert "nearly-right" not in str(list(AccessAttempt.objects.values()))
    assert "nearly-right" not in str(list(AuditEvent.objects.values()))
