"""“Belongs to”: me, or a team in which I may change everything; in forms and in the API."""

from django import forms
from rest_framework import serializers

from apps.accounts.teams.access import teams_with
from apps.accounts.teams.models import Team
from apps.core.access import Right


def offer_teams(form, user):
    """Give a form the field `team`, for who has a team to choose; what is left empty is the person's own."""
    teams = teams_with(user, Right.EDIT)
    if teams.exists():
        form.fields["team"] = forms.ModelChoiceField(
            teams, required=False, label="Belongs to", empty_label="me alone",
            help_text="What is a team’s, its members see and change by their roles.",
        )  # fmt: skip


class TeamField(serializers.PrimaryKeyRelatedField):
    """The id of the team that a row belongs to, or null: its owner's own. Whoever makes one for a team is an admin."""

    default_error_messages = {
        "does_not_exist": "Accepted: the id of a team in which you are an admin or an owner, or null."
    }

    def __init__(self, **options):
        options.setdefault("required", False)
        options.setdefault("help_text", "The id of the team that it belongs to; null: its owner's own.")
        if not options.get("read_only"):
            options.setdefault("queryset", Team.objects.all())
        super().__init__(allow_null=True, **options)

    def get_queryset(self):
        user = getattr(self.context.get("request"), "user", None)
        return Team.objects.none() if user is None or not user.is_authenticated else teams_with(user, Right.EDIT)
