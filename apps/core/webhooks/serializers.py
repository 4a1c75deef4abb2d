from rest_framework import serializers

from apps.core.webhooks.events import EVENTS
from apps.core.webhooks.models import Delivery, Webhook


class WebhookSerializer(serializers.ModelSerializer):
    events = serializers.ListField(
        child=serializers.ChoiceField(choices=list(EVENTS)), allow_empty=False, max_length=len(EVENTS)
    )

    class Meta:
        model = Webhook
        fields = [
            "id", "team", "url", "description", "events", "is_active", "failures", "failing_since", "disabled_because",
            "created_at",
        ]  # fmt: skip
        read_only_fields = ["id", "team", "failures", "failing_since", "disabled_because", "created_at"]


class NewWebhookSerializer(WebhookSerializer):
    """A webhook just made, or its secret just renewed: the only time that the secret is shown."""

    class Meta(WebhookSerializer.Meta):
        fields = [*WebhookSerializer.Meta.fields, "secret"]
        read_only_fields = fields


class AttemptSerializer(serializers.Serializer):
    """`error` says in words why it did not arrive; `answered` is the beginning of what came back."""

    at = serializers.DateTimeField()
    status = serializers.IntegerField(required=False)
    seconds = serializers.FloatField()
    answered = serializers.CharField(required=False)
    error = serializers.CharField(required=False)


class DeliverySerializer(serializers.ModelSerializer):
    attempts = AttemptSerializer(many=True, read_only=True)

    class Meta:
        model = Delivery
        fields = ["id", "event", "status", "body", "attempts", "due_at", "created_at", "ended_at"]
        read_only_fields = fields
