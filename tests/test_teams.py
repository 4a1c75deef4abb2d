"""Teams: who joins, who changes what, who may leave; and invitations that are good once."""

import re
import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import close_old_connections, models
from django.utils import timezone

from apps.accounts.models import OneTimeLink, User
from apps.accounts.services.links import LinkRefused
from apps.accounts.teams import invitations, services
from apps.accounts.teams.models import Membership, Role, Team
from apps.accounts.teams.services import TeamRefused
from apps.core.models import AuditEvent, Job
from apps.datasets import services as datasets
from apps.datasets.models import Dataset
from conftest import make_team, member, person


def verbs(team):
    return list(AuditEvent.objects.filter(team_id=team.pk).order_by("pk").values_list("verb", flat=True))


def roles_of(team):
    return dict(team.memberships.values_list("user__username", "role"))


def test_who_makes_a_team_owns_it_and_its_name_is_taken_in_any_case(alice, bob):
    team = services.create_team(alice, "  Blood   lab ")
    assert (team.name, roles_of(team)) == ("Blood lab", {"alice": "owner"})
    assert verbs(team) == ["made a team"]
    with pytest.raises(TeamRefused, match="already"):
        services.create_team(bob, "BLOOD LAB")
    assert Team.objects.count() == 1


def test_admins_give_the_roles_below_owner_and_owners_all(team):
    admin, labeller, owner = member(team, "admin"), member(team, "labeller"), team.memberships.get(role="owner").user
    services.set_role(admin, team, labeller.pk, Role.REVIEWER)
    assert roles_of(team)["labeller-of-lab"] == "reviewer"
    for actor, target, role in [
        (admin, labeller, Role.OWNER),
        (admin, owner, Role.VIEWER),
        (labeller, admin, Role.VIEWER),
    ]:
        with pytest.raises(TeamRefused, match="Only an owner"):
            services.set_role(actor, team, target.pk, role)
    with pytest.raises(TeamRefused, match="Only an owner"):
        services.remove_member(admin, team, owner.pk)
    services.set_role(owner, team, admin.pk, Role.OWNER)
    services.set_role(admin, team, owner.pk, Role.VIEWER)
    assert roles_of(team)["owner-of-lab"] == "viewer"
    assert verbs(team).count("changed a role") == 3


def test_the_last_owner_neither_leaves_nor_steps_down(team):
    owner = team.memberships.get().user
    member(team, "admin")
    for try_it in (
        lambda: services.remove_member(owner, team, owner.pk),
        lambda: services.set_role(owner, team, owner.pk, Role.ADMIN),
    ):
        with pytest.raises(TeamRefused, match="last owner"):
            try_it()
    second = member(team, "owner", "second")
    services.remove_member(owner, team, owner.pk)
    with pytest.raises(TeamRefused, match="last owner"):
        services.remove_member(second, team, second.pk)


def test_of_two_owners_who_leave_at_once_one_stays(threads_database):
    team = make_team(person("first"))
    member(team, "owner", "second")
    ready, refused = threading.Barrier(2), []

    def leave(pk):
        user = User.objects.get(pk=pk)
        ready.wait(10)
        try:
            services.remove_member(user, team, pk)
        except TeamRefused as words:
            refused.append(str(words))
        finally:
            close_old_connections()

    threads = [threading.Thread(target=leave, args=[pk]) for pk in team.memberships.values_list("user", flat=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert team.memberships.filter(role="owner").count() == 1
    assert len(refused) == 1


def test_a_team_goes_only_when_it_has_nothing_and_says_what_is_left(team, alice):
    owner = team.memberships.get().user
    dataset = datasets.create_dataset(owner, "Cells", team=team)
    with pytest.raises(TeamRefused, match=r"still has 1 dataset\."):
        services.delete_team(owner, team)
    datasets.delete_dataset(dataset, owner)
    job = Job.objects.create(owner=owner, team=team, kind="export", task="x", status="running")
    with pytest.raises(TeamRefused, match="under way"):
        services.delete_team(owner, team)
    Job.objects.filter(pk=job.pk).update(status="completed")
    services.delete_team(owner, Team.objects.get())
    assert not Team.objects.exists()
    assert verbs(team)[-2:] == ["deleted", "deleted a team"]


def test_a_person_who_is_deleted_leaves_what_they_made_to_the_team(team):
    owner, maker = team.memberships.get().user, member(team, "admin")
    kept = datasets.create_dataset(maker, "The team's", team=team)
    datasets.create_dataset(maker, "Own")
    maker.delete()
    assert list(Dataset.objects.values_list("pk", "owner")) == [(kept.pk, owner.pk)]


def test_the_last_owner_of_a_team_cannot_be_deleted(team):
    with pytest.raises(models.ProtectedError) as refused:
        team.memberships.get().user.delete()
    assert refused.value.protected_objects == {team.memberships.get()}
    owners = [team.memberships.get().user, member(team, "owner", "second")]
    with pytest.raises(models.ProtectedError):
        User.objects.filter(pk__in=[one.pk for one in owners]).delete()
    owners[0].delete()
    assert roles_of(team) == {"second": "owner"}


def test_an_invitation_is_good_once(team, bob, carol):
    owner = team.memberships.get().user
    row, key = invitations.invite(owner, team, Role.LABELLER)
    assert [one.pk for one in invitations.pending(team)] == [row.pk]
    assert key not in str(OneTimeLink.objects.values())
    assert invitations.accept(bob, key).role == "labeller"
    with pytest.raises(LinkRefused, match="good once"):
        invitations.accept(carol, key)
    assert invitations.pending(team) == []
    assert set(roles_of(team)) == {"owner-of-lab", "bob"}
    assert verbs(team) == ["made a team", "invited to a team", "joined a team"]


def test_of_two_who_take_an_invitation_at_once_one_joins(threads_database):
    team = make_team()
    _, key = invitations.invite(team.memberships.get().user, team, Role.VIEWER)
    people, ready, refused = [person("bob"), person("carol")], threading.Barrier(2), []

    def take(user):
        ready.wait(10)
        try:
            invitations.accept(user, key)
        except LinkRefused as words:
            refused.append(str(words))
        finally:
            close_old_connections()

    threads = [threading.Thread(target=take, args=[user]) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(refused) == 1
    assert team.memberships.count() == 2


def test_an_invitation_ends_with_its_time_its_withdrawal_and_the_right_of_who_made_it(team, bob):
    owner, admin = team.memberships.get().user, member(team, "admin")
    withdrawn, first = invitations.invite(admin, team, Role.VIEWER)
    assert invitations.withdraw(owner, withdrawn)
    assert not invitations.withdraw(owner, withdrawn)
    late, second = invitations.invite(admin, team, Role.VIEWER)
    OneTimeLink.objects.filter(pk=late.link_id).update(expires_at=timezone.now() - timedelta(seconds=1))
    _, third = invitations.invite(admin, team, Role.VIEWER)
    services.set_role(owner, team, admin.pk, Role.VIEWER)
    for key, words in [
        (first, "withdrawn"),
        (second, "was good until"),
        (third, "may not invite"),
        ("x" * 40, "not known"),
    ]:
        with pytest.raises(LinkRefused, match=words):
            invitations.accept(bob, key)
    assert not Membership.objects.filter(user=bob).exists()


def test_who_is_in_the_team_already_does_not_use_an_invitation_up(team, bob):
    owner = team.memberships.get().user
    _, key = invitations.invite(owner, team, Role.ADMIN)
    with pytest.raises(LinkRefused, match="already"):
        invitations.accept(member(team, "viewer"), key)
    assert invitations.accept(bob, key).role == "admin"
    bob.refresh_from_db()
    with pytest.raises(TeamRefused, match="not yours to give"):
        invitations.invite(bob, team, Role.OWNER)
    with pytest.raises(TeamRefused, match="in the team already"):
        invitations.invite(bob, team, Role.VIEWER, "BOB@example.org")


def test_an_invitation_goes_by_mail_where_mail_is_sent(
    team, page_as, settings, run_tasks_at_once, django_capture_on_commit_callbacks
):
    settings.MAIL_IS_SENT, settings.DEFAULT_FROM_EMAIL = True, "yolo@example.org"
    owner, bob = team.memberships.get().user, person("bob")
    with django_capture_on_commit_callbacks(execute=True):
        page_as(owner).post(f"/teams/{team.pk}/invite", {"role": "viewer", "email": "bob@example.org"})
    [sent] = mail.outbox
    [path] = re.findall(r"http://testserver(/teams/join/\S+)", sent.body)
    assert sent.to == ["bob@example.org"]
    assert page_as(bob).post(path).status_code == 302
    assert roles_of(team)["bob"] == "viewer"


# The doors: who gets which answer. The walk over all routes has every one; here is what the pages and calls do.


def test_pages_make_a_team_invite_join_change_and_leave(alice, bob, page_as):
    browser, other = page_as(alice), page_as(bob)
    assert "You are in no team" in other.get("/teams/").content.decode()
    page = browser.post("/teams/", {"name": "Lab"}, follow=True).content.decode()
    team = Team.objects.get()
    assert "Nothing yet" in page
    shown = browser.post(f"/teams/{team.pk}/invite", {"role": "labeller"}).content.decode()
    [path] = re.findall(r"http://testserver(/teams/join/[^<]+)<", shown)
    assert other.get(f"/teams/{team.pk}").status_code == 404
    assert "Join “Lab”?" in other.get(path).content.decode()
    other.post(path)
    assert other.get(path).status_code == 410
    assert other.get(f"/teams/{team.pk}").status_code == 200
    assert other.get(f"/teams/{team.pk}/events").status_code == 403
    browser.post(f"/teams/{team.pk}/members/{bob.pk}/role", {"role": "admin"})
    assert roles_of(team) == {"alice": "owner", "bob": "admin"}
    assert "changed a role" in other.get(f"/teams/{team.pk}/events?search=role").content.decode()
    assert "No event has all" in other.get(f"/teams/{team.pk}/events?search=nonsense").content.decode()
    assert "last owner" in browser.post(f"/teams/{team.pk}/leave", follow=True).content.decode()
    other.post(f"/teams/{team.pk}/leave")
    assert roles_of(team) == {"alice": "owner"}
    browser.post(f"/teams/{team.pk}/rename", {"name": "Laboratory"})
    browser.post(f"/teams/{team.pk}/delete")
    assert not Team.objects.exists()


def test_calls_make_a_team_invite_join_change_and_leave(alice, bob, api_as):
    api, other = api_as(alice), api_as(bob)
    team = api.post("/api/v1/teams", {"name": "Lab"}).json()
    assert (team["my_role"], team["num_members"]) == ("owner", 1)
    assert api.post("/api/v1/teams", {"name": "lab"}).json() == {
        "name": ["There is a team “lab” already. Choose another name."]
    }
    path = f"/api/v1/teams/{team['id']}"
    made = api.post(f"{path}/invitations", {"role": "labeller"}).json()
    assert made["url"].endswith(made["key"])
    assert other.get(path).status_code == 404
    assert other.post("/api/v1/teams/join", {"key": made["key"]}).json()["my_role"] == "labeller"
    assert other.post("/api/v1/teams/join", {"key": made["key"]}).status_code == 410
    assert other.get(f"{path}/members").json()["count"] == 2
    assert other.patch(f"{path}/members/{bob.pk}", {"role": "owner"}).status_code == 403
    assert api.patch(f"{path}/members/{bob.pk}", {"role": "king"}).status_code == 400
    assert api.patch(f"{path}/members/{bob.pk}", {"role": "admin"}).json()["role"] == "admin"
    assert other.post(f"{path}/invitations", {"role": "owner"}).status_code == 400
    assert other.get(f"{path}/events?search=alice role").json()["results"][0]["verb"] == "changed a role"
    assert api.delete(f"{path}/members/{alice.pk}").status_code == 409
    assert other.delete(f"{path}/members/{bob.pk}").status_code == 204
    assert other.get("/api/v1/teams").json()["count"] == 0
    assert api.patch(path, {"name": "Laboratory"}).json()["name"] == "Laboratory"
    assert api.delete(path).status_code == 204


def test_the_list_and_a_team_of_many_ask_as_often_as_of_one(alice, page_as):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    team, browser, asked = make_team(alice), page_as(alice), []
    for number in (1, 20):
        for n in range(number):
            member(team, "viewer", f"viewer-{number}-{n}")
            make_team(person(f"other-{number}-{n}"), f"Team {number}-{n}").memberships.create(user=alice, role="viewer")
            invitations.invite(alice, team, Role.VIEWER)
        for path in ("/teams/", f"/teams/{team.pk}", f"/teams/{team.pk}/events"):
            browser.get(path)
            with CaptureQueriesContext(connection) as queries:
                browser.get(path)
            asked.append(len(queries))
    assert asked[:3] == asked[3:]
