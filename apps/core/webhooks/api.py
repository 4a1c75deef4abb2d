"""The API's `webhooks/`."""

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.webhooks import services
from apps.core.webhooks.access import get_delivery, get_webhook, webhooks_visible_to
from apps.core.webhooks.models import Delivery, Webhook
from apps.core.webhooks.serializers import DeliverySerializer, NewWebhookSerializer, WebhookSerializer


class SentNow(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT


class Webhooks(generics.ListCreateAPIView):
    """My webhooks, and those of the teams that I own: addresses that are told what happened."""

    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()

    def get_queryset(self):
        return webhooks_visible_to(self.request.user)

    @extend_schema(request=WebhookSerializer, responses={201: NewWebhookSerializer})
    def post(self, request):
        """A new one of mine. The answer has the secret that everything sent there is signed with, this once."""
        return made(request)


class WebhookDetail(generics.RetrieveUpdateDestroyAPIView):
    """One webhook; PATCH `is_active` switches it off and on."""

    serializer_class = WebhookSerializer
    queryset = Webhook.objects.none()
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_object(self):
        return get_webhook(self.request.user, self.kwargs["pk"])

    def perform_update(self, serializer):
        _kept(services.update_webhook, serializer.instance, self.request.user, **serializer.validated_data)

    def perform_destroy(self, instance):
        services.delete_webhook(instance, self.request.user)


class WebhookSecret(APIView):
    """Another secret."""

    @extend_schema(request=None, responses=NewWebhookSerializer)
    def post(self, request, pk):
        """What is sent from now on is signed with the secret in the answer, which is not shown again."""
        hook = get_webhook(request.user, pk)
        services.renew_secret(hook, request.user)
        return Response(NewWebhookSerializer(hook).data)


class WebhookTest(APIView):
    """Try it."""

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request, pk):
        """Send a delivery with the event `test`; its log says whether it arrived."""
        row = services.send_test(get_webhook(request.user, pk))
        return Response(DeliverySerializer(row).data, status=status.HTTP_202_ACCEPTED)


class Deliveries(generics.ListAPIView):
    """What was sent to a webhook, newest first, with every attempt."""

    serializer_class = DeliverySerializer
    queryset = Delivery.objects.none()

    def get_queryset(self):
        if "pk" not in self.kwargs:  # the schema is being made
            return self.queryset
        return get_webhook(self.request.user, self.kwargs["pk"]).deliveries.all()


class DeliveryReplay(APIView):
    """Send a delivery again."""

    @extend_schema(request=None, responses={202: DeliverySerializer})
    def post(self, request, pk, delivery_id):
        """The same body under the same id, now, with all its retries. 409 while it is being sent."""
        row = get_delivery(request.user, pk, delivery_id)
        try:
            services.replay(row)
        except services.WebhookRefused as refused:
            raise SentNow(str(refused)) from None
        row.refresh_from_db()
        return Response(DeliverySerializer(row).data, status=status.HTTP_202_ACCEPTED)


def made(request, team=None):
    """The answer to the POST that asks for a webhook of who asks, or of a team."""
    wanted = WebhookSerializer(data=request.data)
    wanted.is_valid(raise_exception=True)
    values = {name: value for name, value in wanted.validated_data.items() if name != "is_active"}
    hook = _kept(services.create_webhook, request.user, **values, team=team)
    return Response(NewWebhookSerializer(hook).data, status=status.HTTP_201_CREATED)


def _kept(write, *args, **values):
    try:
        return write(*args, **values)
    except services.WebhookRefused as refused:
        raise serializers.ValidationError({refused.field or "detail": [str(refused)]}) from None
