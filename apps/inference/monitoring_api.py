"""The API's `deployments/{id}/monitoring`, `models/{id}/monitoring` and `auth/tokens/usage`."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.inference.access import get_deployment_inside
from apps.inference.monitoring import reports, usage
from apps.models.access import get_model_inside

RANGE = OpenApiParameter("range", str, enum=list(reports.SPANS), default="day", description="How far back.")
DAYS = OpenApiParameter("days", int, default=30, description=f"1 to {usage.MOST_DAYS}; today is the last.")


class RangeSerializer(serializers.Serializer):
    range = serializers.ChoiceField(
        list(reports.SPANS), default="day", error_messages={"invalid_choice": f"Accepted: {', '.join(reports.SPANS)}."}
    )


class DaysSerializer(serializers.Serializer):
    days = serializers.IntegerField(default=30, min_value=1, max_value=usage.MOST_DAYS)


class DeploymentMonitoring(APIView):
    """What a deployment was asked and how it answered; its owner's."""

    @extend_schema(parameters=[RANGE], responses=OpenApiTypes.OBJECT)
    def get(self, request, pk):
        """Totals, series, detections by class, confidence, and drift against the validation images.

        Latency is decoding, waiting and answering, in milliseconds and without HTTP; percentiles are within
        `latency_ms.error` (a share) of the exact ones. Times are UTC.
        """
        deployment = get_deployment_inside(request.user, pk)
        rows = reports.traffic_of_deployment(deployment)
        return Response(reports.report(rows, _range(request), deployment.model, deployment.defaults))


class ModelMonitoring(APIView):
    """What a model was asked, by its id or through deployments; its owner's."""

    @extend_schema(parameters=[RANGE], responses=OpenApiTypes.OBJECT)
    def get(self, request, pk):
        """As `deployments/{id}/monitoring`. Drift is that of answers as the model's own operating point gives them.

        `asked_by` says how many came through which deployment, or (`deployment_id` null) by the model's own id.
        """
        model = get_model_inside(request.user, pk)
        rows, span = reports.traffic_of_model(model), _range(request)
        return Response(reports.report(rows, span, model) | {"asked_by": reports.ways_of(rows, span)})


class TokensUsage(APIView):
    """What was asked with my tokens, by day (UTC), and what is left of their quotas."""

    @extend_schema(parameters=[DAYS], responses=OpenApiTypes.OBJECT)
    def get(self, request):
        """`requests`, `errors` (of them) and `refused` (by the quota) are rows in the order of `days`."""
        asked = DaysSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(usage.usage_of(request.user, asked.validated_data["days"]))


def _range(request):
    asked = RangeSerializer(data=request.query_params)
    asked.is_valid(raise_exception=True)
    return asked.validated_data["range"]
