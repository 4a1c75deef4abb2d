"""The API's `models/`."""

import django_filters
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.response import Response

from apps.models import services
from apps.models.access import get_model, get_model_to_edit, visible_to
from apps.models.models import TrainedModel
from apps.models.serializers import ModelSerializer


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
        services.update_model(serializer.instance, **serializer.validated_data)

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
        """Overall and per class; the curves and the confusion matrix as numbers."""
        return Response(self.get_object().metrics)


def weights_response(model, format="pt"):
    """The weights as a download; raises ValidationError for a format that the model does not have."""
    if format != "pt":
        raise serializers.ValidationError({"format": ["Accepted: pt."]})
    name = "".join(c if c.isalnum() or c in "-_." else "-" for c in model.name)
    response = FileResponse(model.file.open("rb"), as_attachment=True, filename=f"{name}.pt")
    response["ETag"] = f'"{model.sha256}"'
    return response
