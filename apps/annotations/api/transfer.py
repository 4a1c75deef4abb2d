"""Export of whole datasets, as jobs."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from apps.annotations.formats import FORMATS
from apps.annotations.services.exports import start_export
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_dataset
from apps.datasets.models import SPLITS


class ExportSerializer(serializers.Serializer):
    format = serializers.ChoiceField(choices=list(FORMATS), default="yolo")
    splits = serializers.ListField(child=serializers.ChoiceField(choices=SPLITS), required=False, default=list)
    only_labeled = serializers.BooleanField(default=True)


class ExportDataset(APIView):
    """Export a dataset as a zip; `result.url` downloads it."""

    required_scope = "read"

    @extend_schema(request=ExportSerializer, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        wanted = ExportSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return accepted(start_export(request.user, dataset, **wanted.validated_data))
