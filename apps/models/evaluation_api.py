"""The API's `models/{id}/evaluations`."""

from django.core.paginator import Paginator
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.access import get_version
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_image_to_review
from apps.models import services
from apps.models.access import evaluations_visible_to, get_evaluation, get_model, get_model_to_edit
from apps.models.error_lists import describe_images, ranked_images
from apps.models.forms import WantedForm
from apps.models.mistakes import KINDS
from apps.models.serializers import (
    EvaluationRequestSerializer,
    EvaluationRowSerializer,
    EvaluationSerializer,
    WrongImageSerializer,
)

IMAGES_A_PAGE = 100


class Evaluations(APIView):
    """What a model was measured on."""

    @extend_schema(responses=EvaluationRowSerializer(many=True))
    def get(self, request, pk):
        """Those on datasets that I may see, newest first."""
        model = get_model(request.user, pk)
        rows = evaluations_visible_to(request.user, model).select_related("model").defer("curves")
        return Response(EvaluationRowSerializer(rows, many=True).data)

    @extend_schema(request=EvaluationRequestSerializer, responses={202: JobSerializer})
    def post(self, request, pk):
        """Measure it on a split of its own dataset version, or of another one that I may see."""
        model = get_model_to_edit(request.user, pk)
        wanted = EvaluationRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        wanted = wanted.validated_data
        version = _version(request.user, model, wanted)
        try:
            row = services.start_evaluation(model, version, wanted["split"], request.user, again=wanted["again"])
        except services.EvaluationRefused as refused:
            raise serializers.ValidationError({name: [words] for name, words in refused.problems.items()}) from None
        if row.job is None:  # measured already, and its job was cleaned away
            row = services.start_evaluation(model, version, wanted["split"], request.user, again=True)
        return accepted(row.job, evaluation_id=row.pk)


def _version(user, model, wanted):
    if "dataset_id" in wanted:
        return get_version(user, wanted["dataset_id"], wanted["version"])
    own = model.dataset_version
    if own is None:
        raise serializers.ValidationError(
            {"dataset_id": ["What it learned from is gone: name a dataset and a version."]}
        )
    return get_version(user, own.dataset_id, own.number)


class EvaluationDetail(APIView):
    """One evaluation, with its curves and the confusion matrix as numbers."""

    @extend_schema(responses=EvaluationSerializer)
    def get(self, request, pk, evaluation_id):
        return Response(EvaluationSerializer(get_evaluation(request.user, pk, evaluation_id)).data)


class WrongImages(APIView):
    """The images of an evaluation, the most wrong first, or those of one cell of the confusion matrix."""

    @extend_schema(
        parameters=[
            OpenApiParameter("conf", float, description="Predictions below do not count; at least 0.05."),
            OpenApiParameter("kind", str, enum=list(KINDS)),
            OpenApiParameter("class_id", int),
            OpenApiParameter("predicted", int, description="With `true`: a cell of the matrix, at confidence 0.25."),
            OpenApiParameter("true", int),
            OpenApiParameter("confirmed", bool, description="Also those whose labels were said to be right."),
            OpenApiParameter("page", int),
        ],
        responses=WrongImageSerializer(many=True),
    )
    def get(self, request, pk, evaluation_id):
        evaluation = get_evaluation(request.user, pk, evaluation_id)
        form = WantedForm(request.query_params)
        if not form.is_valid():
            raise serializers.ValidationError(form.errors)
        if not evaluation.is_measured:
            return Response({"count": 0, "pages": 0, "results": []})
        wanted = form.wanted(evaluation.model)
        try:
            pages = Paginator(ranked_images(evaluation, wanted), IMAGES_A_PAGE)
            page = pages.get_page(request.query_params.get("page"))
            shown = describe_images(evaluation, page.object_list, wanted)
        except FileNotFoundError:
            raise serializers.ValidationError({"detail": "Its file is gone. Evaluate again."}) from None
        rows = WrongImageSerializer(shown, many=True).data
        return Response({"count": pages.count, "pages": pages.num_pages, "page": page.number, "results": rows})


class ConfirmationSerializer(serializers.Serializer):
    revision = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


class LabelsConfirmation(APIView):
    """“The labels of this image are right”: it leaves the lists of what models got wrong."""

    @extend_schema(request=ConfirmationSerializer, responses={204: None})
    def put(self, request, pk, evaluation_id, image_id):
        """Note it of the labels as a revision has them."""
        services.confirm_labels(*self._what(request, pk, evaluation_id, image_id), request.user)
        return Response(status=204)

    @extend_schema(request=ConfirmationSerializer, responses={204: None})
    def delete(self, request, pk, evaluation_id, image_id):
        """Take it back."""
        services.unconfirm_labels(*self._what(request, pk, evaluation_id, image_id))
        return Response(status=204)

    def _what(self, request, pk, evaluation_id, image_id):
        evaluation = get_evaluation(request.user, pk, evaluation_id)
        image = get_image_to_review(request.user, evaluation.dataset_version.dataset_id, image_id)
        wanted = ConfirmationSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return image, wanted.validated_data["revision"]
