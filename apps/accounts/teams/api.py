"""The API's `teams/`: teams, their members, invitations, what happened."""

from django.db.models import Count
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import APIException
from rest_framework.generics import get_object_or_404
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.mail import site_of
from apps.accounts.services.links import LinkRefused
from apps.accounts.teams import invitations, services
from apps.accounts.teams.access import get_member, get_team, teams_visible_to
from apps.accounts.teams.models import Membership, Team, TeamInvitation
from apps.accounts.teams.serializers import (
    EventSerializer,
    InvitationSerializer,
    JoinSerializer,
    MemberSerializer,
    NewInvitationSerializer,
    TeamSerializer,
    TransferSerializer,
)
from apps.accounts.teams.views import found_events
from apps.core.access import Right, check
from apps.core.belongings import TransferRefused, hand_over
from apps.core.models import AuditEvent, Webhook
from apps.core.webhooks.api import made as webhook_made
from apps.core.webhooks.serializers import NewWebhookSerializer, WebhookSerializer


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Gone(APIException):
    status_code = status.HTTP_410_GONE
    default_code = "gone"


def kept(write, *args, **values):
    """What a service gives; a refusal is 400 where a field is to blame, else 409."""
    try:
        return write(*args, **values)
    except services.TeamRefused as refused:
        if refused.field == "detail":
            raise Conflict(str(refused)) from None
        raise serializers.ValidationError({refused.field: [str(refused)]}) from None


class Teams(generics.ListCreateAPIView):
    """The teams that I am in; a new one has me as its owner."""

    serializer_class = TeamSerializer
    queryset = Team.objects.none()

    def get_queryset(self):
        return teams_visible_to(self.request.user).annotate(num_members=Count("memberships")).order_by("name", "pk")

    def perform_create(self, serializer):
        team = kept(services.create_team, self.request.user, serializer.validated_data["name"])
        team.num_members = 1
        serializer.instance = team


class TeamDetail(generics.RetrieveUpdateDestroyAPIView):
    """One team. PATCH renames it; DELETE takes a team that has nothing any more: both are its owners'."""

    serializer_class = TeamSerializer
    queryset = Team.objects.none()
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_object(self):
        right = Right.MANAGE if self.request.method in ("PATCH", "DELETE") else Right.INSIDE
        team = get_team(self.request.user, self.kwargs["pk"], right)
        team.num_members = team.memberships.count()
        return team

    def perform_update(self, serializer):
        if "name" in serializer.validated_data:
            kept(services.rename_team, self.request.user, serializer.instance, serializer.validated_data["name"])

    def perform_destroy(self, instance):
        kept(services.delete_team, self.request.user, instance)


class Members(generics.ListAPIView):
    """Who is in a team, and as what."""

    serializer_class = MemberSerializer
    queryset = Membership.objects.none()

    def get_queryset(self):
        return get_team(self.request.user, self.kwargs["pk"]).memberships.select_related("user").order_by("pk")


class MemberDetail(APIView):
    """One member. PATCH gives another role; DELETE takes them out, or is how I leave."""

    @extend_schema(responses=MemberSerializer)
    def get(self, request, pk, user_id):
        return Response(MemberSerializer(get_member(get_team(request.user, pk), user_id)).data)

    @extend_schema(request=MemberSerializer, responses=MemberSerializer)
    def patch(self, request, pk, user_id):
        team = get_team(request.user, pk, Right.EDIT)
        get_member(team, user_id)
        wanted = MemberSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        member = kept(services.set_role, request.user, team, user_id, wanted.validated_data["role"])
        return Response(MemberSerializer(member).data)

    @extend_schema(responses={204: None})
    def delete(self, request, pk, user_id):
        team = get_team(request.user, pk, Right.INSIDE if user_id == request.user.pk else Right.EDIT)
        get_member(team, user_id)
        kept(services.remove_member, request.user, team, user_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Invitations(APIView):
    """Invitations to a team that are still good; for its admins."""

    @extend_schema(responses=InvitationSerializer(many=True))
    def get(self, request, pk):
        team = get_team(request.user, pk, Right.EDIT)
        return Response(InvitationSerializer(invitations.pending(team), many=True).data)

    @extend_schema(request=InvitationSerializer, responses={201: NewInvitationSerializer})
    def post(self, request, pk):
        """A link that is good once. It goes by mail, where mail is sent and `email` is given; else it is answered."""
        team = get_team(request.user, pk, Right.EDIT)
        wanted = InvitationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        role, email = wanted.validated_data["role"], wanted.validated_data["link"]["email"]
        row, key = kept(invitations.invite, request.user, team, role, email, site=site_of(request))
        row.key, row.url = key, key and site_of(request) + reverse("teams:join", args=[key])
        return Response(NewInvitationSerializer(row).data, status=status.HTTP_201_CREATED)


class InvitationDetail(APIView):
    """Withdraw an invitation."""

    @extend_schema(responses={204: None})
    def delete(self, request, pk, invitation_id):
        team = get_team(request.user, pk, Right.EDIT)
        rows = TeamInvitation.objects.select_related("link", "team").filter(team=team)
        if not invitations.withdraw(request.user, get_object_or_404(rows, pk=invitation_id)):
            raise Conflict("This invitation was used or withdrawn before.")
        return Response(status=status.HTTP_204_NO_CONTENT)


class Join(APIView):
    """Take an invitation: I am a member then."""

    open_to_unverified = True

    @extend_schema(request=JoinSerializer, responses={200: TeamSerializer, 410: OpenApiTypes.OBJECT})
    def post(self, request):
        wanted = JoinSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            team = invitations.accept(request.user, wanted.validated_data["key"]).team
        except LinkRefused as refused:
            raise Gone(str(refused)) from None
        team.num_members = team.memberships.count()
        return Response(TeamSerializer(team, context={"request": request}).data)


class TeamWebhooks(generics.ListCreateAPIView):
    """The webhooks of a team, told what happens to what is the team's; for its owners. One alone: `webhooks/{id}`."""

    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()

    def get_queryset(self):
        if "pk" not in self.kwargs:  # the schema is being made
            return self.queryset
        return get_team(self.request.user, self.kwargs["pk"], Right.MANAGE).webhooks.all()

    @extend_schema(request=WebhookSerializer, responses={201: NewWebhookSerializer})
    def post(self, request, pk):
        """A new one. The answer has the secret that everything sent there is signed with, this once."""
        return webhook_made(request, get_team(request.user, pk, Right.MANAGE))


class Events(generics.ListAPIView):
    """What happened in a team, newest first; for its admins."""

    serializer_class = EventSerializer
    queryset = AuditEvent.objects.none()

    def get_queryset(self):
        team = get_team(self.request.user, self.kwargs["pk"], Right.EDIT)
        return found_events(team, self.request.query_params.get("search", "")[:120])

    @extend_schema(parameters=[OpenApiParameter("search", str, description="Words: a person, what was done, to what.")])
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)


def transferred(request, kind, row):
    """`row` given to whom the request says; raises ValidationError or 409."""
    check(request.user, Right.MANAGE, row)
    wanted = TransferSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    data = wanted.validated_data
    team = None
    if data["team"] is not None:
        team = teams_visible_to(request.user).filter(pk=data["team"]).first()
        if team is None:
            raise serializers.ValidationError({"team": ["Accepted: the id of a team that you own, or null for you."]})
    try:
        return hand_over(request.user, kind, row, team, () if data["with_models"] else ("line",))
    except TransferRefused as refused:
        raise Conflict(str(refused)) from None
