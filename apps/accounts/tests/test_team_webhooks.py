"""Webhooks of teams: told of what is the team's, looked after by its owners, gone with it."""

import json

import pytest
from celery import current_app
from django.utils import timezone

from apps.accounts.teams.services import create_team, delete_team, remove_member
from apps.core.jobs import tell_of_end
from apps.core.models import AuditEvent, Delivery, Job, Webhook
from apps.core.webhooks import delivering, services
from conftest import make_team, member

pytestmark = pytest.mark.django_db
ASKED = {"url": "https://example.org/hook", "events": ["import.finished"], "description": "CI"}


@pytest.fixture(autouse=True)
def no_queue(monkeypatch):
    monkeypatch.setattr(current_app, "send_task", lambda *args, **kw: None)


@pytest.fixture
def team(alice):
    return make_team(alice)


@pytest.fixture
def hook(alice, team):
    return services.create_webhook(alice, **ASKED, team=team)


def ended(owner, team=None):
    """An import that has just ended."""
    job = Job.objects.create(owner=owner, team=team, kind="import", task="none", status="completed")
    tell_of_end(job)
    return job


def told_of():
    """{webhook: ids of the jobs that it was told of}"""
    found = {}
    for row in Delivery.objects.order_by("created_at"):
        found.setdefault(row.webhook_id, []).append(json.loads(row.body)["data"]["job_id"])
    return found


def test_it_is_told_of_what_is_the_teams_whoever_did_it_and_of_nothing_else(hook, team, alice, bob):
    member(team, "reviewer")
    other = make_team(bob, "Other")
    ended(alice)  # her own
    ended(bob, other)
    by_member = ended(team.memberships.get(role="reviewer").user, team)
    assert told_of() == {hook.pk: [by_member.pk]}


def test_it_goes_on_when_its_maker_and_who_did_the_work_have_left(hook, team, alice, operator):
    heir = member(team, "owner")
    remove_member(alice, team, alice.pk)
    job = ended(alice, team)
    assert told_of() == {hook.pk: [job.pk]}
    alice.jobs.all().delete()
    alice.delete()
    assert Webhook.objects.get().owner == heir


def test_ones_own_webhook_is_told_of_ones_work_for_the_team_too(hook, team, alice, bob):
    mine = services.create_webhook(alice, **ASKED)
    services.create_webhook(bob, **ASKED)
    job = ended(alice, team)
    assert told_of() == {hook.pk: [job.pk], mine.pk: [job.pk]}


def test_it_goes_with_its_team(hook, team, alice):
    delete_team(alice, team)
    assert not Webhook.objects.exists()


def test_it_is_made_seen_and_changed_over_the_api(api_as, alice, team):
    api = api_as(alice)
    made = api.post(f"/api/v1/teams/{team.pk}/webhooks", ASKED)
    assert (made.status_code, made.data["team"]) == (201, team.pk)
    assert made.data["secret"].startswith("whsec_")
    listed = api.get(f"/api/v1/teams/{team.pk}/webhooks").data["results"]
    assert [row["id"] for row in listed] == [made.data["id"]]
    assert "secret" not in listed[0]
    changed = api.patch(f"/api/v1/webhooks/{made.data['id']}", {"description": "other", "team": None})
    assert (changed.data["description"], changed.data["team"]) == ("other", team.pk)
    assert api.delete(f"/api/v1/webhooks/{made.data['id']}").status_code == 204


def test_what_is_wrong_is_named(api_as, alice, team):
    answer = api_as(alice).post(f"/api/v1/teams/{team.pk}/webhooks", {**ASKED, "url": "http://10.0.0.1/"})
    assert (answer.status_code, list(answer.data)) == (400, ["url"])


@pytest.mark.parametrize("role", ["viewer", "labeller", "reviewer", "admin"])
def test_who_does_not_own_the_team_is_refused_and_finds_no_webhook(api_as, page_as, hook, team, role):
    user = member(team, role)
    for client, start in ((api_as(user), "/api/v1"), (page_as(user), "")):
        for method in (client.get, client.post):
            assert method(f"{start}/teams/{team.pk}/webhooks", ASKED).status_code == 403
        assert client.get(f"{start}/webhooks/{hook.pk}").status_code == 404
    assert api_as(user).get("/api/v1/webhooks").data["count"] == 0
    assert b"None yet" in page_as(user).get("/webhooks").content
    assert Webhook.objects.get() == hook


def test_an_outsider_finds_nothing(api_as, page_as, hook, team, carol):
    create_team(carol, "Hers")
    for client, start in ((api_as(carol), "/api/v1"), (page_as(carol), "")):
        assert client.get(f"{start}/teams/{team.pk}/webhooks").status_code == 404
        assert client.post(f"{start}/webhooks/{hook.pk}/test").status_code == 404
    assert not Delivery.objects.exists()


def test_its_owners_test_replay_renew_and_delete_it_on_its_page(page_as, hook, team):
    page, address = page_as(member(team, "owner")), f"/webhooks/{hook.pk}"
    page.post(f"{address}/test")
    row = Delivery.objects.get()
    Delivery.objects.update(status="failed", due_at=None)
    page.post(f"{address}/deliveries/{row.pk}/again")
    row.refresh_from_db()
    assert row.status == "pending"
    renewed = page.post(f"{address}/secret").content.decode()
    assert Webhook.objects.get().secret in renewed
    page.post(f"{address}/switch")
    assert not Webhook.objects.get().is_active
    assert page.post(f"{address}/delete")["Location"] == f"/teams/{team.pk}/webhooks"
    assert not Webhook.objects.exists()


def test_the_teams_page_makes_one_and_shows_its_secret_once(page_as, alice, team):
    page, address = page_as(alice), f"/teams/{team.pk}/webhooks"
    assert address in page.get(f"/teams/{team.pk}").content.decode()
    shown = page.post(address, ASKED).content.decode()
    hook = Webhook.objects.get()
    assert hook.team == team
    assert hook.secret in shown
    assert hook.secret not in page.get(address).content.decode()
    assert f"/webhooks/{hook.pk}" in page.get("/webhooks").content.decode()  # with those of mine


def test_what_was_done_to_it_stands_in_the_teams_log(api_as, alice, hook, team):
    services.update_webhook(hook, alice, is_active=False)
    services.renew_secret(hook, alice)
    services.delete_webhook(hook, alice)
    rows = AuditEvent.objects.filter(team_id=team.pk, verb__startswith="webhook").order_by("pk")
    assert [row.verb.removeprefix("webhook ") for row in rows] == ["made", "changed", "secret renewed", "deleted"]
    listed = api_as(member(team, "admin")).get(f"/api/v1/teams/{team.pk}/events?search=webhook").data
    assert listed["count"] == 4


def test_a_team_and_a_person_have_so_many_each(hook, team, alice, monkeypatch):
    monkeypatch.setattr(services, "MOST", 1)
    with pytest.raises(services.WebhookRefused, match="as many as"):
        services.create_webhook(alice, **ASKED, team=team)
    services.create_webhook(alice, **ASKED)  # her own are counted by themselves


def test_all_owners_of_the_team_are_told_that_it_was_switched_off(
    hook, team, page_as, settings, mailoutbox, django_capture_on_commit_callbacks
):
    second = member(team, "owner")
    member(team, "admin")
    settings.WEBHOOK_MAX_FAILURES, settings.MAIL_IS_SENT = 1, True
    Webhook.objects.update(failing_since=timezone.now() - delivering.LEAST_FAILING * 2)
    ended(second, team)
    with django_capture_on_commit_callbacks(execute=True):
        delivering._count_failure(hook, "It answered 410")
    assert sorted(mail.to[0] for mail in mailoutbox) == sorted(["alice@example.org", second.email])
    assert "It answered 410" in page_as(second).get("/webhooks/off").content.decode()


def test_the_list_of_a_team_costs_the_same_for_one_and_for_many(
    page_as, alice, hook, team, django_assert_max_num_queries
):
    page, address = page_as(alice), f"/teams/{team.pk}/webhooks"
    for _ in range(9):
        services.create_webhook(alice, **ASKED, team=team)
    with django_assert_max_num_queries(5):
        page.get(address)
    with django_assert_max_num_queries(3):
        page.get("/webhooks")
