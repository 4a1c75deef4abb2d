"""Presence, reviews, suggestions, bulk changes: what people do together and at once."""

from django.http import HttpResponse
from django.utils.cache import patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.pagination import CursorPagination
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.access import get_annotation
from apps.annotations.api.labels import conflict
from apps.annotations.models import Annotation, Review
from apps.annotations.serializers import KEYS_NOTE, ClassKeysField
from apps.annotations.services.bulk import MOST, change_labels, undo_changes
from apps.annotations.services.crops import NoPicture, crop
from apps.annotations.services.labels import StaleRevision
from apps.annotations.services.presence import seen
from apps.annotations.services.reviews import NothingToReview, review_image
from apps.annotations.services.shapes import BadLabels, class_key_of
from apps.annotations.services.suggestions import drop_suggestions, suggestions_of
from apps.datasets.access import get_dataset, get_dataset_to_review, get_image, get_image_to_label, get_image_to_review


class PresenceSerializer(serializers.Serializer):
    image_id = serializers.IntegerField(allow_null=True, required=False, default=None, min_value=0, max_value=2**62)


class Presence(APIView):
    """Say where I am, and hear who else is in this dataset."""

    required_scope = "read"

    @extend_schema(request=PresenceSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        here = PresenceSerializer(data=request.data)
        here.is_valid(raise_exception=True)
        return Response({"people": seen(dataset.pk, request.user, here.validated_data["image_id"])})


class ReviewSerializer(serializers.Serializer):
    action = serializers.ChoiceField(choices=Review.Action.choices)
    note = serializers.CharField(max_length=2000, allow_blank=True, default="")
    revision = serializers.IntegerField(min_value=0, help_text="The revision that was looked at.")


class ReviewImage(APIView):
    """Accept an image's labels, or send them back with a note."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, dataset_id, image_id):
        """What reviewers said, newest first."""
        image = get_image(request.user, dataset_id, image_id)
        rows = Review.objects.filter(image=image).select_related("reviewer")[:50]
        return Response({"state": image.state, "reviews": [_review(row) for row in rows]})

    @extend_schema(request=ReviewSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request, dataset_id, image_id):
        image = get_image_to_review(request.user, dataset_id, image_id)
        wanted = ReviewSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        try:
            row = review_image(image, data["revision"], request.user, data["action"], data["note"])
        except StaleRevision as stale:
            return conflict(stale)
        except NothingToReview as reason:
            raise ValidationError({"detail": str(reason)}) from None
        return Response({"state": image.state, "review": _review(row)})


def _review(row):
    return {
        "action": row.action, "note": row.note, "revision": row.revision, "created_at": row.created_at,
        "reviewer": row.reviewer.username if row.reviewer else None,
    }  # fmt: skip


class DroppedSerializer(serializers.Serializer):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**62), required=False, max_length=10_000
    )


class Suggestions(APIView):
    """What a model predicted on this image and nobody decided on yet."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, dataset_id, image_id):
        image = get_image(request.user, dataset_id, image_id)
        return Response({"class_keys": image.dataset.class_keys, "predictions": suggestions_of(image)})

    @extend_schema(request=DroppedSerializer, responses={204: None})
    def delete(self, request, dataset_id, image_id):
        """Forget those that were accepted or rejected (`ids`), or all."""
        image = get_image_to_label(request.user, dataset_id, image_id)
        wanted = DroppedSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        drop_suggestions(image, wanted.validated_data.get("ids"))
        return Response(status=status.HTTP_204_NO_CONTENT)


class BulkLabelsSerializer(serializers.Serializer):
    ids = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**62), min_length=1, max_length=MOST
    )
    action = serializers.ChoiceField(choices=["delete", "class"])
    class_id = serializers.IntegerField(min_value=0, max_value=100_000, required=False)
    class_keys = ClassKeysField(required=False, max_length=2000, help_text=KEYS_NOTE)

    def validate(self, data):
        if data["action"] == "class" and "class_id" not in data:
            raise serializers.ValidationError({"class_id": ["Say which class."]})
        return data


class ChangeSerializer(serializers.Serializer):
    image = serializers.IntegerField(min_value=1, max_value=2**62)
    before = serializers.IntegerField(min_value=0, max_value=2**31)
    after = serializers.IntegerField(min_value=0, max_value=2**31)


class ChangesSerializer(serializers.Serializer):
    """What `annotations/undo` takes back."""

    changes = ChangeSerializer(many=True, max_length=MOST)


class BulkLabels(APIView):
    """Delete many labels, or give them another class."""

    @extend_schema(request=BulkLabelsSerializer, responses=ChangesSerializer)
    def post(self, request, dataset_id):
        dataset = get_dataset_to_review(request.user, dataset_id)
        wanted = BulkLabelsSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        try:
            class_key = None
            if data["action"] == "class":
                class_key = class_key_of(dataset, data["class_id"], data.get("class_keys"))
            changes = change_labels(dataset, data["ids"], request.user, class_key)
        except BadLabels as bad:
            raise ValidationError({"class_id": [str(bad)]}) from None
        return Response({"changes": changes})


class UndoBulkLabels(APIView):
    """Take a bulk change back, on every image that nobody touched since."""

    @extend_schema(request=ChangesSerializer, responses=OpenApiTypes.OBJECT)
    def post(self, request, dataset_id):
        dataset = get_dataset_to_review(request.user, dataset_id)
        wanted = ChangesSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        undone, left = undo_changes(dataset, wanted.validated_data["changes"], request.user)
        return Response({"undone": undone, "left": left})


class NewestFirst(CursorPagination):
    page_size = 120
    max_page_size = 500
    page_size_query_param = "page_size"
    ordering = "-pk"


class CropSerializer(serializers.ModelSerializer):
    class_id = serializers.SerializerMethodField()
    class_name = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = Annotation
        fields = [
            "id", "image_id", "class_id", "class_name", "width", "height", "source", "confidence", "url",
        ]  # fmt: skip

    def get_class_id(self, row) -> int:
        return self.context["dataset"].place_of(row.class_key)

    def get_class_name(self, row) -> str:
        return self.context["dataset"].class_names[self.get_class_id(row)]

    def get_url(self, row) -> str:
        box = f"{row.x_center:.5f}{row.y_center:.5f}{row.width:.5f}{row.height:.5f}".replace("0.", "")
        return f"/api/v1/datasets/{row.image.dataset_id}/annotations/{row.pk}/crop?v={box}"


class Crops(generics.ListAPIView):
    """The labels of a class with their crops, newest first; `?class_id=`."""

    serializer_class = CropSerializer
    pagination_class = NewestFirst
    queryset = Annotation.objects.none()

    def get_queryset(self):
        dataset = get_dataset(self.request.user, self.kwargs["dataset_id"])
        self.dataset = dataset
        keys = dataset.class_keys
        rows = Annotation.objects.of(dataset).filter(class_key__in=keys).select_related("image")
        class_id = self.request.query_params.get("class_id", "")
        if class_id and not (class_id.isdecimal() and len(class_id) < 10):
            raise ValidationError({"class_id": ["A class id, a whole number."]})
        if class_id:
            rows = rows.filter(class_key=keys[int(class_id)] if int(class_id) < len(keys) else -1)
        return rows

    def get_serializer_context(self):
        return super().get_serializer_context() | {"dataset": getattr(self, "dataset", None)}


class Crop(APIView):
    """The part of the picture that a label is on."""

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request, dataset_id, annotation_id):
        row = get_annotation(request.user, dataset_id, annotation_id)
        try:
            response = HttpResponse(crop(row), content_type="image/jpeg")
        except NoPicture as reason:
            raise NotFound(str(reason)) from None
        patch_cache_control(response, private=True, max_age=86_400)
        return response
