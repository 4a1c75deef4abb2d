"""The API of a running job's page: what is new, and everything as files."""

import csv

from django.http import HttpResponse, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.training.access import get_job
from apps.training.live import Cursor, epoch_rows, flat_epoch, news, usage_columns, usage_rows
from apps.training.serializers import TrainingJobSerializer
from apps.training.services.log import whole_log


class LogPieceSerializer(serializers.Serializer):
    start = serializers.IntegerField(help_text="The character of the log that `text` begins at.")
    text = serializers.CharField()


class LiveSerializer(serializers.Serializer):
    """What is new since a cursor."""

    since = serializers.CharField(help_text="The cursor to ask with the next time.")
    job = TrainingJobSerializer()
    epochs = serializers.DictField(
        child=serializers.ListField(), help_text="A list for each metric; all are as long as `epoch`."
    )
    all_epochs = serializers.BooleanField(help_text="Whether these are all, in place of those told before.")
    log = LogPieceSerializer()
    usage = serializers.DictField(
        child=serializers.ListField(),
        help_text="As `training/{id}/usage`; its first row may be the last one that was told, grown since.",
    )


class UsageSerializer(serializers.Serializer):
    """What the training used, a list for each kind of number; all are as long as `at`."""

    at = serializers.ListField(child=serializers.IntegerField(), help_text="Seconds since 1970.")
    seconds = serializers.ListField(child=serializers.IntegerField(), help_text="How long was measured.")
    cpu = serializers.ListField(child=serializers.FloatField(), help_text="% of one core: 200 is two cores.")
    memory = serializers.ListField(child=serializers.IntegerField(), help_text="MiB of the training's processes.")
    machine_cpu = serializers.ListField(child=serializers.FloatField(), help_text="% of the whole machine.")
    machine_memory = serializers.ListField(child=serializers.IntegerField(), help_text="MiB in use.")
    disk = serializers.ListField(child=serializers.FloatField(), help_text="GiB free where the run's files lie.")
    gpus = serializers.ListField(
        required=False, help_text="Of each GPU: use in %, memory in MiB, temperature in °C; only where there is one."
    )


# Compressed: nothing in it is secret and chosen by who asks, so its length tells nothing (BREACH).
@method_decorator(gzip_page, name="dispatch")
class Live(APIView):
    """What a job's page needs, in one answer: the job, and the epochs, log and usage that are new."""

    @extend_schema(
        parameters=[OpenApiParameter("since", str, description="`since` of the last answer; none for all.")],
        responses=LiveSerializer,
    )
    def get(self, request, pk):
        """Without `since`, all epochs and only the newest lines of the log."""
        job = get_job(request.user, pk)
        try:
            cursor = Cursor.read(request.query_params.get("since", ""))
        except ValueError:
            raise serializers.ValidationError({"since": ["The “since” of an earlier answer, or nothing."]}) from None
        told, following = news(job, cursor)
        return Response({"since": str(following), "job": TrainingJobSerializer(job).data, **told})


class Usage(APIView):
    """CPU, memory, disk and GPUs over time; at most 600 rows, however long it took."""

    @extend_schema(responses=UsageSerializer)
    def get(self, request, pk):
        return Response(usage_columns(usage_rows(get_job(request.user, pk))))


class LogFile(APIView):
    """The whole log as a text file."""

    @extend_schema(responses={(200, "text/plain"): OpenApiTypes.STR})
    def get(self, request, pk):
        job = get_job(request.user, pk)
        answer = StreamingHttpResponse(whole_log(job), content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="training-{job.pk}-log.txt"'
        return answer


class MetricsFile(APIView):
    """All epochs as CSV."""

    @extend_schema(responses={(200, "text/csv"): OpenApiTypes.STR})
    def get(self, request, pk):
        job = get_job(request.user, pk)
        rows = [flat_epoch(*row) for row in epoch_rows(job)]
        answer = HttpResponse(content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="training-{job.pk}-epochs.csv"'
        table = csv.DictWriter(answer, list(dict.fromkeys(name for row in rows for name in row)) or ["epoch"])
        table.writeheader()
        table.writerows(rows)
        return answer
