"""The API's `models/`."""

from django.db.models import Case, When
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import exceptions, mixins, serializers, status, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.teams.api import transferred
from apps.accounts.teams.serializers import TransferSerializer
from apps.core.access import get_job_to_steer
from apps.core.api import JobSerializer, accepted
from apps.core.downloads import download
from apps.models import services
from apps.models.access import evaluations_visible_to, get_model, get_model_to_edit, visible_to
from apps.models.filters import ModelFilter
from apps.models.lineage import lineage_of
from apps.models.models import TrainedModel
from apps.models.serializers import (
    ClassNamesSerializer,
    EvaluationRowSerializer,
    LineageSerializer,
    ModelDetailSerializer,
    ModelSerializer,
    WeightsSerializer,
)


class Conflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT


class ModelViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin,
    viewsets.GenericViewSet,
):  # fmt: skip
    """Trained models that I may see: mine, and public ones."""

    serializer_class = ModelDetailSerializer
    filterset_class = ModelFilter
    queryset = TrainedModel.objects.none()
    http_method_names = ["get", "post", "patch", "delete", "head", "options"]

    def get_queryset(self):
        return visible_to(self.request.user).prefetch_related("tags")

    def get_serializer_class(self):
        return ModelSerializer if self.action == "list" else ModelDetailSerializer

    def get_object(self):
        if self.request.method in ("PATCH", "DELETE"):
            return get_model_to_edit(self.request.user, self.kwargs["pk"])
        return get_model(self.request.user, self.kwargs["pk"])

    def perform_update(self, serializer):
        values = dict(serializer.validated_data)
        if "operating_point" in values:
            _set_point(self.request.user, serializer.instance, values.pop("operating_point"))
        try:
            services.update_model(serializer.instance, self.request.user, **values)
        except services.NameTaken as error:
            raise serializers.ValidationError({"name": [str(error)]}) from None
        except services.StageRefused as error:
            raise serializers.ValidationError({"stage": [str(error)]}) from None

    def perform_destroy(self, instance):
        try:
            services.delete_model(instance, self.request.user)
        except services.DeleteRefused as refused:
            raise Conflict(str(refused)) from None

    @extend_schema(request={"multipart/form-data": WeightsSerializer}, responses={202: JobSerializer})
    def create(self, request):
        """Weights made elsewhere, as a file or as a finished upload; the job's `result` has the `model_id`.

        A `.pt` is loaded only after its pickle was read, without running it, against a list of what checkpoints hold.
        """
        wanted = WeightsSerializer(data=request.data, context={"request": request})
        wanted.is_valid(raise_exception=True)
        data = dict(wanted.validated_data)
        try:
            return accepted(services.start_upload(request.user, data.pop("weights"), **data))
        except services.UploadRefused as refused:
            raise serializers.ValidationError({"file": [str(refused)]}) from None

    @extend_schema(request={"multipart/form-data": WeightsSerializer}, responses={202: JobSerializer})
    @action(detail=False, methods=["post"])
    def upload(self, request):
        """The same as a POST to the list."""
        return self.create(request)

    @extend_schema(responses=LineageSerializer)
    @action(detail=True)
    def lineage(self, request, pk):
        """Where it comes from and what came of it."""
        model = self.get_object()
        return Response(LineageSerializer(lineage_of(request.user, model) | {"model": model}).data)

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=["pt", "onnx"])],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def download(self, request, pk):
        """The weights, with their sha256 as ETag."""
        return weights_response(request, self.get_object(), request.query_params.get("format"))

    @extend_schema(request=TransferSerializer, responses=ModelDetailSerializer)
    @action(detail=True, methods=["post"])
    def transfer(self, request, pk):
        """Give it to a team, or (null) to me, with all versions of its line and the deployments that it answers for."""
        transferred(request, "line", get_model(request.user, pk).line)
        return Response(ModelDetailSerializer(get_model(request.user, pk), context={"request": request}).data)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True)
    def metrics(self, request, pk):
        """Overall and per class; the curves and the confusion matrix as numbers; and what else it was measured on.

        The figures are those of the training's own validation; `evaluations/{id}` has those of each evaluation.
        """
        model = self.get_object()
        rows = evaluations_visible_to(request.user, model).select_related("model").defer("curves")
        more = {"operating_point": model.operating_point, "evaluations": EvaluationRowSerializer(rows, many=True).data}
        return Response(model.metrics | more)


class ClassNamesOfUpload(APIView):
    """The names of the classes of a file that does not say them."""

    @extend_schema(request=ClassNamesSerializer, responses={202: JobSerializer})
    def post(self, request, job_id):
        """For a job of an upload that failed and whose `result.asks` is `class_names`: the file is checked again."""
        job = get_job_to_steer(request.user, job_id)
        wanted = ClassNamesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            return accepted(services.give_class_names(job, wanted.validated_data["class_names"]))
        except services.UploadRefused as refused:
            raise serializers.ValidationError({"class_names": [str(refused)]}) from None


def _set_point(user, model, point):
    """Choose the model's operating point, or clear it (None); raises ValidationError."""
    if point is None:
        services.clear_operating_point(model, user)
        return
    point = dict(point)
    rows = evaluations_visible_to(user, model).filter(evaluated_at__isnull=False)
    wanted = point.pop("evaluation_id", None)
    if wanted is None:
        own = Case(When(dataset_version=model.dataset_version_id or 0, then=0), default=1)
        evaluation = rows.filter(split="val").order_by(own, "-pk").first()
    else:
        evaluation = rows.filter(pk=wanted).first()
        if evaluation is None:
            raise serializers.ValidationError({"operating_point": ["This model has no such evaluation with a result."]})
    try:
        services.set_operating_point(model, user, evaluation=evaluation, **point)
    except services.PointRefused as refused:
        raise serializers.ValidationError({"operating_point": [str(refused)]}) from None


def weights_response(request, model, format=None):
    """The weights as a download, whole or a part; raises ValidationError for a format that the model does not have."""
    if format not in (None, model.format):
        raise serializers.ValidationError({"format": [f"Accepted: {model.format}."]})
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in model.title)
    return download(request, model.file, f"{name}.{model.format}", etag=model.sha256)
