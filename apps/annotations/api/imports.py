"""Archives over the API: look into one, import one, take an import back."""

from django.conf import settings
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.teams.fields import TeamField
from apps.annotations.access import get_import
from apps.annotations.formats import FORMATS
from apps.annotations.services.imports import BadOptions, clean_options, start_import, undo_import
from apps.annotations.services.imports.options import FILL, SPLIT_CHOICES
from apps.annotations.services.inspection import start_inspection
from apps.core import uploads
from apps.core.api import JobSerializer, TooLarge, accepted
from apps.datasets import services as datasets
from apps.datasets.access import get_dataset_to_review
from apps.datasets.models import Dataset

ARCHIVE_FORMATS, SPLITS = ["auto", *FORMATS], list(SPLIT_CHOICES)


class StillRunning(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_detail = "This import still runs: cancel it first."


class ArchiveSerializer(serializers.Serializer):
    """An archive: a `file`, or the id of a finished resumable `upload`."""

    file = serializers.FileField(required=False, help_text="A zip or tar archive.")
    upload = serializers.UUIDField(required=False, help_text="Instead of a file: the id of a finished upload.")
    format = serializers.ChoiceField(choices=ARCHIVE_FORMATS, default="auto")

    def validate_file(self, file):
        if file.size > settings.MAX_ARCHIVE_BYTES:
            raise TooLarge(f"The archive is larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
        return file

    def validate(self, data):
        if ("file" in data) == ("upload" in data):
            raise ValidationError({"file": ["Send either a file or the id of a finished upload."]})
        if "upload" in data:
            try:
                data["archive"], data["filename"] = uploads.stored_upload(self.context["request"].user, data["upload"])
            except uploads.UploadError as error:
                raise ValidationError({"upload": [str(error)]}) from None
        else:
            data["archive"], data["filename"] = data["file"], data["file"].name
        return data


class ImportSerializer(ArchiveSerializer):
    classes = serializers.JSONField(
        required=False,
        help_text='Class in the archive → {"to": class id}, {"new": name}, or null to leave its boxes out.',
    )
    splits = serializers.ChoiceField(choices=SPLITS, default=FILL)


class ImportNewSerializer(ImportSerializer):
    name = serializers.CharField(max_length=120)
    task = serializers.ChoiceField(choices=Dataset.Task.choices, default=Dataset.Task.DETECT)
    team = TeamField()


class ArchiveView(APIView):
    """What takes an archive: as a form with a file, or as JSON with the id of an upload."""

    parser_classes = [MultiPartParser, JSONParser]
    serializer_class = ArchiveSerializer

    def wanted(self, request, dataset=None):
        """(checked data, options)"""
        serializer = self.serializer_class(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        data = serializer.validated_data
        try:
            return data, clean_options(dataset, data["format"], data.get("classes"), data.get("splits", FILL))
        except BadOptions as bad:
            raise ValidationError({bad.field: [str(bad)]}) from None


class ImportIntoDataset(ArchiveView):
    """Import an archive into a dataset."""

    serializer_class = ImportSerializer

    @extend_schema(request={"multipart/form-data": ImportSerializer}, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_review(request.user, dataset_id)
        data, options = self.wanted(request, dataset)
        job = start_import(request.user, dataset, data["archive"], options=options, filename=data["filename"])
        return accepted(job)


class ImportNewDataset(ArchiveView):
    """A new dataset from an archive."""

    serializer_class = ImportNewSerializer

    @extend_schema(
        operation_id="datasets_import_new",
        request={"multipart/form-data": ImportNewSerializer},
        responses={202: JobSerializer},
    )
    def post(self, request):
        data, options = self.wanted(request)
        dataset = datasets.create_dataset(request.user, data["name"], task=data["task"], team=data.get("team"))
        job = start_import(request.user, dataset, data["archive"], new=True, options=options, filename=data["filename"])
        return accepted(job)


class InspectForDataset(ArchiveView):
    """Look into an archive before it goes into a dataset; `result` has formats, classes, splits and problems."""

    @extend_schema(request={"multipart/form-data": ArchiveSerializer}, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_review(request.user, dataset_id)
        data, options = self.wanted(request, dataset)
        job = start_inspection(request.user, dataset, data["archive"], options.format, data["filename"])
        return accepted(job)


class InspectForNewDataset(ArchiveView):
    """Look into an archive that may become a new dataset."""

    @extend_schema(
        operation_id="datasets_inspect_new",
        request={"multipart/form-data": ArchiveSerializer},
        responses={202: JobSerializer},
    )
    def post(self, request):
        data, options = self.wanted(request)
        return accepted(start_inspection(request.user, None, data["archive"], options.format, data["filename"]))


class UndoImport(APIView):
    """Move the images that an import brought in to the trash."""

    @extend_schema(request=None, responses=inline_serializer("UndoneImport", {"images": serializers.IntegerField()}))
    def post(self, request, dataset_id, job_id):
        dataset = get_dataset_to_review(request.user, dataset_id)
        job = get_import(dataset, job_id)
        if job.is_active:
            raise StillRunning
        return Response({"images": undo_import(dataset, job, request.user)})
