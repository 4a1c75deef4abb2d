"""Versions of a dataset: list, make, name, compare, restore."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.access import get_version, get_version_to_edit
from apps.annotations.manifests import IMAGE_KINDS
from apps.annotations.models import DatasetVersion
from apps.annotations.serializers import VersionNoteSerializer, VersionSerializer
from apps.annotations.services.comparisons import comparison_of, num_pages, page_of
from apps.annotations.services.restores import RestoreRefused, start_restore
from apps.annotations.services.versions import create_version, is_large, set_note, start_version
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_dataset, get_dataset_to_edit


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class Versions(generics.ListAPIView):
    """Immutable snapshots, newest first."""

    serializer_class = VersionSerializer
    queryset = DatasetVersion.objects.none()

    def get_queryset(self):
        dataset = get_dataset(self.request.user, self.kwargs["dataset_id"])
        return dataset.versions.select_related("created_by", "dataset")

    @extend_schema(
        request=VersionNoteSerializer, responses={201: VersionSerializer, 200: VersionSerializer, 202: JobSerializer}
    )
    def post(self, request, dataset_id):
        """Snapshot the dataset; 200 and the same version again where nothing changed, 202 and a job for a large one."""
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = VersionNoteSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        note = wanted.validated_data.get("note", "")
        if is_large(dataset):
            return accepted(start_version(request.user, dataset, note))
        version, is_new = create_version(dataset, request.user, note)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(VersionSerializer(version).data, status=code)


class VersionDetail(generics.RetrieveAPIView):
    """One version."""

    serializer_class = VersionSerializer

    def get_object(self):
        return get_version(self.request.user, self.kwargs["dataset_id"], self.kwargs["number"])

    @extend_schema(request=VersionNoteSerializer, responses=VersionSerializer)
    def patch(self, request, dataset_id, number):
        """Change the note, the only thing about a version that can be changed."""
        version = get_version_to_edit(request.user, dataset_id, number)
        wanted = VersionNoteSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        if "note" in wanted.validated_data:
            set_note(version, wanted.validated_data["note"])
        return Response(VersionSerializer(version).data)


PAGE_PARAMETERS = [
    OpenApiParameter("kind", str, enum=IMAGE_KINDS, description="Which of the images that differ; added by itself."),
    OpenApiParameter("page", int, description="From 1."),
]


class CompareVersions(APIView):
    """What changed from version `number` to version `other`."""

    @extend_schema(
        parameters=PAGE_PARAMETERS, responses={200: OpenApiTypes.OBJECT, 202: JobSerializer},
        operation_id="dataset_versions_compare",
    )  # fmt: skip
    def get(self, request, dataset_id, number, other):
        """The figures, and a page of the images that differ; 202 and a job where large versions are compared first."""
        older = get_version(request.user, dataset_id, number)
        newer = get_version(request.user, dataset_id, other)
        return _compared(request, older, newer)


class CompareWithNow(APIView):
    """What changed since version `number`."""

    @extend_schema(
        parameters=PAGE_PARAMETERS, responses={200: OpenApiTypes.OBJECT, 202: JobSerializer},
        operation_id="dataset_versions_compare_now",
    )  # fmt: skip
    def get(self, request, dataset_id, number):
        """As between two versions; it is worked out anew when the dataset changed."""
        return _compared(request, get_version(request.user, dataset_id, number), None)


def _compared(request, older, newer):
    kind, page = _wanted_page(request)
    comparison, job = comparison_of(request.user, older.dataset, older, newer)
    if job:
        return accepted(job)
    items = page_of(comparison, kind, page)
    results = [{**item, "image": item["image"] and item["image"].pk} for item in items]
    return Response({
        "from": older.number, "to": newer.number if newer else "now", **comparison.summary,
        "listed": {"kind": kind, "page": page, "pages": num_pages(comparison, kind), "results": results},
    })  # fmt: skip


def _wanted_page(request):
    kind, page = request.query_params.get("kind", "added"), request.query_params.get("page", "1")
    if kind not in IMAGE_KINDS:
        raise serializers.ValidationError({"kind": [f"One of {', '.join(IMAGE_KINDS)}."]})
    if not page.isascii() or not page.isdecimal() or len(page) > 9 or int(page) < 1:
        raise serializers.ValidationError({"page": ["A whole number, 1 or more."]})
    return kind, int(page)


class RestoreVersion(APIView):
    """Make a version the working state again."""

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id, number):
        """A job. What is there now becomes a version first; images that are not in the version go to the trash."""
        version = get_version_to_edit(request.user, dataset_id, number)
        try:
            return accepted(start_restore(request.user, version))
        except RestoreRefused as refused:
            raise Conflict(str(refused)) from None
