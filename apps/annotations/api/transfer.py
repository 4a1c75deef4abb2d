"""Import and export of whole datasets, as jobs."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.views import APIView

from apps.annotations.formats import FORMATS
from apps.annotations.services.exports import start_export
from apps.annotations.services.imports import start_import
from apps.core.api import JobSerializer, TooLarge, accepted
from apps.datasets import services as datasets
from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.models import SPLITS


class ImportSerializer(serializers.Serializer):
    file = serializers.FileField(help_text="A zip or tar archive.")
    format = serializers.ChoiceField(choices=["auto", *FORMATS], default="auto")

    def validate_file(self, file):
        if file.size > settings.MAX_ARCHIVE_BYTES:
            raise TooLarge(f"The archive is larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
        return file


class ImportNewSerializer(ImportSerializer):
    name = serializers.CharField(max_length=120)


class ExportSerializer(serializers.Serializer):
    format = serializers.ChoiceField(choices=list(FORMATS), default="yolo")
    splits = serializers.ListField(child=serializers.ChoiceField(choices=SPLITS), required=False, default=list)
    only_labeled = serializers.BooleanField(default=True)


class ImportIntoDataset(APIView):
    """Import an archive into a dataset."""

    parser_classes = [MultiPartParser]

    @extend_schema(request={"multipart/form-data": ImportSerializer}, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = ImportSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        return accepted(start_import(request.user, dataset, data["file"], data["format"]))


class ImportNewDataset(APIView):
    """A new dataset from an archive."""

    parser_classes = [MultiPartParser]

    @extend_schema(request={"multipart/form-data": ImportNewSerializer}, responses={202: JobSerializer})
    def post(self, request):
        wanted = ImportNewSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        dataset = datasets.create_dataset(request.user, data["name"])
        return accepted(start_import(request.user, dataset, data["file"], data["format"], new=True))


class ExportDataset(APIView):
    """Export a dataset as a zip; `result.url` downloads it."""

    required_scope = "read"

    @extend_schema(request=ExportSerializer, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        wanted = ExportSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return accepted(start_export(request.user, dataset, **wanted.validated_data))
