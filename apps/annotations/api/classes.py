"""The classes of a dataset: add, rename, recolour, reorder, merge, delete, and what happened to them."""

from contextlib import contextmanager

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.serializers import (
    ClassChangeSerializer,
    ClassEditSerializer,
    ClassListSerializer,
    ClassNameSerializer,
    ClassOrderSerializer,
)
from apps.annotations.services.classes import remove_class
from apps.core.api import JobSerializer, accepted
from apps.datasets import services as datasets
from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.models import ClassChange


@contextmanager
def refusals(field):
    """What the service refuses is a 400 about `field`."""
    try:
        yield
    except datasets.BadClassName as bad:
        raise ValidationError({field: [str(bad)]}) from None


class Classes(APIView):
    """The classes of a dataset."""

    @extend_schema(responses=ClassListSerializer)
    def get(self, request, dataset_id):
        return Response({"classes": get_dataset(request.user, dataset_id).classes})

    @extend_schema(request=ClassNameSerializer, responses={201: ClassListSerializer})
    def post(self, request, dataset_id):
        """Add a class at the end."""
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = ClassNameSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refusals("name"):
            datasets.add_class(dataset, wanted.validated_data["name"], request.user)
        return Response({"classes": dataset.classes}, status=status.HTTP_201_CREATED)


class ClassOrder(APIView):
    """The order of the classes; class ids change with it, labels do not."""

    @extend_schema(request=ClassOrderSerializer, responses=ClassListSerializer)
    def put(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = ClassOrderSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        with refusals("keys"):
            datasets.reorder_classes(dataset, wanted.validated_data["keys"], request.user)
        return Response({"classes": dataset.classes})


class ClassDetail(APIView):
    """One class."""

    @extend_schema(request=ClassEditSerializer, responses=ClassListSerializer)
    def patch(self, request, dataset_id, class_id):
        """Rename or recolour a class; its labels stay as they are."""
        dataset = self._dataset(request, dataset_id, class_id)
        wanted = ClassEditSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        if "name" in wanted.validated_data:
            with refusals("name"):
                datasets.rename_class(dataset, class_id, wanted.validated_data["name"], request.user)
        if "color" in wanted.validated_data:
            with refusals("color"):
                datasets.recolor_class(dataset, class_id, wanted.validated_data["color"], request.user)
        return Response({"classes": dataset.classes})

    @extend_schema(
        parameters=[OpenApiParameter("into", int, description="The class that gets its labels. Left out: deleted.")],
        responses={200: ClassListSerializer, 202: JobSerializer},
    )
    def delete(self, request, dataset_id, class_id):
        """Merge a class into another, or delete it with its labels; a version is made first."""
        dataset = self._dataset(request, dataset_id, class_id)
        into = request.query_params.get("into")
        if into is not None and not (into.isdecimal() and len(into) < 6):
            raise ValidationError({"into": ["A class id, a whole number."]})
        with refusals("into"):
            _, job = remove_class(dataset, class_id, request.user, None if into is None else int(into))
        return accepted(job) if job else Response({"classes": dataset.classes})

    @staticmethod
    def _dataset(request, dataset_id, class_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        if class_id >= dataset.num_classes:
            raise NotFound("This dataset has no such class.")
        return dataset


class ClassHistory(generics.ListAPIView):
    """What happened to the classes, newest first."""

    serializer_class = ClassChangeSerializer
    queryset = ClassChange.objects.none()

    def get_queryset(self):
        return get_dataset(self.request.user, self.kwargs["dataset_id"]).class_changes.select_related("user")
