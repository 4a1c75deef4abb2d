"""The API's `deployments/{id}/capture` and `deployments/{id}/shadow`: for who may change the deployment."""

from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.inference.access import get_deployment_to_edit
from apps.inference.capture import settings as captures
from apps.inference.capture_serializers import (
    CaptureAnswerSerializer,
    CaptureSerializer,
    ShadowAnswerSerializer,
    ShadowSerializer,
)
from apps.inference.models import Capture
from apps.inference.shadow import settings as shadows
from apps.inference.shadow.figures import figures_of


class Refused(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT


class DeploymentCapture(APIView):
    """What a deployment keeps of what it is asked, in a dataset's inbox."""

    @extend_schema(responses=CaptureAnswerSerializer)
    def get(self, request, pk):
        return Response(_capture(get_deployment_to_edit(request.user, pk)))

    @extend_schema(request=CaptureSerializer, responses=CaptureAnswerSerializer)
    def put(self, request, pk):
        deployment = get_deployment_to_edit(request.user, pk)
        wanted = CaptureSerializer(data=request.data, context={"user": request.user})
        wanted.is_valid(raise_exception=True)
        values = dict(wanted.validated_data)
        values.pop("dataset_id", None)
        known = captures.capture_of(deployment)
        dataset = wanted.context.get("dataset") or captures.own_dataset(known, request.user)
        if dataset is None:
            raise serializers.ValidationError({"dataset_id": ["Say into which dataset of yours."]})
        captures.set_capture(deployment, request.user, dataset, **values)
        return Response(_capture(deployment))


class DeploymentShadow(APIView):
    """A candidate that answers a share of the questions beside the live model."""

    @extend_schema(responses=ShadowAnswerSerializer)
    def get(self, request, pk):
        return Response(_shadow(get_deployment_to_edit(request.user, pk)))

    @extend_schema(request=ShadowSerializer, responses={200: ShadowAnswerSerializer, 202: ShadowAnswerSerializer})
    def put(self, request, pk):
        """200 where it answers at once; 202 with the job that builds it first."""
        deployment = get_deployment_to_edit(request.user, pk)
        wanted = ShadowSerializer(data=request.data, context={"user": request.user, "deployment": deployment})
        wanted.is_valid(raise_exception=True)
        share = wanted.validated_data.get("share", deployment.shadow_share)
        try:
            job = shadows.start_shadow(deployment, wanted.context["model"], share, request.user)
        except shadows.ShadowRefused as refused:
            raise Refused(str(refused)) from None
        deployment = get_deployment_to_edit(request.user, pk)
        return Response(_shadow(deployment), status=status.HTTP_202_ACCEPTED if job else status.HTTP_200_OK)

    @extend_schema(responses={204: None})
    def delete(self, request, pk):
        """It answers no more; what was counted is kept for its 14 days."""
        shadows.stop_shadow(get_deployment_to_edit(request.user, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _capture(deployment):
    known = captures.capture_of(deployment)
    shown = known or Capture(is_on=False)
    names = ("is_on", "dataset_id", "mode", "rate", "below", "max_images", "max_bytes", "keep_days", "stopped")
    answer = {name: getattr(shown, name) for name in names}
    return CaptureAnswerSerializer(
        answer | {
            "unmapped": captures.unmapped_classes(deployment, known.dataset) if known else [],
            "inbox_url": captures.inbox_url(known) if known else None,
            "figures": captures.figures_of(known) if known else None,
        }
    ).data  # fmt: skip


def _shadow(deployment):
    model = deployment.shadow
    return ShadowAnswerSerializer(
        {
            "model": model, "share": deployment.shadow_share, "state": shadows.state_of(deployment),
            "job": shadows.building_job(deployment) if model else None,
            "figures": figures_of(deployment) if model else None,
        }
    ).data  # fmt: skip
