"""The API's `training/`."""

from django.db.models import Prefetch
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.training import services
from apps.training.access import get_dataset_to_train_on, get_job, get_job_to_steer, visible_to
from apps.training.arguments import arguments
from apps.training.filters import JobFilter
from apps.training.live import LOG_PIECE
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.registry import architectures
from apps.training.serializers import (
    CancelSerializer,
    EpochSerializer,
    LogSerializer,
    OptionsSerializer,
    TrainingJobSerializer,
    TrainingRequestSerializer,
)
from apps.training.services.log import log_length, read_log


class TrainingJobs(generics.ListAPIView):
    """My training jobs, newest first."""

    serializer_class = TrainingJobSerializer
    filterset_class = JobFilter
    queryset = TrainingJob.objects.none()

    def get_queryset(self):
        newest = Prefetch("epoch_rows", TrainingEpoch.objects.order_by("-epoch")[:5], to_attr="newest_epochs")
        return visible_to(self.request.user).prefetch_related(newest)

    @extend_schema(request=TrainingRequestSerializer, responses={201: TrainingJobSerializer})
    def post(self, request):
        """Snapshot the dataset and queue a training. What cannot work is refused here, with the reason."""
        wanted = TrainingRequestSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        data = dict(wanted.validated_data)
        dataset = get_dataset_to_train_on(request.user, data.pop("dataset_id"))
        data["arguments"] = data.pop("augmentation", {})
        job = refused_as_400(lambda: services.create_job(request.user, dataset, **data))
        return Response(TrainingJobSerializer(job).data, status=status.HTTP_201_CREATED)


class Options(APIView):
    """The models that can be trained and the arguments that are taken, each with its default, range and help."""

    @extend_schema(responses=OptionsSerializer)
    def get(self, request):
        known = {"models": list(architectures().values()), "arguments": list(arguments().values())}
        return Response(OptionsSerializer(known).data)


class TrainingJobDetail(generics.RetrieveAPIView):
    """One job."""

    serializer_class = TrainingJobSerializer

    def get_object(self):
        return get_job(self.request.user, self.kwargs["pk"])


class Metrics(generics.ListAPIView):
    """A row an epoch. `?after=` gives only later epochs."""

    serializer_class = EpochSerializer
    pagination_class = None
    queryset = TrainingEpoch.objects.none()

    @extend_schema(parameters=[OpenApiParameter("after", int)])
    def get(self, request, *args, **kwargs):
        return super().get(request, *args, **kwargs)

    def get_queryset(self):
        job = get_job(self.request.user, self.kwargs["pk"])
        return job.epoch_rows.filter(epoch__gt=offset_of(self.request, "after"))


class Logs(APIView):
    """The log from an offset on, in characters; at most `limit` of them, and 200,000."""

    @extend_schema(
        parameters=[OpenApiParameter("offset", int), OpenApiParameter("limit", int)], responses=LogSerializer
    )
    def get(self, request, pk):
        job = get_job(request.user, pk)
        offset = offset_of(request, "offset")
        text = read_log(job, offset, min(offset_of(request, "limit") or LOG_PIECE, LOG_PIECE))
        return Response({"text": text, "next_offset": offset + len(text) if text else min(offset, log_length(job))})


class Cancel(APIView):
    """Stop within seconds; the best weights so far become a model, or not."""

    @extend_schema(request=CancelSerializer, responses=TrainingJobSerializer)
    def post(self, request, pk):
        job = get_job_to_steer(request.user, pk)
        wanted = CancelSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        services.cancel_job(job, **wanted.validated_data)
        return Response(TrainingJobSerializer(get_job(request.user, pk)).data)


class Pause(APIView):
    """Stop within seconds, to go on later; the device is free for others."""

    @extend_schema(request=None, responses=TrainingJobSerializer)
    def post(self, request, pk):
        job = get_job_to_steer(request.user, pk)
        refused_as_400(lambda: services.pause_job(job))
        return Response(TrainingJobSerializer(get_job(request.user, pk)).data)


class Resume(APIView):
    """Go on from the last checkpoint."""

    @extend_schema(request=None, responses=TrainingJobSerializer)
    def post(self, request, pk):
        job = get_job_to_steer(request.user, pk)
        refused_as_400(lambda: services.resume_job(job))
        return Response(TrainingJobSerializer(get_job(request.user, pk)).data)


def refused_as_400(do):
    """Call `do()`; what the service refuses is answered 400 with its reasons."""
    try:
        return do()
    except services.TrainingRefused as refused:
        raise serializers.ValidationError(refused.problems) from None


def offset_of(request, name):
    """A whole number of the query, 0 where it is missing; raises ValidationError."""
    value = request.query_params.get(name, "0")
    if not value.isdecimal() or len(value) > 12:
        raise serializers.ValidationError({name: ["A whole number, 0 or more."]})
    return int(value)
