"""Statistics and validation of a dataset."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.services.statistics import dataset_statistics
from apps.annotations.services.validation import start_validation
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_dataset


class Statistics(APIView):
    """Images, boxes, classes, splits, box sizes and shapes."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, dataset_id):
        return Response(dataset_statistics(get_dataset(request.user, dataset_id)))


class ValidateDataset(APIView):
    """Look for problems, as a job; `result.problems` names each with its image."""

    required_scope = "read"

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        return accepted(start_validation(request.user, get_dataset(request.user, dataset_id)))
