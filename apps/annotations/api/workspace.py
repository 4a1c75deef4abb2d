"""What the labelling workspace asks: where it is in the filtered list, and its neighbours."""

from django.db.models import Count, prefetch_related_objects
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.models import Suggestion
from apps.datasets.access import get_dataset
from apps.datasets.filters import ImageFilter, images_matching
from apps.datasets.models import DatasetImage
from apps.datasets.serializers import ImageSerializer

WINDOW = 100
FILTER_NOTE = [OpenApiParameter(name, str) for name in ImageFilter.base_filters]


class PositionSerializer(serializers.Serializer):
    count = serializers.IntegerField()
    position = serializers.IntegerField(allow_null=True, help_text="From 0.")
    id = serializers.IntegerField(allow_null=True)


class NeighbourSerializer(ImageSerializer):
    num_suggestions = serializers.IntegerField(read_only=True, help_text="Predictions that nobody decided on yet.")

    class Meta(ImageSerializer.Meta):
        fields = [*ImageSerializer.Meta.fields, "num_suggestions"]


class WindowSerializer(serializers.Serializer):
    items = NeighbourSerializer(many=True)


class Position(APIView):
    """Where an image stands in the filtered list; or which image stands at `at`; or the next unlabelled one."""

    @extend_schema(
        parameters=[*FILTER_NOTE, *(OpenApiParameter(n, int) for n in ("image", "at", "after"))],
        responses=PositionSerializer,
    )
    def get(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        images = images_matching(dataset, request.query_params, request).order_by("pk")
        found = self._find(images, request.query_params)
        position = images.filter(pk__lt=found).count() if found else None
        return Response({"count": images.count(), "position": position, "id": found})

    @staticmethod
    def _find(images, query):
        pks = images.values_list("pk", flat=True)
        if "at" in query:
            at = number(query, "at")
            return pks[at : at + 1].first() if at >= 0 else None
        if query.get("next") == "unlabeled":
            todo = pks.filter(is_labeled=False)
            after = number(query, "after")
            return todo.filter(pk__gt=after).first() or todo.first()
        if "image" in query:
            wanted = number(query, "image")
            return pks.filter(pk__gte=wanted).first() or pks.last()
        return pks.first()


class Window(APIView):
    """The neighbours of an image in the filtered list, in order; the image itself is always among them."""

    @extend_schema(
        parameters=[*FILTER_NOTE, *(OpenApiParameter(n, int) for n in ("image", "before", "after"))],
        responses=WindowSerializer,
    )
    def get(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        images = images_matching(dataset, request.query_params, request)
        image = number(request.query_params, "image")
        before = min(number(request.query_params, "before", 12), WINDOW)
        after = min(number(request.query_params, "after", 24), WINDOW)
        earlier = list(images.filter(pk__lt=image).order_by("-pk")[:before])[::-1]
        itself = list(DatasetImage.objects.filter(dataset=dataset, pk=image))
        later = list(images.filter(pk__gt=image).order_by("pk")[:after])
        items = earlier + itself + later
        prefetch_related_objects(items, "tags")
        waiting = Suggestion.objects.filter(image__in=items).values_list("image").annotate(Count("pk")).order_by()
        counts = dict(waiting)
        for item in items:
            item.num_suggestions = counts.get(item.pk, 0)
        return Response({"items": NeighbourSerializer(items, many=True).data})


def number(query, name, default=0):
    """A whole number of the query, not negative; raises ValidationError."""
    value = query.get(name, default)
    try:
        value = int(value)
    except (TypeError, ValueError):
        value = -1
    if not 0 <= value < 2**62:
        raise serializers.ValidationError({name: ["A whole number, 0 or more."]})
    return value
