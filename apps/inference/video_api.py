"""The API's batches on a video: its tracks, and the video with boxes drawn in."""

import csv

from django.http import Http404, StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers
from rest_framework.views import APIView

from apps.core.api import OfStartedJob, job_file_response
from apps.inference.batch_api import get_batch
from apps.inference.models import Track


class TrackSerializer(serializers.ModelSerializer):
    """One object that was followed: when it was first and last seen, in frames (from 0) and seconds."""

    track_id = serializers.IntegerField(source="number", read_only=True)
    first_time = serializers.FloatField(source="first_seconds", read_only=True)
    last_time = serializers.FloatField(source="last_seconds", read_only=True)

    class Meta:
        model = Track
        fields = [
            "track_id", "class_id", "class_name", "first_frame", "last_frame", "first_time", "last_time", "frames",
            "confidence",
        ]  # fmt: skip


class Tracks(OfStartedJob, generics.ListAPIView):
    """The tracks of a batch on a video, in the order in which they begin."""

    serializer_class = TrackSerializer
    queryset = Track.objects.none()

    def get_queryset(self):
        return get_batch(self.request.user, self.kwargs["job_id"]).tracks.all()


class TracksFile(OfStartedJob, APIView):
    """The tracks as CSV: a line a track."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request, job_id):
        job = get_batch(request.user, job_id)
        writer = csv.DictWriter(_Line(), TrackSerializer.Meta.fields)
        rows = (writer.writerow(TrackSerializer(track).data) for track in job.tracks.iterator(500))
        response = StreamingHttpResponse(_with_head(writer, rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="tracks-{job.pk}.csv"'
        return response


class _Line:
    """What csv writes to; gives the line back."""

    def write(self, line):
        return line


def _with_head(writer, rows):
    yield writer.writeheader()
    yield from rows


class DrawnVideo(OfStartedJob, APIView):
    """The video of a batch with its boxes drawn in: H.264 mp4. A `Range` is answered with that part."""

    @extend_schema(responses={(200, "video/mp4"): OpenApiTypes.BINARY})
    def get(self, request, job_id):
        """It has the answered frames, each at its own time."""
        job = get_batch(request.user, job_id)
        if job.params["source"] != "video":
            raise Http404("This batch is none on a video.")
        return job_file_response(request, job)
