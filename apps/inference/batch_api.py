"""The API's `predictions/batch`: start one, page through its answers, take them along. Videos: `video_api`."""

import json

from django.conf import settings
from django.core.files.storage import default_storage
from django.http import Http404, HttpResponse, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, generics, serializers, status
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.views import APIView

from apps.core import uploads
from apps.core.access import check_may_steer, jobs_visible_to
from apps.core.api import JobSerializer, OfStartedJob, TooLarge, accepted
from apps.core.archives import NO_ARCHIVE, ArchiveError, is_archive
from apps.datasets.access import get_dataset
from apps.datasets.filters import images_matching
from apps.inference import batch, services
from apps.inference.access import NotAnswering, find_to_ask, get_model_of_batch
from apps.inference.answer_forms import categories, coco_boxes, coco_image
from apps.inference.api import NotDeployed, answered
from apps.inference.fields import CountField, ShareField, YesNoField
from apps.inference.metering import MeteredView, batch_over_quota
from apps.inference.models import BatchAnswer
from apps.inference.runtime import BadImage
from apps.inference.serializers import OptionsSerializer, options_for, refuse_unknown
from apps.inference.tokens import token_of
from apps.inference.videos.work import ACCEPTED, is_stored_video, is_video, start_on_video


class BatchSerializer(OptionsSerializer):
    """One of `images`, `file`, `video`, `upload` and `dataset_id`."""

    images = serializers.ListField(child=serializers.FileField(allow_empty_file=True), required=False)
    file = serializers.FileField(required=False, help_text="A zip or tar archive of images.")
    video = serializers.FileField(
        required=False, allow_empty_file=True, help_text="mp4, mov, mkv, webm or avi; H.264, HEVC, AV1, VP9."
    )
    upload = serializers.UUIDField(
        required=False, help_text="Instead of an archive or a video: the id of a finished upload of one."
    )
    dataset_id = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    filter = serializers.JSONField(required=False, help_text='Of a dataset: which images, as {"split": "test"}.')

    every = CountField(1, 1_000_000, required=False, help_text="Of a video: every n-th frame; by default all.")
    fps = ShareField(0.001, most=1000, required=False, help_text="Of a video: so many frames a second instead.")
    tracks = YesNoField(default=True, help_text="Of a video: follow objects from frame to frame.")
    draw = YesNoField(default=True, help_text="Of a video: make one with the boxes drawn in.")

    def validate_images(self, files):
        for file in files:
            if file.size > settings.MAX_IMAGE_BYTES:
                raise TooLarge(f"{file.name} is larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
        return files

    def validate_file(self, file):
        if file.size > settings.MAX_ARCHIVE_BYTES:
            raise TooLarge(f"The archive is larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
        if not is_archive(file):
            raise serializers.ValidationError(NO_ARCHIVE)
        return file

    def validate_video(self, file):
        if file.size > settings.MAX_ARCHIVE_BYTES:
            raise TooLarge(f"The video is larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
        if not file.size:
            raise serializers.ValidationError("The video is empty.")
        if not is_video(file):
            raise serializers.ValidationError(f"This is no video: {ACCEPTED}.")
        return file

    def validate_filter(self, value):
        if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
            raise serializers.ValidationError('Texts by name, as {"split": "test"}.')
        return value

    def validate(self, data):
        data = super().validate(data)
        if sum(bool(data.get(name)) for name in ("images", "file", "video", "upload", "dataset_id")) != 1:
            words = "Send one of `images`, `file` (an archive), `video`, `upload` (the id of either) and `dataset_id`."
            raise serializers.ValidationError({"images": [words]})
        if ("every" in data or "fps" in data) and not (data.get("video") or data.get("upload")):
            raise serializers.ValidationError({"every": ["Only a video has frames to choose from."]})
        if "every" in data and "fps" in data:
            raise serializers.ValidationError({"fps": ["Give either `every` or `fps`."]})
        return data


class Batch(MeteredView, APIView):
    """Predictions on many images, as a job."""

    required_scope = "infer"
    parser_classes = [MultiPartParser, JSONParser]

    @extend_schema(
        request={"multipart/form-data": BatchSerializer, "application/json": BatchSerializer},
        responses={202: JobSerializer},
    )
    def post(self, request):
        """The version that is live now answers all of it. Each image or frame counts in the token's quota, as it is
        answered; where the quota is used up the job stops, and keeps what was answered.
        """
        asked = BatchSerializer(data=request.data)
        refuse_strange(request, asked.fields)
        asked.is_valid(raise_exception=True)
        data = asked.validated_data
        token = token_of(request)
        try:
            deployment, model = find_to_ask(
                request.user, data.get("model_id"), data.get("model"), by_token=token is not None
            )
        except NotAnswering as reason:
            raise NotDeployed(str(reason)) from None
        if not model.serving_file:
            raise NotDeployed(services.NOT_SERVED)
        options = options_for(model, data, deployment and deployment.defaults)
        asking = batch.Asking(request.user, model, options, deployment, token)
        refused = batch_over_quota(request)
        if refused:
            return refused
        job = start(asking, data)
        return accepted(job, results_url=f"/api/v1/predictions/batch/{job.pk}/results")


def refuse_strange(request, known):
    """Raise ValidationError for what is no option of a batch, and for options in the query string."""
    if isinstance(request.data, dict):
        refuse_unknown(request.data, known)
    asked = [name for name in request.query_params if name != "format"]
    refuse_unknown(asked, known)
    if asked:
        raise serializers.ValidationError({asked[0]: ["Send it in the body, not in the query string."]})


def start(asking, data):
    """Start the batch that checked `data` asks for; raises ValidationError or Http404."""
    if data.get("images"):
        return batch.start_on_images(asking, data["images"])
    if data.get("dataset_id"):
        dataset, query = get_dataset(asking.user, data["dataset_id"]), data.get("filter") or {}
        images_matching(dataset, query)  # a wrong filter is refused here, not by the job
        return batch.start_on_dataset(asking, dataset, query)
    if data.get("file"):
        return batch.start_on_archive(asking, data["file"], data["file"].name)
    if data.get("video"):
        return start_on_video(asking, data["video"], data["video"].name, **of_frames(data))
    try:
        name, filename = uploads.stored_upload(asking.user, data["upload"])
    except uploads.UploadError as error:
        raise serializers.ValidationError({"upload": [str(error)]}) from None
    if is_stored_video(name):
        return start_on_video(asking, name, filename, **of_frames(data))
    with default_storage.open(name) as file:
        if not is_archive(file):
            raise serializers.ValidationError({"upload": [f"{NO_ARCHIVE} Nor is it a video: {ACCEPTED}."]})
    return batch.start_on_archive(asking, name, filename)


def of_frames(data):
    """What checked `data` says of a video's frames."""
    return {name: data[name] for name in ("every", "fps", "tracks", "draw") if data.get(name) is not None}


def get_batch(user, job_id):
    """A batch that `user` may see; raises Http404."""
    job = jobs_visible_to(user).filter(pk=job_id, kind="batch").first()
    if job is None:
        raise Http404("There is no such batch.")
    return job


class GoOn(APIView):
    """Let a batch that failed, or was cancelled, go on behind its last answer."""

    required_scope = "infer"

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, job_id):
        """409 where it has not stopped. What counted in a token's quota does not count again."""
        job = get_batch(request.user, job_id)
        check_may_steer(request.user, job)
        if not batch.go_on(job):
            raise NotStopped
        job.refresh_from_db()
        return accepted(job)


class NotStopped(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "not_stopped"
    default_detail = "The batch has neither failed nor been cancelled: there is nothing to go on with."


class ResultSerializer(serializers.ModelSerializer):
    """One image's answer: `answer` has the shape of predictions/infer, or `error` says why there is none.

    Of a video: which `frame` it is (from 0), its `time` in seconds, and a `track_id` in what was followed.
    """

    time = serializers.FloatField(source="seconds", read_only=True, allow_null=True)

    class Meta:
        model = BatchAnswer
        fields = ["number", "name", "image_id", "frame", "time", "answer", "error"]


class Results(OfStartedJob, generics.ListAPIView):
    """A batch's answers so far, in its order."""

    serializer_class = ResultSerializer
    queryset = BatchAnswer.objects.none()

    def get_queryset(self):
        return get_batch(self.request.user, self.kwargs["job_id"]).answers.all()


class Ndjson(OfStartedJob, APIView):
    """A batch's answers as NDJSON: a line an image."""

    @extend_schema(responses={(200, "application/x-ndjson"): OpenApiTypes.STR})
    def get(self, request, job_id):
        job = get_batch(request.user, job_id)
        lines = (json.dumps(ResultSerializer(row).data) + "\n" for row in job.answers.iterator(500))
        return _file(lines, "application/x-ndjson", f"predictions-{job.pk}.ndjson")


class Coco(OfStartedJob, APIView):
    """A batch's answers as COCO, each box with its `score`."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request, job_id):
        job = get_batch(request.user, job_id)
        model = get_model_of_batch(job)
        return _file(_coco(job, model.class_names), "application/json", f"predictions-{job.pk}-coco.json")


def _file(pieces, kind, name):
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(pieces, content_type=kind, headers=headers)


def _coco(job, class_names):
    """The pieces of the COCO file, a row at a time."""
    yield f'{{"categories": {json.dumps(categories(class_names))}, "images": ['
    rows = job.answers.filter(error="")
    for place, row in enumerate(rows.iterator(500)):
        image = coco_image(row.number, row.name, row.answer)
        if row.frame is not None:
            image |= {"frame": row.frame, "time": row.seconds}
        yield (", " if place else "") + json.dumps(image)
    yield '], "annotations": ['
    count = 0
    for row in rows.filter(objects_found__gt=0).iterator(500):
        boxes = coco_boxes(row.number, row.answer, count + 1)
        yield (", " if count else "") + ", ".join(map(json.dumps, boxes))
        count += len(boxes)
    yield "]}"


class Drawn(OfStartedJob, APIView):
    """One image of a batch with its boxes drawn, as JPEG; at most `?size=` pixels wide and high."""

    @extend_schema(responses={(200, "image/jpeg"): OpenApiTypes.BINARY})
    def get(self, request, job_id, number):
        row = get_batch(request.user, job_id).answers.filter(number=number).select_related("job__owner").first()
        if row is None or row.error:
            raise Http404("There is no such answer in this batch.")
        size = request.query_params.get("size", "")
        size = int(size) if size.isascii() and size.isdecimal() and len(size) < 6 else 0
        return answered(lambda: _drawn(row, size))


def _drawn(row, size):
    from apps.inference import drawing

    try:
        data = batch.image_bytes(row)
    except (OSError, ArchiveError):
        raise Http404("The image is not kept any more.") from None
    with services.gate:
        try:
            image = drawing.opened(data)
        except BadImage:
            raise Http404("The image cannot be read any more.") from None
        factor = min(1, size / max(image.size)) if size else 1
        if factor < 1:
            image = image.resize([max(1, round(side * factor)) for side in image.size])
        found = row.answer["predictions"]
        image = drawing.fill(image, drawing.answered_outlines(found, image.size))
        objects = drawing.answered(found, factor)
        body = drawing.encoded(drawing.draw(image, objects, 20 if size else 55), "JPEG")
    return HttpResponse(body, content_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})
