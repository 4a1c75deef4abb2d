"""The API's `predictions/`, and deploying models."""

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer, TooLarge, accepted
from apps.datasets.access import get_dataset_to_edit, get_image_to_edit
from apps.datasets.filters import images_matching
from apps.inference import prelabel, services
from apps.inference.access import get_model_to_ask
from apps.inference.runtime import BadImage, Overloaded
from apps.inference.serializers import (
    AnswerSerializer,
    DeploymentSerializer,
    InferSerializer,
    PrelabelManySerializer,
    PrelabelSerializer,
    answer,
)
from apps.models.access import get_model_to_edit
from apps.models.serializers import ENDPOINT


class NotDeployed(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_deployed"


class Infer(APIView):
    """Objects in an image, by a deployed model."""

    required_scope = "infer"
    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": InferSerializer},
        responses={200: AnswerSerializer, 503: OpenApiResponse(description="Overloaded; see Retry-After.")},
    )
    def post(self, request):
        asked = InferSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        model = get_model_to_ask(request.user, data.get("model_id"), data.get("model"))
        if data["image"].size > settings.MAX_IMAGE_BYTES:
            raise TooLarge(f"The image is larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
        options = {name: data.get(name) for name in ("conf", "iou", "max_det", "classes")}
        return answered(lambda: answer(model, services.predict(model, data["image"].read(), **options)))


class Deploy(APIView):
    """Build the fast runtime, prove it on validation images, and only then serve it."""

    @extend_schema(request=None, responses={200: DeploymentSerializer, 202: JobSerializer})
    def post(self, request, pk):
        """200 where it serves at once; 202 with the job that builds and proves it."""
        model = get_model_to_edit(request.user, pk)
        job = services.deploy_model(model, request.user)
        if job is None:
            return Response({"is_deployed": True, "endpoint": ENDPOINT})
        return Response(
            {**JobSerializer(job).data, "is_deployed": False, "endpoint": None}, status=status.HTTP_202_ACCEPTED
        )


class Undeploy(APIView):
    """Stop serving a model."""

    @extend_schema(request=None, responses=DeploymentSerializer)
    def post(self, request, pk):
        services.undeploy_model(get_model_to_edit(request.user, pk))
        return Response({"is_deployed": False, "endpoint": None})


def answered(ask):
    """Call `ask()` and answer what it gives; each way in which a model cannot answer gets its status and reason."""
    try:
        return Response(ask())
    except BadImage as bad:
        raise serializers.ValidationError({"image": [str(bad)]}) from None
    except services.NotServed as reason:
        raise NotDeployed(str(reason)) from None
    except Overloaded as full:
        return Response(
            {"detail": str(full)},
            status=status.HTTP_503_SERVICE_UNAVAILABLE,
            headers={"Retry-After": str(full.retry_after)},
        )


class PrelabelImage(APIView):
    """What a model would label on this image; nothing is stored."""

    @extend_schema(request=PrelabelSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request, dataset_id, image_id):
        image = get_image_to_edit(request.user, dataset_id, image_id)
        wanted = PrelabelSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        model = get_model_to_ask(request.user, wanted.validated_data["model_id"])

        def ask():
            predictions, unmapped = prelabel.prelabel_image(model, image, wanted.validated_data["conf"])
            return {"class_keys": image.dataset.class_keys, "predictions": predictions, "unmapped": unmapped}

        return answered(ask)


class PrelabelDataset(APIView):
    """Suggestions on all images that match a filter, as a job."""

    @extend_schema(request=PrelabelManySerializer, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = PrelabelManySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        model = get_model_to_ask(request.user, data["model_id"])
        images_matching(dataset, data["filter"])  # a wrong filter is refused here, not by the job
        return accepted(prelabel.start_prelabel(request.user, dataset, model, data["filter"], data["conf"]))
