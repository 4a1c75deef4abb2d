"""What the API says and takes about teams."""

from rest_framework import serializers

from apps.accounts.teams.models import Membership, Role, Team, TeamInvitation
from apps.core.access import ROLE_OF, rights_in_teams
from apps.core.models import AuditEvent


class TeamSerializer(serializers.ModelSerializer):
    my_role = serializers.SerializerMethodField(help_text="What I am in it; null for an operator who is not in it.")
    num_members = serializers.IntegerField(read_only=True)

    class Meta:
        model = Team
        fields = ["id", "name", "my_role", "num_members", "created_at"]
        read_only_fields = ["id", "created_at"]
        extra_kwargs = {"name": {"validators": []}}  # the service says what is wrong with one

    def get_my_role(self, team) -> str | None:
        right = rights_in_teams(self.context["request"].user).get(team.pk)
        return right and ROLE_OF[right]


class MemberSerializer(serializers.ModelSerializer):
    user_id = serializers.IntegerField(read_only=True)
    username = serializers.CharField(source="user.username", read_only=True)
    role = serializers.ChoiceField(choices=Role.values)

    class Meta:
        model = Membership
        fields = ["user_id", "username", "role", "created_at"]
        read_only_fields = ["created_at"]


class InvitationSerializer(serializers.ModelSerializer):
    role = serializers.ChoiceField(choices=Role.values, default=Role.LABELLER)
    email = serializers.EmailField(
        source="link.email", required=False, allow_blank=True, default="",
        help_text="Where mail is sent, the link goes there; else the answer has it.",
    )  # fmt: skip
    invited_by = serializers.CharField(source="link.made_by.username", read_only=True)
    expires_at = serializers.DateTimeField(source="link.expires_at", read_only=True)

    class Meta:
        model = TeamInvitation
        fields = ["id", "role", "email", "invited_by", "expires_at"]


class NewInvitationSerializer(InvitationSerializer):
    """The answer to the POST: the link and its key, which cannot be shown again; null where it went by mail."""

    url = serializers.CharField(read_only=True, allow_null=True)
    key = serializers.CharField(read_only=True, allow_null=True, help_text="What `teams/join` takes.")

    class Meta(InvitationSerializer.Meta):
        fields = [*InvitationSerializer.Meta.fields, "url", "key"]


class JoinSerializer(serializers.Serializer):
    key = serializers.CharField(max_length=200, help_text="The last part of the link.")


class EventSerializer(serializers.ModelSerializer):
    class Meta:
        model = AuditEvent
        fields = ["id", "at", "actor_id", "actor_name", "verb", "subject_type", "subject_id", "subject_name", "detail"]
        read_only_fields = fields


class TransferSerializer(serializers.Serializer):
    """To whom: the id of a team of which I am an owner, or null: to me."""

    team = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**62)
    with_models = serializers.BooleanField(
        default=True, help_text="Of a dataset: the models that were made from it, and their deployments, go along."
    )
