"""Export of whole datasets, as jobs."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.views import APIView

from apps.annotations.access import get_version
from apps.annotations.formats import FORMATS
from apps.annotations.services.exports import start_export
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_dataset
from apps.datasets.models import SPLITS


class ExportSerializer(serializers.Serializer):
    format = serializers.ChoiceField(choices=list(FORMATS), default="yolo")
    splits = serializers.ListField(child=serializers.ChoiceField(choices=SPLITS), required=False, default=list)
    only_labeled = serializers.BooleanField(default=True)
    version = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, max_value=2**31 - 1,
        help_text="The number of a version; none exports the dataset as it is now.",
    )  # fmt: skip
    with_images = serializers.BooleanField(default=True, help_text="False: the label files alone.")


class ExportDataset(APIView):
    """Export a dataset as a zip; `result.url` downloads it."""

    required_scope = "read"

    @extend_schema(request=ExportSerializer, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        wanted = ExportSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        options = dict(wanted.validated_data)
        if options.get("version"):
            options["version"] = _version(request.user, dataset, options["version"])
        return accepted(start_export(request.user, dataset, **options))


def _version(user, dataset, number):
    try:
        return get_version(user, dataset.pk, number)
    except Http404:
        raise serializers.ValidationError({"version": [f"This dataset has no version {number}."]}) from None
