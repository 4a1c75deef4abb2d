"""From the link of a team to an account and into the team, whatever the setting REGISTRATION says."""

import pytest
from django.core import mail

from apps.accounts.models import User
from apps.accounts.teams import invitations
from apps.accounts.teams.models import Role
from conftest import make_team, person

PASSWORD = "correct horse 9"
PAGE = {"username": "dora", "email": "dora@example.org", "password1": PASSWORD, "password2": PASSWORD}
API = {"username": "dora", "email": "dora@example.org", "password": PASSWORD}


@pytest.fixture
def team(alice):
    return make_team(alice)


@pytest.fixture
def key(team, alice):
    return invitations.invite(alice, team, Role.LABELLER)[1]


def role_of_dora(team):
    return team.memberships.filter(user__username="dora").values_list("role", flat=True).first()


@pytest.mark.parametrize("mode", ["open", "invitation"])
def test_who_has_no_account_makes_one_by_a_teams_link_and_is_in_the_team(mode, team, key, settings, client):
    settings.REGISTRATION = mode
    page = client.get(f"/teams/join/{key}").content.decode()
    assert "alice invites you" in page
    assert f'href="/account/invitation/{key}"' in page
    form = client.get(f"/account/invitation/{key}").content.decode()
    assert f"the team “{team.name}”" in form
    answer = client.post(f"/account/invitation/{key}", PAGE)
    assert (answer.status_code, answer["Location"]) == (302, f"/teams/{team.pk}")
    assert role_of_dora(team) == "labeller"
    assert b"You are in the team" in client.get(f"/teams/{team.pk}").content
    client.logout()
    assert client.get(f"/teams/join/{key}").status_code == 410
    assert client.post(f"/account/invitation/{key}", PAGE | {"username": "ed"}).status_code == 410


@pytest.mark.parametrize("mode", ["open", "invitation"])
def test_a_program_makes_an_account_by_a_teams_link(mode, team, key, settings, api_as):
    settings.REGISTRATION = mode
    assert api_as().post("/api/v1/auth/register", API | {"invitation": key}).status_code == 201
    assert role_of_dora(team) == "labeller"


def test_where_registration_is_closed_the_teams_page_says_who_makes_accounts(team, key, settings, client, api_as):
    settings.REGISTRATION, settings.OPERATOR_CONTACT = "closed", "Dana, dana@example.org"
    page = client.get(f"/teams/join/{key}").content.decode()
    assert "accounts are made by operators. Ask the operator (Dana, dana@example.org)" in page
    assert f"/account/invitation/{key}" not in page
    assert f"/account/sign-in?next=/teams/join/{key}" in page
    assert client.post(f"/account/invitation/{key}", PAGE).status_code == 403
    assert api_as().post("/api/v1/auth/register", API | {"invitation": key}).status_code == 403
    assert not User.objects.filter(username="dora").exists()


def test_an_operator_keeps_it_to_themselves_who_comes_in(team, key, settings, client, page_as, api_as):
    settings.REGISTRATION, settings.TEAM_INVITATIONS_REGISTER = "invitation", False
    assert "by invitation of an operator" in client.get(f"/teams/join/{key}").content.decode()
    assert client.post(f"/account/invitation/{key}", PAGE).status_code == 403
    assert api_as().post("/api/v1/auth/register", API | {"invitation": key}).status_code == 403
    assert not User.objects.filter(username="dora").exists()
    assert "cannot make one by this link" in page_as(User.objects.get()).get(f"/teams/{team.pk}").content.decode()


def test_the_link_of_an_admin_who_is_none_any_more_makes_no_account(team, alice, key, settings, client):
    settings.REGISTRATION = "invitation"
    team.memberships.update(role="viewer")
    assert client.post(f"/account/invitation/{key}", PAGE).status_code == 410
    assert not User.objects.filter(username="dora").exists()


def test_who_goes_by_the_sign_in_page_comes_back_to_where_they_wanted_to_go(key, client):
    wanted = f"/teams/join/{key}"
    assert f'"/account/register?next={wanted}"' in client.get(f"/account/sign-in?next={wanted}").content.decode()
    assert f'name="next" value="{wanted}"' in client.get(f"/account/register?next={wanted}").content.decode()
    assert client.post("/account/register", PAGE | {"next": wanted})["Location"] == wanted
    assert client.get(f"/account/register?next={wanted}")["Location"] == wanted  # signed in already


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["https://evil.example", "//evil.example/x", "/\\evil.example", "javascript:1", ""])
def test_registering_leads_to_no_other_site(address, client):
    assert client.post("/account/register", PAGE | {"next": address})["Location"] == "/"
    assert client.get("/account/register", {"next": address})["Location"] == "/"


def test_a_link_that_went_to_the_address_proves_it_and_another_does_not_keep_out_of_the_team(
    team, alice, settings, client, run_tasks_at_once, django_capture_on_commit_callbacks
):
    settings.MAIL_IS_SENT, settings.DEFAULT_FROM_EMAIL, settings.REGISTRATION = True, "yolo@example.org", "invitation"
    with django_capture_on_commit_callbacks(execute=True):
        invitations.invite(alice, team, Role.VIEWER, "dora@example.org", "http://testserver")
    path = mail.outbox[0].body.split("http://testserver/teams/join/")[1].split()[0]
    client.post(f"/account/invitation/{path}", PAGE)
    assert User.objects.get(username="dora").must_verify_email is False
    client.logout()
    _, key = invitations.invite(alice, team, Role.VIEWER)
    client.post(f"/account/invitation/{key}", PAGE | {"username": "ed", "email": "ed@example.org"})
    ed = team.memberships.get(user__username="ed").user
    assert ed.must_verify_email is True
    assert client.post("/datasets/new", {"name": "x", "team": team.pk}).status_code == 403


def test_an_unverified_person_joins_whoever_invites_them(team, key, page_as, api_as):
    eve = person("eve", must_verify_email=True)
    assert page_as(eve).post(f"/teams/join/{key}").status_code == 302
    _, other = invitations.invite(team.memberships.get(role="owner").user, team, Role.VIEWER)
    fred = person("fred", must_verify_email=True)
    assert api_as(fred).post("/api/v1/teams/join", {"key": other}).status_code == 200
    assert set(team.memberships.values_list("user__username", flat=True)) >= {"eve", "fred"}
