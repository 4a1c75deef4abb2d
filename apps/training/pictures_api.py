"""The API of what one sees of a training: its first batches, and what was found in a few validation images.

All of it shows images of the dataset: who may see the job but no longer the dataset is answered 404.
"""

from django.core.files.storage import default_storage
from django.http import FileResponse, Http404
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.datasets.access import get_dataset
from apps.datasets.models import DatasetImage
from apps.training.access import get_job
from apps.training.engine import LEAST_CONFIDENCE
from apps.training.models import TrainingPicture
from apps.training.services.pictures import best_epoch

PRESENT, TRASHED, GONE = "present", "trashed", "gone"


class KeptSerializer(serializers.Serializer):
    epochs = serializers.ListField(
        child=serializers.IntegerField(), help_text="What was found is kept for these: all of the first 50, then fewer."
    )
    best_epoch = serializers.IntegerField(allow_null=True)
    least_confidence = serializers.FloatField(help_text="What was less sure is not kept.")


class WatchedBoxSerializer(serializers.Serializer):
    """Normalized to 0..1 of the image as people see it."""

    class_id = serializers.IntegerField()
    x_center = serializers.FloatField()
    y_center = serializers.FloatField()
    width = serializers.FloatField()
    height = serializers.FloatField()


class WatchedFoundSerializer(WatchedBoxSerializer):
    confidence = serializers.FloatField()


class WatchedClassSerializer(serializers.Serializer):
    name = serializers.CharField()
    color = serializers.CharField()


class WatchedImageSerializer(serializers.Serializer):
    sha256 = serializers.CharField()
    filename = serializers.CharField()
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    state = serializers.ChoiceField([PRESENT, TRASHED, GONE], help_text="Whether the dataset still has it.")
    url = serializers.CharField(allow_null=True, help_text="None unless it is present.")
    thumbnail_url = serializers.CharField(allow_null=True)
    labels = WatchedBoxSerializer(many=True, help_text="Those of the job's version of the dataset.")


class WatchSerializer(serializers.Serializer):
    classes = WatchedClassSerializer(many=True, help_text="By class id.")
    images = WatchedImageSerializer(many=True)


class SeenSerializer(serializers.Serializer):
    sha256 = serializers.CharField()
    found = WatchedFoundSerializer(
        many=True, allow_null=True, help_text="The surest first, at most 100; null: not looked at."
    )


class LookSerializer(serializers.Serializer):
    epoch = serializers.IntegerField()
    images = SeenSerializer(many=True)


class BatchSerializer(serializers.ModelSerializer):
    url = serializers.SerializerMethodField(help_text="A JPEG: its images side by side, with their boxes.")

    class Meta:
        model = TrainingPicture
        fields = ["id", "kind", "number", "epoch", "images", "tiles", "url"]

    def get_url(self, picture) -> str:
        address = reverse("api:training_batch", args=[picture.job_id, picture.pk])
        return f"{address}?v={_version_of(picture)}"


class Looks(APIView):
    """The epochs after which it was kept what was found in the watched validation images."""

    @extend_schema(operation_id="training_looks_kept", responses=KeptSerializer)
    def get(self, request, pk):
        job = get_job_with_pictures(request.user, pk)
        epochs = list(job.looks.values_list("epoch", flat=True))
        return Response({"epochs": epochs, "best_epoch": best_epoch(job), "least_confidence": LEAST_CONFIDENCE})


@method_decorator(gzip_page, name="dispatch")
class WatchedImages(APIView):
    """The few validation images that the job is watched by, with their labels; none before it has started."""

    @extend_schema(responses=WatchSerializer)
    def get(self, request, pk):
        job = get_job_with_pictures(request.user, pk)
        watch = getattr(job, "watch", None)
        if watch is None:
            return Response({"classes": [], "images": []})
        rows = DatasetImage.all_objects.filter(
            dataset_id=job.dataset_id, sha256__in=[image["sha256"] for image in watch.images]
        )
        # Of the same bytes several may be in the trash; the one that is present counts.
        here = {row.sha256: row for row in sorted(rows, key=lambda row: row.deleted_at is None)}
        images = [image | _where(here.get(image["sha256"]), job.dataset_id) for image in watch.images]
        for image in images:
            image["labels"] = [_box(label[0], label[1:]) for label in image["labels"]]
        return Response({"classes": watch.classes, "images": images})


@method_decorator(gzip_page, name="dispatch")
class Look(APIView):
    """What was found after an epoch."""

    @extend_schema(responses=LookSerializer)
    def get(self, request, pk, epoch):
        job = get_job_with_pictures(request.user, pk)
        look = job.looks.filter(epoch=epoch).first()
        if look is None:
            raise Http404("What was found after this epoch is not kept.")
        found = [boxes and [_box(one[0], one[2:]) | {"confidence": one[1]} for one in boxes] for boxes in look.found]
        images = zip(job.watch.images, found, strict=True)
        return Response({"epoch": epoch, "images": [{"sha256": i["sha256"], "found": boxes} for i, boxes in images]})


class Batches(APIView):
    """The first batches as the network saw them, and the first one after mosaic was switched off."""

    @extend_schema(operation_id="training_batches_list", responses=BatchSerializer(many=True))
    def get(self, request, pk):
        job = get_job_with_pictures(request.user, pk)
        return Response(BatchSerializer(job.pictures.all(), many=True).data)


class BatchPicture(APIView):
    """The picture of a batch."""

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request, pk, picture_id):
        picture = get_job_with_pictures(request.user, pk).pictures.filter(pk=picture_id).first()
        if picture is None or not default_storage.exists(picture.file.name):
            raise Http404("There is no such picture.")
        response = FileResponse(picture.file.open("rb"), content_type="image/jpeg")
        response["ETag"] = f'"{_version_of(picture)}"'
        # Its address in `batches` names the bytes; without that, a run that begins anew may put others here.
        fixed = request.query_params.get("v") == _version_of(picture)
        patch_cache_control(
            response, private=True, **({"max_age": 31_536_000, "immutable": True} if fixed else {"no_cache": True})
        )
        return response


def get_job_with_pictures(user, pk):
    """The job, or Http404: also where its dataset is not to be seen any more."""
    job = get_job(user, pk)
    get_dataset(user, job.dataset_id)
    return job


def _version_of(picture):
    return picture.file.name.rsplit("-", 1)[-1].removesuffix(".jpg")


def _where(row, dataset_id):
    if row is None or row.deleted_at is not None:
        return {"state": TRASHED if row else GONE, "url": None, "thumbnail_url": None}
    address = [dataset_id, row.pk]
    return {
        "state": PRESENT,
        "url": reverse("datasets:image_file", args=address),
        "thumbnail_url": reverse("datasets:image_thumbnail", args=address),
    }


def _box(class_id, numbers):
    return {"class_id": class_id} | dict(zip(("x_center", "y_center", "width", "height"), numbers, strict=True))
