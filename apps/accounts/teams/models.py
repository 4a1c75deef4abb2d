"""Teams, who is in them as what, and who is invited."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.urls import reverse


class Role(models.TextChoices):
    """What a member may do; each may do what those before may. The rights are `apps.core.access.ROLES`."""

    VIEWER = "viewer", "viewer: sees everything, asks models, downloads"
    LABELLER = "labeller", "labeller: labels images too"
    REVIEWER = "reviewer", "reviewer: reviews and imports too"
    ADMIN = "admin", "admin: changes everything, trains, deploys, invites"
    OWNER = "owner", "owner: also names owners, moves things in and out, deletes the team"


class Team(models.Model):
    """People who share datasets, models and jobs. It always has an owner at least."""

    name = models.CharField(max_length=80)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "accounts"
        ordering = [Lower("name"), "pk"]
        constraints = [models.UniqueConstraint(Lower("name"), name="team_name_unique_any_case")]

    def __str__(self):
        return self.name

    def get_absolute_url(self):
        return reverse("teams:team_detail", args=[self.pk])


def unless_last_owner(collector, field, rows, using):
    """on_delete of a member: ProtectedError where a team would be without an owner."""
    going = collector.data.get(field.remote_field.model, ())
    for one in rows.filter(role=Role.OWNER).select_related("team"):
        if not one.team.memberships.filter(role=Role.OWNER).exclude(user__in=going).exists():
            raise models.ProtectedError("The last owner of a team.", {one})
    models.CASCADE(collector, field, rows, using)


class Membership(models.Model):
    """A person in a team, in a role."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, unless_last_owner, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.LABELLER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "accounts"
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="a_member_once")]

    def __str__(self):
        return f"{self.user} as {self.role} of {self.team}"


class TeamInvitation(models.Model):
    """A link that makes who holds it a member, once. Whether it is still good, the link knows."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role.choices)
    link = models.OneToOneField("accounts.OneTimeLink", models.CASCADE, related_name="team_invitation")

    class Meta:
        app_label = "accounts"
        ordering = ["-pk"]

    def __str__(self):
        return f"invitation to {self.team} as {self.role}"
