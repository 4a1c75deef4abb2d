"""What a row has that belongs to a person or to a team."""

from django.db import models


def of_person_or_team(collector, field, rows, using):
    """on_delete of who owns or made a row: one's own goes along; a team's stays, as of one of the team's owners.

    Raises ProtectedError where the team has no other owner.
    """
    models.CASCADE(collector, field, rows.filter(team=None), using)
    going = collector.data.get(field.remote_field.model, ())
    teams = rows.model._meta.get_field("team").related_model.objects.using(using)
    for team in teams.filter(pk__in=rows.exclude(team=None).order_by().values("team_id")):
        heir = team.memberships.filter(role="owner").exclude(user__in=going).order_by("pk").first()
        if heir is None:
            raise models.ProtectedError("The team has no other owner.", {team})
        collector.add_field_update(field, heir.user_id, rows.filter(team=team))


PARENTS = ("dataset", "image", "job", "model", "deployment", "webhook", "capture")


def team_of(row):
    """The id of the team that a row belongs to, or else what it hangs on; None for a person's own."""
    if hasattr(row, "team_id"):
        return row.team_id
    parent = next(filter(None, (getattr(row, name, None) for name in PARENTS)), None)
    return team_of(parent) if parent is not None else None


class OfTeam(models.Model):
    """The base of what belongs to a person or to a team."""

    team = models.ForeignKey(
        "accounts.Team", models.PROTECT, null=True, blank=True, related_name="+",
        db_index=False,  # each table has an index that begins with it
        help_text="Whose it is; empty: it is its owner's own.",
    )  # fmt: skip

    class Meta:
        abstract = True
