"""The API's `models/`."""

import django_filters
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from apps.models import services
from apps.models.access import evaluations_visible_to, get_model, get_model_to_edit, visible_to
from apps.models.models import TrainedModel
from apps.models.serializers import EvaluationRowSerializer, ModelSerializer


class ModelFilter(django_filters.FilterSet):
    """`?search=&deployed=&is_public=`"""

    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains")
    deployed = django_filters.BooleanFilter(field_name="is_deployed")

    class Meta:
        model = TrainedModel
        fields = ["search", "deployed", "is_public"]


class ModelViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.UpdateModelMixin, mixins.DestroyModelMixin,
    viewsets.GenericViewSet,
):  # fmt: skip
    """Trained models that I may see: mine, and public ones."""

    serializer_class = ModelSerializer
    filterset_class = ModelFilter
    queryset = TrainedModel.objects.none()
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_queryset(self):
        return visible_to(self.request.user)

    def get_object(self):
        if self.request.method in ("PATCH", "DELETE"):
            return get_model_to_edit(self.request.user, self.kwargs["pk"])
        return get_model(self.request.user, self.kwargs["pk"])

    def perform_update(self, serializer):
        values = dict(serializer.validated_data)
        if "operating_point" in values:
            _set_point(self.request.user, serializer.instance, values.pop("operating_point"))
        services.update_model(serializer.instance, **values)

    def perform_destroy(self, instance):
        services.delete_model(instance)

    @extend_schema(
        parameters=[OpenApiParameter("format", str, enum=["pt"])],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True)
    def download(self, request, pk):
        """The weights, with their sha256 as ETag."""
        return weights_response(self.get_object(), request.query_params.get("format", "pt"))

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


def _set_point(user, model, point):
    """Choose the model's operating point, or clear it (None); raises ValidationError."""
    if point is None:
        services.clear_operating_point(model)
        return
    point = dict(point)
    rows = evaluations_visible_to(user, model).filter(evaluated_at__isnull=False)
    wanted = point.pop("evaluation_id", None)
    if wanted is None:
        evaluation = rows.filter(dataset_version=model.dataset_version_id, split="val").first() or rows.first()
    else:
        evaluation = rows.filter(pk=wanted).first()
        if evaluation is None:
            raise serializers.ValidationError({"operating_point": ["This model has no such evaluation with a result."]})
    try:
        services.set_operating_point(model, evaluation=evaluation, **point)
    except services.PointRefused as refused:
        raise serializers.ValidationError({"operating_point": [str(refused)]}) from None


def weights_response(model, format="pt"):
    """The weights as a download; raises ValidationError for a format that the model does not have."""
    if format != "pt":
        raise serializers.ValidationError({"format": ["Accepted: pt."]})
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in model.name)
    response = FileResponse(model.file.open("rb"), as_attachment=True, filename=f"{name}.pt")
    response["ETag"] = f'"{model.sha256}"'
    return response
