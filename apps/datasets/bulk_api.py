"""The API: many images at once, taking that back, and the trash."""

from drf_spectacular.utils import extend_schema
from rest_framework import generics, status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.api import JobSerializer, accepted
from apps.datasets import services
from apps.datasets.access import get_change, get_dataset_to_edit
from apps.datasets.filters import images_matching
from apps.datasets.models import DatasetImage
from apps.datasets.serializers import (
    BulkAnswerSerializer,
    BulkSerializer,
    PurgeSerializer,
    TrashedImageSerializer,
    UndoneSerializer,
    UndoSerializer,
)


class ListHasChanged(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "list_changed"


class BulkImages(APIView):
    """Change many images in one transaction: those of `ids`, or all that match `filter` but `except_ids`.

    `delete` moves them to the trash and `restore` brings them back; `split`, `tag`, `untag` and `group` say what they
    say. After `delete` and `split` the answer's `undo` takes the change back at `images/undo`, for a day.
    """

    @extend_schema(request=BulkSerializer, responses=BulkAnswerSerializer)
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        bulk = BulkSerializer(data=request.data)
        bulk.is_valid(raise_exception=True)
        data = bulk.validated_data
        action = data.pop("action")
        images = self._chosen(dataset, action, data)
        try:
            return Response(services.change_images(dataset, images, request.user, action, **data))
        except services.ListChanged as changed:
            raise ListHasChanged(str(changed)) from None
        except services.BadTag as bad:
            raise ValidationError({"tags": [str(bad)]}) from None

    @staticmethod
    def _chosen(dataset, action, data):
        images = services.trashed_images(dataset) if action == "restore" else dataset.images.all()
        ids, query, spared = (data.pop(name, None) for name in ("ids", "filter", "except_ids"))
        if ids is not None:
            return images.filter(pk__in=ids)
        found = images_matching(dataset, query, images=images)
        return found.exclude(pk__in=spared) if spared else found


class UndoImages(APIView):
    """Take a change of many images back: exactly those that it changed, where nobody changed them since."""

    @extend_schema(request=UndoSerializer, responses=UndoneSerializer)
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = UndoSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        count, refused = services.undo_change(
            get_change(request.user, dataset, wanted.validated_data["undo"]), request.user
        )
        return Response({"count": count, "refused": refused})


class Trash(generics.ListAPIView):
    """What is in the trash of a dataset, what was deleted last first."""

    serializer_class = TrashedImageSerializer
    queryset = DatasetImage.objects.none()

    def filter_queryset(self, queryset):
        dataset = get_dataset_to_edit(self.request.user, self.kwargs["dataset_id"])
        return services.trashed_images(dataset).select_related("deleted_by").prefetch_related("tags")


class PurgeTrash(APIView):
    """Delete images of the trash for good: `ids`, or all. Many are a job: 202."""

    @extend_schema(request=PurgeSerializer, responses={200: BulkAnswerSerializer, 202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = PurgeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        count, job = services.purge_from_trash(request.user, dataset, wanted.validated_data.get("ids"))
        return accepted(job) if job else Response({"count": count, "undo": None, "refused": []})
