"""The second step of signing in, at every door."""

import re
import time

import pytest
from django.test import Client
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.accounts.services import totp
from apps.core.models import AuditEvent

SIGN_IN = {"username": "alice", "password": "alice-password"}


def code_of(user, steps=0):
    """The code that the person's app shows `steps` times 30 s from now."""
    device = TOTPDevice.objects.get(user=user)
    clock = TOTP(device.bin_key)
    clock.time = time.time() + 30 * steps
    return f"{clock.token():06d}"


@pytest.fixture
def codes(alice):
    """Alice has the second step on; her recovery codes. A code is good once: tests take the one that comes next."""
    totp.start_totp(alice)
    return totp.confirm_totp(alice, code_of(alice, -1))


def is_in(client):
    return client.get("/account/").status_code == 200


def test_page_turns_it_on_by_a_scanned_code_and_shows_recovery_codes_once(alice, page_as):
    browser = page_as(alice)
    page = browser.post("/account/second-step/start").content.decode()
    assert "data:image/svg+xml" in page
    assert totp.secret_text(TOTPDevice.objects.get()) in page
    assert not totp.has_totp(alice)
    assert b"not right" in browser.post("/account/second-step/confirm", {"code": "abc"}).content
    TOTPDevice.objects.update(throttling_failure_count=0)
    shown = browser.post("/account/second-step/confirm", {"code": code_of(alice)}).content.decode()
    found = re.findall(r"\w{4}-\w{4}-\w{4}", shown)
    assert len(found) == totp.CODES
    assert found[0] not in browser.get("/account/second-step").content.decode()
    assert found[0].replace("-", "") not in str(list(StaticToken.objects.values()))
    assert totp.has_totp(alice)


def test_password_alone_signs_nobody_in(alice, codes, client):
    answer = client.post("/account/sign-in", SIGN_IN)
    assert answer.headers["Location"] == "/account/sign-in/code"
    assert not is_in(client)
    assert b"not right" in client.post("/account/sign-in/code", {"code": "x"}).content
    assert not is_in(client)
    assert client.post("/account/sign-in/code", {"code": code_of(alice)}).headers["Location"] == "/"
    assert is_in(client)


def test_code_is_good_once(alice, codes):
    code = code_of(alice)
    for client, found in ((Client(), True), (Client(), False)):
        client.post("/account/sign-in", SIGN_IN)
        client.post("/account/sign-in/code", {"code": code})
        assert is_in(client) is found


def test_recovery_code_is_good_once_in_any_spelling(alice, codes):
    for client, found in ((Client(), True), (Client(), False)):
        client.post("/account/sign-in", SIGN_IN)
        client.post("/account/sign-in/code", {"code": codes[0].upper()})
        assert is_in(client) is found
    assert totp.codes_left(alice) == totp.CODES - 1


def test_wrong_codes_are_slowed_down(alice, codes, client):
    client.post("/account/sign-in", SIGN_IN)
    client.post("/account/sign-in/code", {"code": "000000"})
    page = client.post("/account/sign-in/code", {"code": code_of(alice)})
    assert b"Too many wrong codes" in page.content
    assert not is_in(client)
    assert AuditEvent.objects.filter(verb="code refused").count() == 1


def test_code_page_is_for_who_has_just_given_the_password(alice, codes, client, monkeypatch):
    assert client.get("/account/sign-in/code").headers["Location"] == "/account/sign-in"
    client.post("/account/sign-in", SIGN_IN)
    now = time.time()
    monkeypatch.setattr("apps.accounts.views.second_step.time.time", lambda: now + 301)
    assert client.post("/account/sign-in/code", {"code": codes[1]}).headers["Location"] == "/account/sign-in"
    assert not is_in(client)


def test_password_that_changed_in_between_starts_anew(alice, codes, client):
    from apps.accounts.services import set_password

    client.post("/account/sign-in", SIGN_IN)
    set_password(alice, "a better one 77")
    client.post("/account/sign-in/code", {"code": code_of(alice)})
    assert not is_in(client)


def test_api_asks_for_the_code(alice, codes, api_as):
    def login(**more):
        return api_as().post("/api/v1/auth/login", SIGN_IN | more)

    missing = login()
    assert (missing.status_code, list(missing.json())) == (400, ["otp"])
    assert login(otp="nonsense").status_code == 401
    assert login(otp=code_of(alice)).status_code == 200


def test_turning_off_asks_for_password_and_code(alice, codes, page_as):
    browser = page_as(alice)
    for form in ({"password": "guess", "code": codes[0]}, {"password": "alice-password", "code": "x"}):
        assert browser.post("/account/second-step/off", form).status_code == 200
        assert totp.has_totp(alice)
    form = {"password": "alice-password", "code": code_of(alice)}
    assert browser.post("/account/second-step/off", form).status_code == 302
    assert not totp.has_totp(alice)
    assert totp.codes_left(alice) == 0


def test_new_recovery_codes_end_the_old_ones(alice, codes, page_as):
    page_as(alice).post("/account/second-step/codes", {"code": code_of(alice)})
    assert totp.codes_left(alice) == totp.CODES
    with pytest.raises(totp.CodeRefused):
        totp.check_code(alice, codes[0])


def test_admin_signs_in_by_the_same_two_steps(operator, client):
    totp.start_totp(operator)
    totp.confirm_totp(operator, code_of(operator, -1))
    form = {"username": "operator", "password": "operator-password"}
    assert client.post("/account/sign-in?next=/admin/", form).headers["Location"] == "/account/sign-in/code"
    assert client.get("/admin/").status_code == 302
    code = {"code": code_of(operator)}
    assert client.post("/account/sign-in/code", code).headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_setting_makes_operators_turn_it_on_before_anything_else(operator, alice, settings, page_as, api_as):
    settings.OPERATOR_TOTP = True
    browser = page_as(operator)
    assert browser.get("/admin/").headers["Location"] == "/account/second-step"
    assert browser.get("/datasets/").status_code == 302
    assert browser.get("/api/v1/datasets").status_code == 403
    assert b"turn it on" in browser.get("/account/second-step").content
    login = {"username": "operator", "password": "operator-password"}
    assert api_as().post("/api/v1/auth/login", login).status_code == 401
    assert page_as(alice).get("/datasets/").status_code == 200
    browser.post("/account/second-step/start")
    browser.post("/account/second-step/confirm", {"code": code_of(operator)})
    assert browser.get("/admin/").status_code == 200


def test_operator_turns_it_off_for_who_lost_everything_and_reads_no_secret(alice, codes, operator, page_as):
    browser = page_as(operator)
    assert browser.get("/admin/otp_totp/totpdevice/").status_code == 404
    browser.post("/admin/accounts/user/", {"action": "release_totp", "_selected_action": [alice.pk]})
    assert not totp.has_totp(alice)
    assert AuditEvent.objects.get(verb="second step turned off").actor_name == "operator"
