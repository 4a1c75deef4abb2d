"""Invitations to teams: a link that is good once, for a role."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apps.accounts import tasks
from apps.accounts.mail import later
from apps.accounts.services.links import LinkRefused, find_link, make_link, revoke_link, use_link
from apps.accounts.teams.models import Membership, Role, TeamInvitation
from apps.accounts.teams.services import TeamRefused, add_member, roles_to_give
from apps.core import audit, limits

PURPOSE = "team"
MOST = 200  # that wait at once for one team
MAILS_AN_HOUR = 50  # that one person has sent to others


@transaction.atomic
def invite(actor, team, role, email="", site=""):
    """A new invitation as (row, key); the key goes into the link and cannot be shown again.

    With an address, where mail is sent, the link goes there, and the key is None. Raises TeamRefused.
    """
    if role not in roles_to_give(actor, team):
        raise TeamRefused("This role is not yours to give: only an owner of the team invites owners.", "role")
    if email and Membership.objects.filter(team=team, user__email__iexact=email).exists():
        raise TeamRefused("Somebody with this address is in the team already.", "email")
    if len(pending(team)) >= MOST:
        raise TeamRefused(f"{MOST} invitations wait already: withdraw some that nobody used.")
    by_mail = bool(email and settings.MAIL_IS_SENT)
    if by_mail and not limits.is_within("invitations", str(actor.pk), MAILS_AN_HOUR, 3600):
        raise TeamRefused(
            f"You had {MAILS_AN_HOUR} invitations sent within an hour. Go on later, or leave the address out and hand "
            "the link on yourself.", "email",
        )  # fmt: skip
    link, key = make_link(PURPOSE, actor, email=email, lifetime=timedelta(days=settings.INVITATION_DAYS))
    row = TeamInvitation.objects.create(team=team, role=role, link=link)
    audit.record(actor, "invited to a team", row, team, role=role, email=email)
    if by_mail:
        later(tasks.send_team_invitation, row.pk, site)
        return row, None
    return row, key


def pending(team):
    """The invitations that are still good, newest first."""
    rows = team.invitations.select_related("link__made_by").filter(link__used_at=None, link__revoked_at=None)
    return [row for row in rows if row.link.is_good]


@transaction.atomic
def withdraw(actor, row):
    """The invitation is good no more; False where it was used or withdrawn before."""
    if not revoke_link(row.link):
        return False
    audit.record(actor, "withdrew an invitation", row, row.team, role=row.role, email=row.link.email)
    return True


def find_invitation(key):
    """The invitation that a key opens, still good; raises LinkRefused.

    It is as good as the right of who made it: an admin who is one no more invites nobody.
    """
    link = find_link(PURPOSE, key)
    row = TeamInvitation.objects.select_related("team", "link__made_by").get(link=link)
    maker = row.link.made_by
    if not maker.is_active or row.role not in roles_to_give(maker, row.team):
        raise LinkRefused(f"{maker.username}, who invited you, may not invite any more. Ask an admin of the team.")
    return row


@transaction.atomic
def accept(user, key):
    """`user` joins by the link, which is used up; returns the Membership. Raises LinkRefused."""
    row = find_invitation(key)
    if Membership.objects.filter(team=row.team, user=user).exists():
        raise LinkRefused(f"You are in the team “{row.team}” already: the link is still good for somebody else.")
    use_link(row.link, user)
    return add_member(row.team, user, Role(row.role), invited_by=row.link.made_by.username)
