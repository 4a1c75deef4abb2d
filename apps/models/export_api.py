"""The API's `models/{id}/exports`."""

from django.core.files.storage import default_storage
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer, accepted
from apps.core.downloads import download
from apps.models import services
from apps.models.access import exports_of, get_export, get_export_to_edit, get_model, get_model_to_edit
from apps.models.export_formats import export_formats
from apps.models.export_serializers import ExportRequestSerializer, ExportSerializer, FormatSerializer
from apps.models.services.exports import plain_name


class Exports(APIView):
    """A model in other formats, each measured beside its weights."""

    @extend_schema(responses=ExportSerializer(many=True))
    def get(self, request, pk):
        """All of them, newest first."""
        return Response(ExportSerializer(exports_of(get_model(request.user, pk)), many=True).data)

    @extend_schema(request=ExportRequestSerializer, responses={202: JobSerializer})
    def post(self, request, pk):
        """Export it; one that is under way or made of these weights is answered as it is."""
        model = get_model_to_edit(request.user, pk)
        wanted = ExportRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            row = services.start_export(model, request.user, **wanted.validated_data)
        except services.ExportRefused as refused:
            raise serializers.ValidationError({name: [words] for name, words in refused.problems.items()}) from None
        return accepted(row.job, export_id=row.pk)


class Formats(APIView):
    """What a model can be exported to on this machine, and why not to the rest."""

    @extend_schema(responses=FormatSerializer(many=True))
    def get(self, request, pk):
        get_model(request.user, pk)
        return Response(FormatSerializer(export_formats().values(), many=True).data)


class ExportDetail(APIView):
    """One export."""

    @extend_schema(responses=ExportSerializer)
    def get(self, request, pk, export_id):
        return Response(ExportSerializer(get_export(request.user, pk, export_id)).data)

    @extend_schema(responses={204: None})
    def delete(self, request, pk, export_id):
        """Delete it with its file; a job that makes it is cancelled."""
        services.delete_export(get_export_to_edit(request.user, pk, export_id), request.user)
        return Response(status=204)


class ExportFile(APIView):
    """The file of an export; of a format that is a folder, its zip."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, pk, export_id):
        """A `Range` is answered with that part, so that a broken download can go on. Its sha256 is the ETag."""
        return export_response(request, get_export(request.user, pk, export_id))


def export_response(request, row):
    """The export as a download, or 404 where it has no file."""
    if not row.is_made or not default_storage.exists(row.file.name):
        raise Http404("This export has no file; export it again.")
    suffix = row.file.name.rsplit(".", 1)[-1]
    name = f"{plain_name(row.model)}-{row.format}-{row.precision}-{row.img_size}.{suffix}"
    return download(request, row.file, name, etag=row.sha256)
