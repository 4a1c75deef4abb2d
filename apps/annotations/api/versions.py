"""Versions of a dataset."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.response import Response

from apps.annotations.access import get_version
from apps.annotations.models import DatasetVersion
from apps.annotations.serializers import VersionSerializer
from apps.annotations.services.versions import create_version
from apps.datasets.access import get_dataset, get_dataset_to_edit


class Versions(generics.ListAPIView):
    """Immutable snapshots, newest first."""

    serializer_class = VersionSerializer
    queryset = DatasetVersion.objects.none()

    def get_queryset(self):
        return get_dataset(self.request.user, self.kwargs["dataset_id"]).versions.select_related("created_by")

    @extend_schema(request=None, responses={201: VersionSerializer, 200: VersionSerializer})
    def post(self, request, dataset_id):
        """Snapshot the dataset; 200 and the same version again where nothing changed."""
        dataset = get_dataset_to_edit(request.user, dataset_id)
        version, is_new = create_version(dataset, request.user)
        code = status.HTTP_201_CREATED if is_new else status.HTTP_200_OK
        return Response(VersionSerializer(version).data, status=code)


class VersionDetail(generics.RetrieveAPIView):
    """One version."""

    serializer_class = VersionSerializer

    def get_object(self):
        return get_version(self.request.user, self.kwargs["dataset_id"], self.kwargs["number"])
