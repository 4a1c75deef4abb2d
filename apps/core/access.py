"""Who may: the one place that decides, which the access rules of all apps ask.

A row belongs to a person (`owner`), or with `team` set to a team: then rights come from the membership alone, whoever
made it. A row that a person may not see does not exist for them (404); what they see but may not do is refused (403).
"""

from enum import IntEnum

from django.core.exceptions import PermissionDenied
from django.db.models import Case, Q, When, prefetch_related_objects
from django.http import Http404
from django.shortcuts import get_object_or_404

from apps.core.models import Job


class Right(IntEnum):
    """What a person may do with a row; each takes in those before it."""

    NONE = 0
    SEE = 1  # what is public too: look at it, download it, ask it where it is deployed, train on it
    INSIDE = 2  # what only those whose it is see: models that are not deployed, jobs, traffic
    LABEL = 3  # label images
    REVIEW = 4  # accept labels and send them back, bring in images and archives
    EDIT = 5  # everything with datasets, models, trainings, deployments; members below owner
    MANAGE = 6  # owners, the team itself, what it owns


ROLES = {
    "viewer": Right.INSIDE, "labeller": Right.LABEL, "reviewer": Right.REVIEW, "admin": Right.EDIT,
    "owner": Right.MANAGE,
}  # fmt: skip
ROLE_OF = {right: role for role, right in ROLES.items()}  # the least role that has a right


def roles_with(right):
    """The roles that have a right."""
    return [role for role, held in ROLES.items() if held >= right]


def rights_in_teams(user):
    """`{team id: Right}`, read once for each user object, which is once a request."""
    if not user.is_authenticated:
        return {}
    prefetch_related_objects([user], "memberships")  # kept with the object until `forget_teams`
    return {one.team_id: ROLES[one.role] for one in user.memberships.all()}


def forget_teams(user):
    """What was read of a person's teams is to be read again: they have just come into one, or out."""
    getattr(user, "_prefetched_objects_cache", {}).pop("memberships", None)


def right_in_team(user, team_id):
    """What `user` may do with what is this team's."""
    return Right.MANAGE if user.is_superuser else rights_in_teams(user).get(team_id, Right.NONE)


def right_to(user, row, owner="owner"):
    """What `user` may do with a row that has an owner, a team or none, and may be public."""
    if user.is_superuser:
        return Right.MANAGE
    public = Right.SEE if getattr(row, "is_public", False) else Right.NONE
    if row.team_id is not None:
        return max(right_in_team(user, row.team_id), public)
    return Right.MANAGE if user.is_authenticated and getattr(row, f"{owner}_id") == user.pk else public


def may(user, right, row, owner="owner"):
    """Whether `user` has this right to a row."""
    return right_to(user, row, owner) >= right


def teams_of(user, right=Right.INSIDE):
    """A subquery: the ids of the teams in which `user` has this right."""
    rows = user.memberships.all()
    return (rows if right <= Right.INSIDE else rows.filter(role__in=roles_with(right))).order_by().values("team_id")


def held_by(user, right=Right.INSIDE, owner="owner"):
    """The condition of rows that are `user`'s own, or of a team in which they have this right; for who is signed in."""
    return Q(**{owner: user}, team=None) | Q(team__in=teams_of(user, right))


def rows_held(queryset, user, right=Right.INSIDE, owner="owner"):
    """The rows to which `user` has this right by more than their being public; all for an operator."""
    if user.is_superuser:
        return queryset
    return queryset.filter(held_by(user, right, owner)) if user.is_authenticated else queryset.none()


def rows_seen(queryset, user, owner="owner", public="is_public"):
    """The rows that are `user`'s or their teams', plus the public ones; all for an operator, public ones for nobody."""
    if user.is_superuser:
        return queryset
    seen = Q(**{public: True})
    return queryset.filter(seen | held_by(user, owner=owner) if user.is_authenticated else seen)


def own_first(user, owner="owner"):
    """To order by: one's own, then one's teams', then others'."""
    return Case(
        When(Q(**{f"{owner}_id": user.pk}, team=None), then=0), When(team__in=teams_of(user), then=1), default=2
    )


def holder(row, owner="owner"):
    """The look-up of what belongs to whom this row belongs: `{"team_id": …}`, or the person's own."""
    if row.team_id is not None:
        return {"team_id": row.team_id}
    return {f"{owner}_id": getattr(row, f"{owner}_id"), "team_id": None}


def team_for(user, row):
    """The id of the team that work of `user` about this row belongs to: the row's, where they are its member."""
    team_id = row and row.team_id
    return team_id if team_id is not None and (user.is_superuser or team_id in rights_in_teams(user)) else None


def check(user, right, row, owner="owner"):
    """PermissionDenied, in words that say who may, for who sees a row but has not this right to it."""
    held = right_to(user, row, owner)
    if held >= right:
        return
    if row.team_id is None:
        raise PermissionDenied("You can see this, but only its owner can change it.")
    refuse_in_team(row.team, right, held)


def refuse_in_team(team, right, held):
    """PermissionDenied with the role that this takes and the one that is held."""
    needed = ROLE_OF[max(right, Right.INSIDE)]
    if held < Right.INSIDE:
        raise PermissionDenied(f"You can see this, but it belongs to the team “{team}”: its members can change it.")
    raise PermissionDenied(
        f"This takes the role of {needed} in the team “{team}”, and yours is {ROLE_OF[held]}. "
        "Its owners and admins give roles."
    )


def get_with(right, visible, user, pk, owner="owner"):
    """The row `pk` of the visible ones: Http404 for who may not see it, PermissionDenied for who has not this right."""
    row = get_object_or_404(visible, pk=pk)
    check(user, right, row, owner)
    return row


def jobs_visible_to(user):
    """A job is its owner's, or its team's, and the operator's."""
    return rows_held(Job.objects.all(), user)


def get_job(user, pk):
    """The job, or Http404."""
    job = jobs_visible_to(user).filter(pk=pk).first()
    if job is None:
        raise Http404("No such job.")
    return job


def is_started_with(token, pk):
    """Whether this API token started the job, a batch of predictions."""
    return Job.objects.filter(pk=pk, kind="batch", params__token_id=token.pk).exists()


def may_steer(user, job):
    """A job is cancelled by who started it, as long as it is theirs to see, and a team's by its admins too."""
    return may(user, Right.INSIDE if job.owner_id == user.pk else Right.EDIT, job)


def get_job_to_steer(user, pk):
    """The job, to cancel; Http404 or PermissionDenied."""
    job = get_job(user, pk)
    check_may_steer(user, job)
    return job


def check_may_steer(user, job):
    """PermissionDenied for who sees a job and may not steer it."""
    if not may_steer(user, job):
        check(user, Right.EDIT, job)
