"""What operators do to people in the admin goes the same road as everywhere, and is written down."""

import pytest

from apps.accounts import services
from apps.accounts.models import ApiToken, BrowserSession, User
from apps.core.models import AuditEvent


@pytest.fixture
def browser(operator, page_as):
    return page_as(operator)


def test_password_set_by_an_operator_ends_the_sign_ins_of_its_person(alice, browser, api_as, page_as):
    hers = page_as(alice)
    pair = api_as().post("/api/v1/auth/login", {"username": "alice", "password": "alice-password"}).json()
    form = {"usable_password": "true", "password1": "a better one 77", "password2": "a better one 77"}
    address = f"/admin/accounts/user/{alice.pk}/password/"
    assert browser.post(address, form | {"set-password": "1"}).status_code == 302
    assert User.objects.get(pk=alice.pk).check_password("a better one 77")
    assert hers.get("/account/").status_code == 302
    assert api_as().get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {pair['access']}").status_code == 401
    assert AuditEvent.objects.get(verb="password changed").actor_name == "operator"
    assert browser.get("/account/").status_code == 200


def test_changes_and_deletes_of_people_are_written_down(alice, bob, browser):
    form = {"username": "alice", "email": "alice@example.org", "is_superuser": "on"}
    assert browser.post(f"/admin/accounts/user/{alice.pk}/change/", form).status_code == 302
    assert AuditEvent.objects.get(verb="person changed").detail["fields"] == ["is_superuser"]
    assert User.objects.get(pk=alice.pk).is_staff  # an operator comes into the admin
    browser.post(f"/admin/accounts/user/{bob.pk}/delete/", {"post": "yes"})
    event = AuditEvent.objects.get(verb="person deleted")
    assert (event.actor_name, event.subject_name, event.subject_id) == ("operator", "bob", str(bob.pk))


def test_token_revoked_in_the_admin_stops_at_once_and_is_written_down(alice, browser, client):
    row, key = services.create_token(alice, "robot")
    form = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    browser.post("/admin/accounts/apitoken/", form)
    assert not ApiToken.objects.exists()
    assert client.get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Token {key}").status_code == 401
    assert AuditEvent.objects.get(verb="token revoked").actor_name == "operator"


def test_admin_signs_out_and_changes_its_own_password_as_everybody_does(browser):
    assert browser.get("/admin/password_change/").headers["Location"] == "/account/"
    browser.post("/admin/logout/")
    assert browser.get("/account/").status_code == 302
    assert AuditEvent.objects.filter(verb="signed out").count() == 1


def test_browser_is_signed_out_in_the_admin_and_its_key_is_not_shown(alice, browser, client):
    client.post("/account/sign-in", {"username": "alice", "password": "alice-password"})
    row = BrowserSession.objects.get(user=alice)
    address = f"/admin/accounts/browsersession/{row.pk}"
    assert row.session_key not in browser.get(f"{address}/change/").content.decode()
    browser.post(f"{address}/delete/", {"post": "yes"})
    assert client.get("/account/").status_code == 302
    event = AuditEvent.objects.get(verb="signed out")
    assert (event.actor_name, event.subject_name) == ("operator", "alice")


def test_invitation_is_looked_at_in_the_admin_without_its_hash(operator, browser):
    row, _ = services.invite(operator)
    page = browser.get(f"/admin/accounts/onetimelink/{row.pk}/change/")
    assert page.status_code == 200
    assert row.key_hash not in page.content.decode()


def test_what_a_token_may_do_is_not_typed_in_the_admin(alice, browser):
    row, _ = services.create_token(alice, "robot", scope="read")
    address = f"/admin/accounts/apitoken/{row.pk}/change/"
    sent = {"scope": "admin everything", "name": "x", "expires_at_0": "2099-01-01", "expires_at_1": "0:00"}
    assert browser.post(address, sent | {"requests_per_day": "7"}).status_code == 302
    row.refresh_from_db()
    assert (row.scope, row.name, row.expires_at, row.requests_per_day) == ("read", "robot", None, 7)
    event = AuditEvent.objects.get(subject_type="accounts.apitoken", verb="changed")
    assert (event.actor_name, event.detail["changed"]) == ("operator", {"requests_per_day": [None, 7]})
    assert browser.post(address, {"requests_per_day": "0"}).status_code == 200  # refused in the form


def test_there_are_no_groups_and_an_operator_comes_into_the_admin_by_that_alone(alice, bob, browser, page_as):
    assert browser.get("/admin/auth/group/").status_code == 404
    page = browser.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert 'name="is_staff"' not in page
    assert "An operator is a superuser" in page
    form = {"username": "bob", "email": "bob@example.org"}
    browser.post(f"/admin/accounts/user/{bob.pk}/change/", form | {"is_superuser": "on"})
    assert page_as(bob).get("/admin/").status_code == 200
    browser.post(f"/admin/accounts/user/{bob.pk}/change/", form)
    assert page_as(bob).get("/admin/").status_code == 302
