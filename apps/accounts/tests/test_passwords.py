"""A new password: for who knows the old one, by mail, by a link from an operator."""

import re
from io import StringIO

import pytest
from django.core import mail
from django.core.management import CommandError, call_command

from apps.core.models import AuditEvent

NEW = "a better one 77"


@pytest.fixture
def with_mail(settings, run_tasks_at_once):
    settings.MAIL_IS_SENT = True
    settings.DEFAULT_FROM_EMAIL = "yolo@example.org"


def link_in(text):
    return re.search(r"http://\S+", text).group().removeprefix("http://testserver")


def set_by(browser, link, password=NEW):
    page = browser.get(link, follow=True)
    return browser.post(page.request["PATH_INFO"], {"new_password1": password, "new_password2": password})


def test_page_changes_the_password_keeps_this_browser_and_ends_the_others(alice, page_as):
    here, there = page_as(alice), page_as(alice)
    form = {"old_password": "alice-password", "new_password1": NEW, "new_password2": NEW}
    wrong = here.post("/account/password", form | {"old_password": "guess"})
    assert b"was entered incorrectly" in wrong.content
    assert there.get("/account/").status_code == 200
    assert here.post("/account/password", form).status_code == 302
    assert here.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302
    assert AuditEvent.objects.filter(verb="password changed", actor_name="alice").count() == 1


def test_forgotten_password_is_set_by_a_link_that_is_good_once(
    alice, client, with_mail, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        assert client.post("/account/forgotten", {"email": "ALICE@example.org"}).status_code == 302
    assert mail.outbox[0].to == ["alice@example.org"]
    link = link_in(mail.outbox[0].body)
    assert b"too common" in set_by(client, link, "password").content
    with django_capture_on_commit_callbacks(execute=True):
        assert set_by(client, link).headers["Location"] == "/account/sign-in"
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    assert "was changed just now" in mail.outbox[1].body
    assert b"was used, or its time is over" in client.get(link, follow=True).content


def test_answer_does_not_say_whether_there_is_such_an_account(
    alice, bob, client, with_mail, django_capture_on_commit_callbacks
):
    bob.is_active = False
    bob.save()
    with django_capture_on_commit_callbacks(execute=True):
        answers = [
            client.post("/account/forgotten", {"email": f"{who}@example.org"}) for who in ("alice", "bob", "nobody")
        ]
    assert len({(answer.status_code, answer.headers["Location"]) for answer in answers}) == 1
    assert [one.to for one in mail.outbox] == [["alice@example.org"]]


def test_where_no_mail_is_sent_the_page_says_who_can_help(alice, client, settings):
    settings.OPERATOR_CONTACT = "Dana, room 7"
    for page in (client.get("/account/forgotten"), client.post("/account/forgotten", {"email": "alice@example.org"})):
        assert b"Dana, room 7" in page.content
    assert mail.outbox == []


def test_operator_makes_a_reset_link_in_the_admin(alice, operator, client, page_as):
    browser = page_as(operator)
    form = {"action": "make_reset_link", "_selected_action": [alice.pk]}
    page = browser.post("/admin/accounts/user/", form, follow=True)
    link = link_in(page.content.decode().split("good once: ")[1].split("<")[0])
    assert set_by(client, link).status_code == 302
    alice.refresh_from_db()
    assert alice.check_password(NEW)
    event = AuditEvent.objects.get(verb="reset link made")
    assert (event.actor_name, event.subject_name) == ("operator", "alice")


def test_operator_makes_a_reset_link_on_the_machine(alice, client, settings):
    settings.PUBLIC_URL = "http://testserver"
    out = StringIO()
    call_command("reset_link", "Alice@example.org", stdout=out)
    assert set_by(client, link_in(out.getvalue())).status_code == 302
    with pytest.raises(CommandError, match="no active user"):
        call_command("reset_link", "nobody")


def test_operator_ends_all_sign_ins_of_a_person_in_the_admin(alice, operator, page_as):
    hers = page_as(alice)
    form = {"action": "sign_out_everywhere", "_selected_action": [alice.pk]}
    page_as(operator).post("/admin/accounts/user/", form)
    assert hers.get("/account/").status_code == 302
