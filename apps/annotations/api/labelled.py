"""An image that comes with its labels."""

import json

from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.api.labels import conflict, current_set
from apps.annotations.services.labelled_images import AlreadyLabelled, add_labelled_image
from apps.annotations.services.labels import StaleRevision
from apps.annotations.services.shapes import BadLabels
from apps.core.images import BadImage
from apps.datasets import services as datasets
from apps.datasets.access import get_dataset_to_review
from apps.datasets.models import DatasetImage
from apps.datasets.serializers import ImageSerializer

ACCEPTED = (
    'A JSON list of labels, as [{"class_name": "cat", "x_center": 0.5, "y_center": 0.5, "width": 0.2, "height": 0.1}].'
)


@extend_schema_field(OpenApiTypes.STR)
class JsonListField(serializers.Field):
    """A list as the text of a form's field; what is in it the service checks."""

    def to_internal_value(self, data):
        try:
            items = json.loads(data)
        except (TypeError, ValueError, RecursionError):
            raise serializers.ValidationError(ACCEPTED) from None
        if not isinstance(items, list):
            raise serializers.ValidationError(ACCEPTED)
        return items

    def to_representation(self, value):
        return json.dumps(value)


class LabelledImageSerializer(serializers.Serializer):
    image = serializers.FileField(allow_empty_file=True)
    annotations = JsonListField(help_text=ACCEPTED)
    add_classes = serializers.BooleanField(
        default=False, help_text="Add classes that the dataset lacks; else their labels are left out."
    )
    revision = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1,
        help_text="Of an image that is there already: the revision of its labels, which these replace.",
    )  # fmt: skip


class StoredSerializer(serializers.Serializer):
    image = ImageSerializer()
    is_new = serializers.BooleanField(help_text="False: these bytes were in the dataset already.")
    revision = serializers.IntegerField()
    revision_before = serializers.IntegerField(help_text="0: it had no labels.")
    num_labels = serializers.IntegerField()
    unmapped = serializers.DictField(
        child=serializers.IntegerField(), help_text="Class name → labels left out, for the dataset lacks the class."
    )
    added_classes = serializers.ListField(child=serializers.CharField())
    page_url = serializers.CharField(help_text="The workspace at this image.")


class LabelledImages(APIView):
    """Images that come with their labels."""

    parser_classes = [MultiPartParser]

    @extend_schema(
        request={"multipart/form-data": LabelledImageSerializer},
        responses={200: StoredSerializer, 201: StoredSerializer, 409: OpenApiTypes.OBJECT},
    )
    def post(self, request, dataset_id):
        """201 for a new image, 200 for one that was there without labels; one with labels is 409 with what it has."""
        dataset = get_dataset_to_review(request.user, dataset_id)
        wanted = LabelledImageSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data
        try:
            stored = add_labelled_image(
                dataset, data["image"], data["annotations"], request.user, data.get("revision"), data["add_classes"]
            )
        except AlreadyLabelled as there:
            known = {"detail": str(there), "image_id": there.image.pk, "page_url": page_of(there.image)}
            return Response({**known, **current_set(there.image)}, status=status.HTTP_409_CONFLICT)
        except StaleRevision as stale:
            return conflict(stale)
        except DatasetImage.DoesNotExist:
            raise NotFound("This image was deleted meanwhile.") from None
        except BadLabels as bad:
            raise ValidationError({"annotations": [str(bad)]}) from None
        except datasets.BadClassName as bad:
            raise ValidationError({"add_classes": [str(bad)]}) from None
        except BadImage as bad:
            raise ValidationError({"image": [str(bad)]}) from None
        code = status.HTTP_201_CREATED if stored.is_new else status.HTTP_200_OK
        return Response(StoredSerializer(_shown(stored)).data, status=code)


def page_of(image):
    """The address of the workspace at an image."""
    return f"{reverse('annotations:workspace', args=[image.dataset_id])}?image={image.pk}"


def _shown(stored):
    return {
        "image": stored.image, "is_new": stored.is_new, "revision": stored.image.revision,
        "revision_before": stored.revision_before, "num_labels": len(stored.rows), "unmapped": stored.unmapped,
        "added_classes": stored.added_classes, "page_url": page_of(stored.image),
    }  # fmt: skip
