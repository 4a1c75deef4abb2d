"""The API's `predictions/`, and deploying models."""

import time

import orjson
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.negotiation import BaseContentNegotiation, DefaultContentNegotiation
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer, TooLarge, accepted
from apps.datasets.access import get_dataset_to_review, get_image_to_label
from apps.datasets.filters import images_matching
from apps.inference import prelabel, services
from apps.inference.access import NotAnswering, find_to_ask, get_model_to_ask, versions_to_judge_on
from apps.inference.answer_forms import FORMS, QuestionSerializer, form_of, in_form
from apps.inference.metering import MeteredView, over_quota
from apps.inference.monitoring.counting import count_flood
from apps.inference.parsers import PARSERS, PLAIN_FORM, read_question, refuse_huge, refuse_more_files
from apps.inference.refusals import refuse, tell
from apps.inference.runtime import BadImage, Overloaded
from apps.inference.serializers import (
    AnswerSerializer,
    DeployedSerializer,
    DeploySerializer,
    PrelabelManySerializer,
    PrelabelSerializer,
    options_for,
    read_options,
)
from apps.inference.tokens import token_of
from apps.models.access import get_model_to_edit
from apps.models.serializers import ENDPOINT
from apps.models.services import NotDeployable


class NotDeployed(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_deployed"


class Flooded(exceptions.APIException):
    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "overloaded"

    def __init__(self, overloaded):
        super().__init__(str(overloaded))
        self.wait = overloaded.retry_after  # becomes Retry-After


class AnyAccept(BaseContentNegotiation):
    """The answer's form is asked for by `format`: no `Accept` is refused."""

    def select_parser(self, request, parsers):
        if PLAIN_FORM.fullmatch(request.content_type or ""):  # what nearly all send
            return parsers[0]
        return DefaultContentNegotiation().select_parser(request, parsers)

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class QuickJson(JSONRenderer):
    """The same JSON, by orjson: json takes 0.1 ms for twenty boxes, right after a prediction twice that."""

    def render(self, data, accepted_media_type=None, renderer_context=None):
        return orjson.dumps(data, default=str)  # str: words that are translated late


class Infer(MeteredView, APIView):
    """Objects in an image, by a deployed model."""

    required_scope = "infer"
    rate_setting = "RATE_OF_INFER"
    parser_classes = PARSERS
    renderer_classes = (QuickJson,)
    content_negotiation_class = AnyAccept

    def initial(self, request, *args, **kwargs):
        refuse_huge(request)
        try:
            services.refuse_flood()
        except Overloaded as full:
            count_flood()
            raise Flooded(full) from None
        super().initial(request, *args, **kwargs)

    @extend_schema(
        request={
            "multipart/form-data": QuestionSerializer,
            "application/json": QuestionSerializer,
            "image/*": OpenApiTypes.BINARY,
        },
        parameters=[OpenApiParameter("format", str, enum=FORMS, description="The form of the answer.")],
        responses={
            200: AnswerSerializer,
            429: OpenApiResponse(description="The token's quota of the day is used up; see Retry-After."),
            503: OpenApiResponse(description="Overloaded; see Retry-After."),
        },
    )
    def post(self, request):
        """As JSON; `format=image`: the picture with its boxes (PNG with `Accept: image/png`, else JPEG); COCO; YOLO.

        The picture comes as the file `image` of a form, as the body itself, or in base64 as `image` in JSON. All other
        values, `format` too, may stand beside it or in the query string. What is no option is refused.
        """
        question = request.query_params  # all that is known where the body cannot be read
        try:
            refuse_more_files(request)
            question = read_question(request)
            form = form_of(question)
            data = read_options(question)
            deployment, model = self._find(request, data)
            if len(data["image"]) > settings.MAX_IMAGE_BYTES:
                raise TooLarge(f"The image is larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
            if deployment:
                model = services.model_answering(deployment, data["image"])
            options = options_for(model, data, deployment and deployment.defaults)
        except exceptions.APIException as error:
            return refuse(request, question, error)
        return self._answer(request, form, deployment, model, data["image"], options)

    @staticmethod
    def _find(request, data):
        by_token = token_of(request) is not None
        try:
            return find_to_ask(request.user, data.get("model_id"), data.get("model"), by_token)
        except NotAnswering as reason:
            raise NotDeployed(str(reason)) from None

    @staticmethod
    def _answer(request, form, deployment, model, image, options):
        started, status, prediction = time.perf_counter(), 500, None

        def ask():
            nonlocal prediction
            prediction = services.predict(model, image, **options)
            return in_form(form, model, image, prediction, request.headers.get("Accept", ""))

        try:
            response = over_quota(request) or answered(ask)
            status = response.status_code
            return response
        except exceptions.APIException as refused:
            status = refused.status_code
            raise
        finally:
            seconds = time.perf_counter() - started
            tell(
                request, deployment, model, status, seconds=seconds, data=image, options=options, prediction=prediction
            )


class Deploy(APIView):
    """Build the fast runtime, prove it on images of the dataset, and only then serve it."""

    @extend_schema(request=DeploySerializer, responses={200: DeployedSerializer, 202: JobSerializer})
    def post(self, request, pk):
        """200 where it serves at once; 202 with the job that builds and proves it."""
        model = get_model_to_edit(request.user, pk)
        asked = DeploySerializer(data=request.data, context={"versions": versions_to_judge_on(request.user)})
        asked.is_valid(raise_exception=True)
        try:
            job = services.deploy_model(model, request.user, asked.version)
        except NotDeployable as reason:
            raise NotDeployed(str(reason)) from None
        if job is None:
            return Response({"is_deployed": True, "endpoint": ENDPOINT})
        return Response(
            {**JobSerializer(job).data, "is_deployed": False, "endpoint": None}, status=status.HTTP_202_ACCEPTED
        )


class Undeploy(APIView):
    """Stop serving a model."""

    @extend_schema(request=None, responses=DeployedSerializer)
    def post(self, request, pk):
        services.undeploy_model(get_model_to_edit(request.user, pk), request.user)
        return Response({"is_deployed": False, "endpoint": None})


def model_to_label(request, model_id):
    """The model that is to suggest labels; raises Http404 or NotDeployed."""
    try:
        return get_model_to_ask(request.user, model_id)
    except NotAnswering as reason:
        raise NotDeployed(str(reason)) from None


def answered(ask):
    """Call `ask()` and answer what it gives; each way in which a model cannot answer gets its status and reason."""
    try:
        found = ask()
        return found if isinstance(found, HttpResponse) else Response(found)
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
        image = get_image_to_label(request.user, dataset_id, image_id)
        wanted = PrelabelSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        model = model_to_label(request, wanted.validated_data["model_id"])

        def ask():
            predictions, unmapped = prelabel.prelabel_image(model, image, wanted.validated_data["conf"])
            return {"class_keys": image.dataset.class_keys, "predictions": predictions, "unmapped": unmapped}

        return answered(ask)


class PrelabelDataset(APIView):
    """Suggestions on all images that match a filter, as a job."""

    @extend_schema(request=PrelabelManySerializer, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_review(request.user, dataset_id)
        wanted = PrelabelManySerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        model = model_to_label(request, data["model_id"])
        images_matching(dataset, data["filter"])  # a wrong filter is refused here, not by the job
        return accepted(prelabel.start_prelabel(request.user, dataset, model, data["filter"], data["conf"]))
