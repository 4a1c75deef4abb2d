"""The API's common rules: how errors are answered, and jobs."""

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation, TooManyFilesSent
from django.core.files.storage import default_storage
from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import generics, serializers, status
from rest_framework.exceptions import (
    APIException,
    AuthenticationFailed,
    NotAuthenticated,
    ParseError,
    PermissionDenied,
    Throttled,
)
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import APIView, exception_handler

from apps.core import room, work
from apps.core.access import get_job, get_job_to_steer, is_started_with, jobs_visible_to
from apps.core.downloads import download
from apps.core.middleware import AWAY_SECONDS
from apps.core.models import Job
from apps.core.quotas import NoRoomLeft
from apps.core.text import sayable
from apps.core.waiting import message_of

REFUSALS = NotAuthenticated, AuthenticationFailed, PermissionDenied


class DiskFull(APIException):
    status_code = room.STATUS
    default_code = "disk_full"
    default_detail = room.WORDS


class TooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"


class Away(APIException):
    """The database is away for a moment."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code, default_detail = "away", "The database does not answer at this moment. Try again."
    wait = AWAY_SECONDS  # becomes Retry-After


def answer_error(error, context):
    """`{"field": [...]}` where a field is to blame, else `{"detail": "..."}`."""
    response = exception_handler(_counted(_as_answer(error), context), context)
    if response is None:
        return None
    data = sayable(response.data)
    if isinstance(data, list):
        data = {"detail": " ".join(map(str, data))}
    elif isinstance(data, dict) and api_settings.NON_FIELD_ERRORS_KEY in data:
        general = " ".join(map(str, data.pop(api_settings.NON_FIELD_ERRORS_KEY)))
        data = {**data, "detail": general}
    response.data = data
    return response


def _counted(error, context):
    """DRF asks who may before it counts: a refusal is counted here, and is a Throttled where there were too many."""
    request = context.get("request")
    if not isinstance(error, REFUSALS) or request is None or hasattr(request._request, "rate"):
        return error
    request._request.is_refused = True
    try:
        context["view"].check_throttles(request)
    except Throttled as too_many:
        return too_many
    return error


def _as_answer(error):
    """What a request that cannot be read raises, as the answer that it deserves."""
    if isinstance(error, TooManyFilesSent):
        return TooLarge(f"At most {settings.DATA_UPLOAD_MAX_NUMBER_FILES} files in one request.")
    if isinstance(error, RequestDataTooBig):
        return TooLarge(f"At most {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20} MB besides files.")
    if isinstance(error, SuspiciousOperation):
        return ParseError("This request cannot be read.")
    if isinstance(error, NoRoomLeft):
        return TooLarge(str(error))
    if work.database_is_away(error):
        return Away()
    if isinstance(error, RecursionError):
        return ParseError("This is nested too deep to be read.")
    return DiskFull() if room.is_full(error) else error


class JobSerializer(serializers.ModelSerializer):
    error = serializers.CharField(source="error_message", read_only=True)

    class Meta:
        model = Job
        fields = [
            "id",
            "kind",
            "team",
            "status",
            "progress",
            "message",
            "result",
            "error",
            "created_at",
            "completed_at",
        ]
        read_only_fields = fields


def accepted(job, **more):
    """The 202 answer to long work."""
    return Response({**JobSerializer(job).data, **more}, status=status.HTTP_202_ACCEPTED)


class JobList(generics.ListAPIView):
    """My jobs, newest first."""

    serializer_class = JobSerializer
    queryset = Job.objects.none()

    def get_queryset(self):
        return jobs_visible_to(self.request.user)


class OneJobSerializer(JobSerializer):
    """A job that somebody looks at: one that waits says how many are before it."""

    message = serializers.SerializerMethodField()

    def get_message(self, job) -> str:
        return message_of(job)


class OfStartedJob:
    """A view of a job, or of what came of it: a token of the scope `infer` may see it too, where it started the job."""

    @property
    def required_scope(self):
        """`infer` for such a token's own job, else None: what the method says."""
        token, job_id = self.request.auth, self.kwargs.get("job_id", self.kwargs.get("pk"))
        scopes = getattr(token, "scopes", ())
        is_narrow = "infer" in scopes and "read" not in scopes
        return "infer" if is_narrow and is_started_with(token, job_id) else None


class JobDetail(OfStartedJob, generics.RetrieveAPIView):
    """One job: how far it is, and what came out."""

    serializer_class = OneJobSerializer

    def get_object(self):
        return get_job(self.request.user, self.kwargs["pk"])


class JobCancel(APIView):
    """Cancel a job that has not ended."""

    @extend_schema(request=None, responses=JobSerializer)
    def post(self, request, pk):
        job = get_job_to_steer(request.user, pk)
        work.cancel(job)
        job.refresh_from_db()
        return Response(JobSerializer(job).data)


class JobFile(APIView):
    """The file that a job made."""

    @extend_schema(responses={(200, "application/octet-stream"): OpenApiTypes.BINARY})
    def get(self, request, pk):
        """A `Range` is answered with that part, so that a broken download can go on."""
        return job_file_response(request, get_job(request.user, pk))


def job_file_response(request, job):
    """The job's file as a download, or 404 where it has none or it has expired."""
    if not job.file or not default_storage.exists(job.file.name):
        raise Http404("This job has no file, or it has expired.")
    name = job.result.get("filename") or job.file.name.rsplit("/", 1)[-1]
    return download(request, job.file, name, etag=job.file.name.rsplit("/", 1)[-1])


class NoSuchCall(APIView):
    """Every other address below the API: 404 in the API's own form."""

    @extend_schema(exclude=True)
    def get(self, request, rest):
        raise Http404("There is no such call; see /api/docs/.")

    post = put = patch = delete = get
