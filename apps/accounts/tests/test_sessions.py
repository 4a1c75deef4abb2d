"""Where a person is signed in: a list, ended one by one or all at once."""

import pytest

from apps.accounts.browsers import EVERY, SeenSessions, device_words
from apps.accounts.models import BrowserSession
from apps.core.models import AuditEvent

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Safari/604.1"


@pytest.fixture
def sign_in(alice):
    from django.test import Client

    def browser(agent=FIREFOX, address="10.0.0.1"):
        one = Client(headers={"user-agent": agent}, REMOTE_ADDR=address)
        assert one.post("/account/sign-in", {"username": "alice", "password": "alice-password"}).status_code == 302
        return one

    return browser


def test_list_shows_browser_address_and_this_one(sign_in):
    here, _ = sign_in(), sign_in(SAFARI, "10.0.0.2")
    page = here.get("/account/sessions").content.decode()
    assert "Firefox on Linux" in page
    assert "Safari on iPhone" in page
    assert "10.0.0.2" in page
    assert page.count("this one") == 1
    assert AuditEvent.objects.filter(verb="signed in").count() == 2


def test_one_browser_is_ended_and_the_others_go_on(sign_in):
    here, there = sign_in(), sign_in(SAFARI)
    row = BrowserSession.objects.get(user_agent=SAFARI)
    assert here.post(f"/account/sessions/{row.pk}/end").status_code == 302
    assert there.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200
    assert BrowserSession.objects.count() == 1


def test_nobody_ends_the_session_of_somebody_else(sign_in, bob, page_as):
    hers = sign_in()
    row = BrowserSession.objects.get()
    assert page_as(bob).post(f"/account/sessions/{row.pk}/end").status_code == 404
    assert hers.get("/account/").status_code == 200


def test_signing_out_everywhere_keeps_this_browser_only(sign_in, api_as):
    here, there = sign_in(), sign_in(SAFARI)
    pair = api_as().post("/api/v1/auth/login", {"username": "alice", "password": "alice-password"}).json()
    assert here.post("/account/sessions/end-others").status_code == 302
    assert here.get("/account/sessions").status_code == 200
    assert there.get("/account/").status_code == 302
    assert api_as().post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert api_as().get("/api/v1/auth/me", HTTP_AUTHORIZATION=f"Bearer {pair['access']}").status_code == 401
    assert BrowserSession.objects.count() == 1


def test_signing_out_takes_the_row_away(sign_in):
    sign_in().post("/account/sign-out")
    assert not BrowserSession.objects.exists()
    assert AuditEvent.objects.filter(verb="signed out").count() == 1


def test_session_is_noted_once_in_five_minutes():
    seen = SeenSessions(None)
    assert [seen.is_due("a", now) for now in (0, 10, EVERY, EVERY + 1, 2 * EVERY)] == [False, False, True, False, True]


@pytest.mark.parametrize("agent", ["", "curl/8.1", "x" * 999, "<script>"])
def test_whatever_a_browser_calls_itself_is_shown_as_text(agent, sign_in):
    page = sign_in(agent).get("/account/sessions")
    assert b"<script>" not in page.content
    assert len(device_words(agent)) <= 60


def test_admin_has_no_sign_in_of_its_own(alice, client, page_as):
    answer = client.get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0] == "/account/sign-in?next=/admin/"
    assert page_as(alice).get("/admin/", follow=True).status_code == 403
