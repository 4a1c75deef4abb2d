"""The audit log: what it keeps, who writes the caller's address, and that nobody changes it."""

from datetime import timedelta
from ipaddress import ip_network

import pytest
from django.utils import timezone

from apps.core import audit
from apps.core.addresses import address_of
from apps.core.models import AuditEvent
from conftest import make_team


def test_event_keeps_names_when_person_and_thing_are_gone(alice, dataset):
    number, actor_id = dataset.pk, alice.pk
    audit.record(alice, "deleted", dataset, team=7, images=3, at=timezone.now())
    alice.delete()
    event = AuditEvent.objects.get(verb="deleted")
    assert (event.actor_id, event.actor_name, event.team_id) == (actor_id, "alice", 7)
    assert (event.subject_type, event.subject_id, event.subject_name) == ("datasets.dataset", str(number), "Cells")
    assert event.detail["images"] == 3
    assert event.address is None


@pytest.mark.django_db
def test_hostile_words_are_kept_as_text_that_every_database_takes():
    event = audit.record(None, "sign-in failed", username="a\x00b\ud800", deep=[r"\u0000"])
    event.refresh_from_db()
    assert event.detail == {"username": "ab?", "deep": [r"\u0000"]}
    assert (event.actor_id, event.actor_name) == (None, "")


def test_events_can_be_neither_changed_nor_deleted(alice):
    event = audit.record(alice, "tried")
    event.verb = "did not"
    for change in (event.save, event.delete, AuditEvent.objects.all().delete):
        with pytest.raises(TypeError):
            change()
    with pytest.raises(TypeError):
        AuditEvent.objects.update(verb="did not")
    assert AuditEvent.objects.get(pk=event.pk).verb == "tried"


def test_retention_takes_what_is_older_only(alice, monkeypatch):
    old = audit.record(alice, "old")
    audit.record(alice, "young")
    assert audit.forget_before(old.at - timedelta(seconds=1)) == 0
    assert audit.forget_before(timezone.now() + timedelta(seconds=1)) == 2


@pytest.mark.parametrize(
    ("proxies", "remote", "forwarded", "found"),
    [
        ([], "1.2.3.4", "9.9.9.9", "1.2.3.4"),
        (["10.0.0.0/8"], "1.2.3.4", "9.9.9.9", "1.2.3.4"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 9.9.9.9", "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 9.9.9.9, 10.0.0.2", "9.9.9.9"),
        (["10.0.0.0/8"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
        (["10.0.0.0/8"], "::ffff:10.0.0.1", "::ffff:9.9.9.9", "9.9.9.9"),
        (["10.0.0.0/8"], "", "9.9.9.9", "9.9.9.9"),
        (["fd00::/8"], "fd00::1", "2001:db8::5", "2001:db8::5"),
        ([], "", "9.9.9.9", None),
    ],
)
def test_address_is_what_trusted_proxies_say_and_no_more(proxies, remote, forwarded, found, settings, rf):
    settings.TRUSTED_PROXIES = [ip_network(one) for one in proxies]
    request = rf.get("/", REMOTE_ADDR=remote, HTTP_X_FORWARDED_FOR=forwarded)
    assert address_of(request) == found


def test_operator_finds_events_in_the_admin_and_can_only_look(operator, alice, dataset, page_as):
    event = audit.record(alice, "shared", dataset)
    browser = page_as(operator)
    assert b"Cells" in browser.get("/admin/core/auditevent/?q=alice").content
    assert b"Cells" not in browser.get("/admin/core/auditevent/?q=nobody-of-that-name").content
    assert browser.get(f"/admin/core/auditevent/{event.pk}/change/").status_code == 200
    assert browser.post(f"/admin/core/auditevent/{event.pk}/delete/", {"post": "yes"}).status_code == 403
    assert browser.post(f"/admin/core/auditevent/{event.pk}/change/", {"verb": "x"}).status_code == 403
    assert page_as(alice).get("/admin/core/auditevent/").status_code == 302


def test_events_of_a_team_are_found_by_its_name(operator, alice, dataset, page_as):
    team, other = make_team(alice), make_team(alice, "Ward")
    audit.record(alice, "shared", dataset, team)
    audit.record(alice, "hid", dataset, other)
    audit.record(alice, "lost", dataset, 10**9)
    browser = page_as(operator)
    page = browser.get("/admin/core/auditevent/").content.decode()
    assert f'?team_id={team.pk}">Lab' in page
    assert "which is gone" in page
    found = browser.get(f"/admin/core/auditevent/?team_id={team.pk}").context["cl"].result_list
    assert {(event.verb, event.team_name) for event in found} >= {("shared", "Lab")}
    assert not {"hid", "lost"} & {event.verb for event in found}
    assert browser.get("/admin/core/auditevent/?team_id=x").status_code == 200
