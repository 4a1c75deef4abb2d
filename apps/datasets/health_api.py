"""The API's doors to splits, duplicates and leaks."""

from django.core.paginator import Paginator
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.access import Right, may
from apps.core.api import JobSerializer, accepted
from apps.datasets.access import get_dataset, get_dataset_to_edit
from apps.datasets.serializers import SplitSerializer
from apps.datasets.services import duplicates, leaks
from apps.datasets.services.health import under_way
from apps.datasets.services.moves import MovesUnderWay, last_moves, may_undo, start_undo
from apps.datasets.services.reports import kept_report
from apps.datasets.services.splits import start_split
from apps.datasets.sources import KINDS

PAGE = [OpenApiParameter("page", int), OpenApiParameter("page_size", int, description="Groups a page, at most 500.")]


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


class PageSerializer(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, default=1)
    page_size = serializers.IntegerField(min_value=1, max_value=500, default=100)


class ReportSerializer(serializers.Serializer):
    """What was found when last looked; `computed_at` is null where nobody looked yet."""

    computed_at = serializers.DateTimeField(allow_null=True)
    is_current = serializers.BooleanField(help_text="Whether the dataset is as it was then.")
    seconds = serializers.FloatField()
    num_groups = serializers.IntegerField()
    page = serializers.IntegerField()
    num_pages = serializers.IntegerField()


class DuplicateGroupSerializer(serializers.Serializer):
    images = serializers.ListField(child=serializers.IntegerField(), help_text="Ids, the one to keep first.")
    differences = serializers.ListField(
        child=serializers.IntegerField(), help_text="From the first, in grey levels of the thumbnails."
    )


class DuplicatesSerializer(ReportSerializer):
    num_extra = serializers.IntegerField(help_text="Images that could go.")
    groups = DuplicateGroupSerializer(many=True)


class LeakSerializer(serializers.Serializer):
    images = serializers.DictField(
        child=serializers.ListField(child=serializers.IntegerField()), help_text="Ids by split."
    )
    kinds = serializers.ListField(child=serializers.ChoiceField(choices=list(KINDS.items())))
    pairs = serializers.ListField(help_text="Some pairs across sides: [id, id, kind].", child=serializers.JSONField())


class LeaksSerializer(ReportSerializer):
    num_images = serializers.IntegerField(help_text="Images in the leaking groups.")
    kinds = serializers.DictField(child=serializers.IntegerField(), help_text="Groups by kind.")
    groups = LeakSerializer(many=True)


class SplitDataset(APIView):
    """Share the images out, as a job: images of one source on one side, the same seed the same split.

    `result` has the images of each split (`train`, `val`, `test`), `moved`, `groups` of one source, `largest_group`,
    `leaking_groups` that had two sides before and kept them, and `classes` before and after.
    """

    @extend_schema(request=SplitSerializer, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        wanted = SplitSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        return accepted(_alone(start_split, request.user, dataset, **wanted.validated_data))


class UndoSplit(APIView):
    """Take the last split or mending back, as a job."""

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        job = last_moves(dataset)
        if not may_undo(job):
            raise serializers.ValidationError({"detail": "There is nothing to take back."})
        return accepted(_alone(start_undo, request.user, dataset, job))


class Duplicates(APIView):
    """Pictures that are the same or nearly so: what was found last, and looking again as a job."""

    @extend_schema(parameters=PAGE, responses=DuplicatesSerializer)
    def get(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        return Response(DuplicatesSerializer(_page(request, dataset, duplicates.KIND, num_extra=0)).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        return _once(request, dataset_id, duplicates.LOOK, duplicates.start_duplicates)


class Leaks(APIView):
    """Images of one source in more than one split: what was found last, and looking again as a job."""

    @extend_schema(parameters=PAGE, responses=LeaksSerializer)
    def get(self, request, dataset_id):
        dataset = get_dataset(request.user, dataset_id)
        return Response(LeaksSerializer(_page(request, dataset, leaks.KIND, num_images=0, kinds={})).data)

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        return _once(request, dataset_id, leaks.LOOK, leaks.start_look)


class MendLeaks(APIView):
    """Put every leaking group on one side, as a job; `split/undo` takes it back."""

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id):
        dataset = get_dataset_to_edit(request.user, dataset_id)
        return accepted(_alone(leaks.start_mend, request.user, dataset))


def _alone(start, *args, **options):
    """The job that `start` makes; 409 where another one moves images of the dataset."""
    try:
        return start(*args, **options)
    except MovesUnderWay as refused:
        raise Conflict(str(refused)) from None


def _once(request, dataset_id, kind, start):
    """The job of this kind that I see under way on the dataset, else a new one."""
    dataset = get_dataset_to_edit(request.user, dataset_id)
    job = under_way(dataset, kind)
    return accepted(job if job and may(request.user, Right.INSIDE, job) else start(request.user, dataset))


def _page(request, dataset, kind, **nothing):
    wanted = PageSerializer(data=request.query_params)
    wanted.is_valid(raise_exception=True)
    report = kept_report(dataset, kind)
    data = report.data if report else {"num_groups": 0, "groups": [], **nothing}
    pages = Paginator(data["groups"], wanted.validated_data["page_size"])
    page = pages.get_page(wanted.validated_data["page"])
    return {
        **data, "groups": list(page), "page": page.number, "num_pages": pages.num_pages,
        "computed_at": report and report.computed_at, "is_current": bool(report and report.is_current),
        "seconds": report.seconds if report else 0,
    }  # fmt: skip
