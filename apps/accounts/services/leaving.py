"""A person goes for good, with all that is their own."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.teams.models import Membership, Role
from apps.accounts.teams.services import TeamRefused, remove_member
from apps.core import audit
from apps.core.leaving import PersonStays, delete_possessions, possessions_of, reasons_against

INSTEAD = "Or deactivate the account: then nothing of it is answered any more, and what it owns stays."


def why_person_stays(user):
    """Sentences that say what stands in the way of deleting `user`; empty: nothing does."""
    alone = [one.team for one in _ownerships(user) if not _other_owners(one).exists()]
    return [
        *(
            f"{user.username} is the last owner of the team “{team}”: make somebody else an owner, or delete the team, "
            "on its page."
            for team in alone
        ),
        *reasons_against(user),
    ]


def _ownerships(user):
    return Membership.objects.filter(user=user, role=Role.OWNER).select_related("team").order_by("pk")


def _other_owners(membership):
    return Membership.objects.filter(team=membership.team_id, role=Role.OWNER).exclude(pk=membership.pk)


@transaction.atomic
def delete_person(user, actor):
    """`user` goes, with all that is theirs alone and its files; what they made for a team stays the team's.

    All or nothing: raises PersonStays, which says what to do first, for an operator who is the last one or oneself, the
    last owner of a team, and while they have deployed models or work under way.
    """
    if user.pk == actor.pk:
        raise PersonStays("You cannot delete yourself: another operator can.")
    # Locked, so that of two operators who delete each other at once one stays, and nothing new comes in meanwhile.
    operators = User.objects.select_for_update().filter(is_active=True, is_superuser=True).order_by("pk")
    if list(operators.values_list("pk", flat=True)) == [user.pk]:
        raise PersonStays("This is the last operator. Make another one first.")
    user = User.objects.select_for_update().filter(pk=user.pk).first()
    if user is None:
        raise PersonStays("This person was deleted already.")
    against = why_person_stays(user)
    if against:
        raise PersonStays(f"{user.username} stays. {' '.join(against)} {INSTEAD}")
    audit.record(actor, "person deleted", user, along=possessions_of(user), tokens=user.api_tokens.count())
    delete_possessions(user, actor)
    for one in user.memberships.select_related("team").order_by("team"):
        try:
            remove_member(actor, one.team, user.pk)
        except TeamRefused as refused:  # another owner left at this moment
            raise PersonStays(str(refused)) from None
    user.delete()
