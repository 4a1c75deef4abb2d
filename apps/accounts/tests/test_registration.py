"""Who may register, invitations, and what is open to an address that is not verified."""

import re

import pytest
from django.core import mail

from apps.accounts import services
from apps.accounts.models import OneTimeLink, User

PASSWORD = "correct horse 9"
PAGE = {"username": "dora", "email": "dora@example.org", "password1": PASSWORD, "password2": PASSWORD}
API = {"username": "dora", "email": "dora@example.org", "password": PASSWORD}


@pytest.fixture
def with_mail(settings, run_tasks_at_once, django_capture_on_commit_callbacks):
    settings.MAIL_IS_SENT = True
    settings.DEFAULT_FROM_EMAIL = "yolo@example.org"
    return lambda: django_capture_on_commit_callbacks(execute=True)


def link_in(message):
    return re.search(r"http://testserver(/\S+)", message.body).group(1)


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "status"), [("open", 302), ("invitation", 403), ("closed", 403)])
def test_setting_says_who_may_register_on_the_page(mode, status, settings, client):
    settings.REGISTRATION = mode
    assert client.post("/account/register", PAGE).status_code == status
    assert (b"Create an account" in client.get("/account/sign-in", follow=True).content) is False
    assert User.objects.exists() is (mode == "open")


@pytest.mark.django_db
@pytest.mark.parametrize(("mode", "status"), [("open", 201), ("invitation", 403), ("closed", 403)])
def test_setting_says_who_may_register_over_the_api(mode, status, settings, api_as):
    settings.REGISTRATION = mode
    assert api_as().post("/api/v1/auth/register", API).status_code == status


def test_invitation_opens_the_door_once(operator, settings, client, api_as):
    settings.REGISTRATION = "invitation"
    _, key = services.invite(operator)
    assert b"operator invites you" in client.get(f"/account/invitation/{key}").content
    assert client.post(f"/account/invitation/{key}", PAGE).status_code == 302
    assert client.session["_auth_user_id"] == str(User.objects.get(username="dora").pk)
    client.logout()
    again = client.get(f"/account/invitation/{key}")
    assert (again.status_code, b"used already" in again.content) == (410, True)
    other = {"username": "ed", "email": "ed@example.org", "password": PASSWORD, "invitation": key}
    refused = api_as().post("/api/v1/auth/register", other)
    assert (refused.status_code, list(refused.json())) == (400, ["invitation"])
    assert not User.objects.filter(username="ed").exists()


def test_invitation_works_over_the_api(operator, settings, api_as):
    settings.REGISTRATION = "invitation"
    _, key = services.invite(operator)
    assert api_as().post("/api/v1/auth/register", API | {"invitation": "wrong"}).status_code == 400
    assert api_as().post("/api/v1/auth/register", API | {"invitation": key}).status_code == 201
    assert OneTimeLink.objects.get().used_by.username == "dora"


@pytest.mark.django_db
@pytest.mark.parametrize("blank", ["", " ", "\t", None])
def test_a_blank_is_no_invitation(blank, settings, api_as):
    settings.REGISTRATION = "invitation"
    who = {"username": "dora", "email": "dora@example.org", "password": "correct horse 9", "invitation": blank}
    answer = api_as().post("/api/v1/auth/register", who, format="json")
    assert answer.status_code in (400, 403)
    assert not User.objects.filter(username="dora").exists()
    assert api_as().post("/api/v1/auth/register", [], format="json").status_code == 400


def test_invitation_opens_nothing_where_registration_is_closed(operator, settings, client):
    settings.REGISTRATION = "closed"
    _, key = services.invite(operator)
    assert client.get(f"/account/invitation/{key}").status_code == 403


def test_invitation_by_mail_proves_the_address(operator, page_as, client, with_mail, settings):
    settings.REGISTRATION = "invitation"
    with with_mail():
        page_as(operator).post("/account/invitations", {"email": "dora@example.org", "days": 3})
    assert mail.outbox[0].to == ["dora@example.org"]
    link = link_in(mail.outbox[0])
    assert b'value="dora@example.org"' in client.get(link).content
    with with_mail():
        assert client.post(link, PAGE).status_code == 302
    assert User.objects.get(username="dora").must_verify_email is False
    assert len(mail.outbox) == 1


def test_operator_copies_renews_and_withdraws_a_link(operator, page_as, client):
    browser = page_as(operator)
    page = browser.post("/account/invitations", {"email": "", "days": 3}).content.decode()
    first = re.search(r"http://testserver(/account/invitation/[\w-]+)", page).group(1)
    row = OneTimeLink.objects.get()
    page = browser.post(f"/account/invitations/{row.pk}/renew").content.decode()
    second = re.search(r"http://testserver(/account/invitation/[\w-]+)", page).group(1)
    assert [client.get(link).status_code for link in (first, second)] == [410, 200]
    browser.post(f"/account/invitations/{row.pk}/withdraw")
    assert client.get(second).status_code == 410
    assert browser.post(f"/account/invitations/{row.pk}/renew").status_code == 302


def test_only_operators_invite(alice, operator, page_as, client):
    row, _ = services.invite(operator)
    for path in ("", f"/{row.pk}/renew", f"/{row.pk}/withdraw"):
        assert page_as(alice).post(f"/account/invitations{path}", {"days": 3}).status_code == 403
        assert client.post(f"/account/invitations{path}", {"days": 3}).status_code == 302
    assert page_as(alice).get("/account/invitations").status_code == 403
    assert OneTimeLink.objects.count() == 1


@pytest.mark.django_db
def test_unverified_person_looks_until_the_link_is_followed(client, api_as, with_mail):
    with with_mail():
        client.post("/account/register", PAGE)
    dora = User.objects.get()
    assert client.get("/datasets/").status_code == 200
    refused = client.post("/datasets/new", {"name": "x"})
    assert (refused.status_code, b"not verified" in refused.content) == (403, True)
    api = api_as(dora)
    assert api.get("/api/v1/datasets").status_code == 200
    answer = api.post("/api/v1/datasets", {"name": "x"})
    assert (answer.status_code, "not verified" in answer.json()["detail"]) == (403, True)
    link = link_in(mail.outbox[0])
    assert client.get(link).status_code == 200
    assert User.objects.get().must_verify_email is True  # a look at the link is not enough
    assert client.post(link).status_code == 302
    assert User.objects.get().must_verify_email is False
    assert client.post("/datasets/new", {"name": "x", "task": "detect"}).status_code != 403
    assert api_as(User.objects.get()).post("/api/v1/datasets", {"name": "x"}).status_code == 201


def test_new_address_must_be_verified_and_the_former_one_hears_of_it(alice, api_as, page_as, client, with_mail):
    with with_mail():
        assert api_as(alice).patch("/api/v1/auth/me", {"email": "new@example.org"}).status_code == 200
    assert [one.to[0] for one in mail.outbox] == ["new@example.org", "alice@example.org"]
    link = link_in(mail.outbox[0])
    with with_mail():  # mistyped: changed once more, which is open to who may only look
        page_as(alice).post("/account/", {"username": "alice", "email": "newer@example.org"})
    assert client.post(link).status_code == 410
    assert client.post(link_in(mail.outbox[2])).status_code == 302
    alice.refresh_from_db()
    assert (alice.email, alice.must_verify_email) == ("newer@example.org", False)


def test_another_link_is_sent_on_demand(alice, page_as, with_mail):
    with with_mail():
        page_as(alice).post("/account/verify")
    assert mail.outbox == []
    User.objects.update(must_verify_email=True)
    with with_mail():
        page_as(alice).post("/account/verify")
    assert len(mail.outbox) == 1


@pytest.mark.django_db
def test_forged_link_verifies_nobody(client):
    assert client.post("/account/verify/WzEsImFAYi5jIl0:1abcde:sig").status_code == 410


def test_taken_names_are_refused_on_the_account_page(alice, bob, page_as):
    page = page_as(alice).post("/account/", {"username": "BOB", "email": "Bob@example.org"})
    assert list(page.context["form"].errors) == ["username", "email"]
    assert b"<h1>alice</h1>" in page.content
