"""Who may see and change teams: its members see one, admins bring people in, owners do the rest."""

from django.http import Http404

from apps.accounts.teams.models import Team
from apps.core.access import Right, refuse_in_team, right_in_team, teams_of


def teams_visible_to(user):
    """The teams that `user` is in; all for an operator."""
    return Team.objects.all() if user.is_superuser else Team.objects.filter(pk__in=teams_of(user))


def teams_with(user, right):
    """The teams in which `user` is a member with this right."""
    return Team.objects.filter(pk__in=teams_of(user, right))


def get_team(user, pk, right=Right.INSIDE):
    """The team; Http404 for who is not in it, PermissionDenied for whose role has not this right."""
    team = teams_visible_to(user).filter(pk=pk).first()
    if team is None:
        raise Http404("No such team.")
    held = right_in_team(user, team.pk)
    if held < right:
        refuse_in_team(team, right, held)
    return team


def get_member(team, user_id):
    """The membership of a team that was looked up for this user, or Http404."""
    member = team.memberships.select_related("user").filter(user=user_id).first()
    if member is None:
        raise Http404("Nobody of that id is in this team.")
    return member
