"""The labels of an image and their revisions."""

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import status
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.access import get_annotation_to_label, get_revision
from apps.annotations.models import Annotation, Revision
from apps.annotations.serializers import (
    AnnotationSerializer,
    AnnotationSetSerializer,
    ConflictSerializer,
    CurrentSetSerializer,
    RestoreSerializer,
    RevisionDetailSerializer,
    RevisionSerializer,
)
from apps.annotations.services.labels import (
    StaleRevision,
    add_labels,
    as_dict,
    change_label,
    delete_label,
    restore_revision,
    save_labels,
    shown_labels,
)
from apps.annotations.services.shapes import BadLabels, from_outside
from apps.datasets.access import get_image, get_image_to_label
from apps.datasets.models import DatasetImage


def current_set(image, rows=None):
    """An image's labels as the API shows them."""
    rows = Annotation.objects.filter(image=image).order_by("pk") if rows is None else rows
    return {
        "revision": image.revision,
        "state": image.state,
        "is_labeled": image.is_labeled,
        "class_keys": image.dataset.class_keys,
        "annotations": shown_labels(image.dataset, [as_dict(row) for row in rows]),
    }


def conflict(stale):
    """The 409 answer: what is there now, and who saved it when."""
    last = Revision.objects.select_related("author").filter(image=stale.current, number=stale.current.revision).first()
    known = {
        "author": last.author.username if last and last.author else None,
        "saved_at": last.created_at if last else None,
    }
    return Response({"detail": str(stale), **current_set(stale.current), **known}, status=status.HTTP_409_CONFLICT)


def saved(save):
    """Call `save() -> (image, rows)` and answer it; bad labels are 400, a stale revision 409, an image gone 404."""
    try:
        image, rows = save()
    except DatasetImage.DoesNotExist:
        raise NotFound("This image was deleted meanwhile.") from None
    except BadLabels as bad:
        raise ValidationError({"annotations": [str(bad)]}) from None
    except StaleRevision as stale:
        return conflict(stale)
    return Response(current_set(image, rows))


class ImageAnnotations(APIView):
    """The whole set of one image."""

    @extend_schema(responses=CurrentSetSerializer)
    def get(self, request, dataset_id, image_id):
        return Response(current_set(get_image(request.user, dataset_id, image_id)))

    @extend_schema(request=AnnotationSetSerializer, responses={200: CurrentSetSerializer, 409: ConflictSerializer})
    def put(self, request, dataset_id, image_id):
        """Replace the set. A stale revision is refused with the current set, and nothing is overwritten."""
        image = get_image_to_label(request.user, dataset_id, image_id)
        wanted = AnnotationSetSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = wanted.validated_data

        def save():
            labels = from_outside(data["annotations"], data.get("class_keys"))
            _, rows = save_labels(image, data["revision"], labels, request.user, data["labeled"])
            return image, rows

        return saved(save)

    @extend_schema(request=AnnotationSerializer(many=True), responses={201: CurrentSetSerializer})
    def post(self, request, dataset_id, image_id):
        """Add one annotation, or a list of them."""
        image = get_image_to_label(request.user, dataset_id, image_id)
        items = from_outside(request.data if isinstance(request.data, list) else [request.data])
        if not items:
            raise ValidationError({"annotations": ["The list is empty: there is nothing to add."]})
        response = saved(lambda: (image, add_labels(image, items, request.user)[1]))
        response.status_code = status.HTTP_201_CREATED if response.status_code == 200 else response.status_code
        return response


class AnnotationDetail(APIView):
    """One annotation."""

    @extend_schema(request=AnnotationSerializer, responses=CurrentSetSerializer)
    def patch(self, request, dataset_id, annotation_id):
        row = get_annotation_to_label(request.user, dataset_id, annotation_id)
        return saved(lambda: (row.image, change_label(row.image, row.pk, request.data, request.user)[1]))

    @extend_schema(responses={204: None})
    def delete(self, request, dataset_id, annotation_id):
        row = get_annotation_to_label(request.user, dataset_id, annotation_id)
        response = saved(lambda: (row.image, delete_label(row.image, row.pk, request.user)[1]))
        return Response(status=status.HTTP_204_NO_CONTENT) if response.status_code == 200 else response


class Revisions(APIView):
    """What an image's labels went through, newest first."""

    @extend_schema(
        operation_id="datasets_images_revisions_list",
        responses=inline_serializer("Revisions", {"revisions": RevisionSerializer(many=True)}),
    )
    def get(self, request, dataset_id, image_id):
        image = get_image(request.user, dataset_id, image_id)
        rows = Revision.objects.filter(image=image).select_related("author").defer("annotations")[:500]
        return Response({"revisions": RevisionSerializer(rows, many=True).data})


class RevisionDetail(APIView):
    """The labels as one save left them."""

    @extend_schema(responses=RevisionDetailSerializer)
    def get(self, request, dataset_id, image_id, number):
        image = get_image(request.user, dataset_id, image_id)
        return Response(RevisionDetailSerializer(get_revision(image, number), context={"dataset": image.dataset}).data)


class RestoreRevision(APIView):
    """Make an earlier revision the current one, as a new revision."""

    @extend_schema(request=RestoreSerializer, responses={200: CurrentSetSerializer, 409: ConflictSerializer})
    def post(self, request, dataset_id, image_id, number):
        image = get_image_to_label(request.user, dataset_id, image_id)
        old = get_revision(image, number)
        wanted = RestoreSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        revision = wanted.validated_data["revision"]
        return saved(lambda: (image, restore_revision(image, old, revision, request.user)[1]))
