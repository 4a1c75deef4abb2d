"""The forms of the team pages."""

from django import forms

from apps.accounts.teams.access import teams_with
from apps.accounts.teams.models import Role, Team
from apps.core.access import Right


class NameForm(forms.Form):
    name = forms.CharField(max_length=Team._meta.get_field("name").max_length)


class InviteForm(forms.Form):
    role = forms.ChoiceField(initial=Role.LABELLER)
    email = forms.EmailField(
        required=False, label="Email, if you know it", help_text="Empty: whoever holds the link joins, once."
    )

    def __init__(self, *args, roles, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["role"].choices = [(role.value, role.label) for role in roles]


class TransferForm(forms.Form):
    """To whom something is to be given: to a team of which one is an owner, or to oneself."""

    to = forms.ChoiceField(label="Give it to")
    with_models = forms.BooleanField(required=False, initial=True)

    def __init__(self, *args, user, row, has_models=False, **kwargs):
        super().__init__(*args, **kwargs)
        teams = teams_with(user, Right.MANAGE).exclude(pk=row.team_id)
        self._teams = {str(team.pk): team for team in teams}
        mine = [("me", "me alone")] if row.team_id is not None or row.owner_id != user.pk else []
        self.fields["to"].choices = mine + [(pk, f"the team {team}") for pk, team in self._teams.items()]
        if not has_models:
            del self.fields["with_models"]

    @property
    def has_choices(self):
        return bool(self.fields["to"].choices)

    def team(self):
        """The team that was chosen, or None for oneself."""
        return self._teams.get(self.cleaned_data["to"])
