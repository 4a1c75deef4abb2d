"""Every write to teams and to who is in them. Of two who change a team's owners at once, the second sees the first."""

from django.db import IntegrityError, transaction

from apps.accounts.teams.models import Membership, Role, Team
from apps.core import audit
from apps.core.access import Right, forget_teams, right_in_team
from apps.core.belongings import counted, left_in
from apps.core.models import Job


class TeamRefused(ValueError):
    """This cannot be done; the message says why, and `field` is to blame ("detail": none is)."""

    def __init__(self, message, field="detail"):
        self.field = field
        super().__init__(message)


def create_team(user, name):
    """A new team with `user` as its owner; raises TeamRefused for a name that is taken."""
    with transaction.atomic():
        team = _named(Team(), name)
        Membership.objects.create(team=team, user=user, role=Role.OWNER)
        audit.record(user, "made a team", team, team)
    forget_teams(user)
    return team


def rename_team(actor, team, name):
    """Another name; raises TeamRefused."""
    before = team.name
    with transaction.atomic():
        _named(team, name)
        if team.name != before:
            audit.record(actor, "renamed a team", team, team, before=before)
    return team


def _named(team, name):
    name = " ".join(name.split())
    if not name or not name.isprintable():
        raise TeamRefused("A team needs a name of 1 to 80 printable characters.", "name")
    team.name = name
    try:
        with transaction.atomic():
            team.save()
    except IntegrityError:
        raise TeamRefused(f"There is a team “{name}” already. Choose another name.", "name") from None
    return team


@transaction.atomic
def add_member(team, user, role, **detail):
    """`user` joins in a role; who is in the team already keeps theirs. Returns the Membership."""
    member, is_new = Membership.objects.get_or_create(team=team, user=user, defaults={"role": role})
    if is_new:
        forget_teams(user)
        audit.record(user, "joined a team", user, team, role=role, **detail)
    return member


@transaction.atomic
def set_role(actor, team, user_id, role):
    """Give a member another role; raises TeamRefused.

    Admins give and take the roles below owner; owners all of them. The last owner stays one.
    """
    member = _locked(team, user_id)
    _check_may_change(actor, team, member, role)
    if member.role == Role.OWNER and role != Role.OWNER:
        _check_other_owner(team, member)
    before, member.role = member.role, role
    member.save(update_fields=["role"])
    if before != role:
        audit.record(actor, "changed a role", member.user, team, before=before, role=role)
    return member


@transaction.atomic
def remove_member(actor, team, user_id):
    """Take somebody out, or leave; what they made for the team stays the team's. Raises TeamRefused."""
    member = _locked(team, user_id)
    if member.user_id != actor.pk:
        _check_may_change(actor, team, member)
    if member.role == Role.OWNER:
        _check_other_owner(team, member)
    member.delete()
    forget_teams(actor)
    verb = "left a team" if member.user_id == actor.pk else "removed a member"
    audit.record(actor, verb, member.user, team, role=member.role)


@transaction.atomic
def delete_team(actor, team):
    """The team goes, with its memberships, invitations and the records of its jobs; raises TeamRefused while it has
    anything, or work is under way."""
    Team.objects.select_for_update().filter(pk=team.pk).first()
    left = counted(dict(left_in(team)))
    if left:
        raise TeamRefused(f"“{team}” still has {', '.join(left)}. Transfer or delete them first.")
    jobs = Job.objects.filter(team=team)
    if jobs.filter(status__in=Job.ACTIVE).exists():
        raise TeamRefused(f"A job of “{team}” is under way. Wait for it, or cancel it.")
    audit.record(actor, "deleted a team", team, team, members=team.memberships.count())
    jobs.delete()  # their files are found by the sweep of stray files
    team.delete()


def _locked(team, user_id):
    """The membership as it is now, with the team held until the transaction ends; raises TeamRefused."""
    Team.objects.select_for_update().filter(pk=team.pk).first()
    member = Membership.objects.select_related("user").filter(team=team, user=user_id).first()
    if member is None:
        raise TeamRefused("They are not in this team any more.")
    return member


def _check_may_change(actor, team, member, role=None):
    """Raise TeamRefused where it takes an owner."""
    fresh = Membership.objects.filter(team=team, user=actor.pk).values_list("role", flat=True).first()
    is_owner = actor.is_superuser or fresh == Role.OWNER
    if is_owner or (fresh == Role.ADMIN and Role.OWNER not in (member.role, role)):
        return
    raise TeamRefused("Only an owner of the team makes owners, or changes what owners are.")


def _check_other_owner(team, member):
    if not team.memberships.filter(role=Role.OWNER).exclude(pk=member.pk).exists():
        raise TeamRefused(
            f"{member.user.username} is the last owner of “{team}”. Make somebody else an owner first, "
            "or delete the team."
        )


def roles_to_give(actor, team):
    """The roles that `actor` may give: admins all but owner, owners all, others none."""
    right = right_in_team(actor, team.pk)
    if right < Right.EDIT:
        return []
    return [role for role in Role if right >= Right.MANAGE or role != Role.OWNER]
