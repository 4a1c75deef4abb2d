"""Statistics and validation of a dataset."""

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.services.statistics import dataset_statistics, positions_of_class
from apps.annotations.services.validation import start_validation
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_dataset


class Statistics(APIView):
    """Images, boxes, classes, splits, box sizes and shapes, as they are kept: `computed_at` says of when, `is_current`
    whether nothing changed since. Where something did, they are counted anew: at once, or for a large dataset by a
    job; ask again. A large dataset that was never counted has `computed_at` null, and null for what needs a count."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, dataset_id):
        return Response(dataset_statistics(get_dataset(request.user, dataset_id)))


class Positions(APIView):
    """Where on the image the boxes of a class are: `cells[row][column]` counts the boxes that touch that part."""

    @extend_schema(parameters=[OpenApiParameter("class_id", int, required=True)], responses=OpenApiTypes.OBJECT)
    def get(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        last = len(dataset.class_names) - 1
        word = request.query_params.get("class_id", "")
        if not (word.isdecimal() and len(word) < 9 and int(word) <= last):
            accepted = f"Accepted: 0 to {last}." if last >= 0 else "This dataset has no class."
            raise serializers.ValidationError({"class_id": [f"Not a class of this dataset. {accepted}"]})
        return Response(positions_of_class(dataset, int(word)))


class ValidateDataset(APIView):
    """Look for problems, as a job; `result.problems` names each with its image."""

    required_scope = "read"

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        return accepted(start_validation(request.user, get_dataset(request.user, dataset_id)))
