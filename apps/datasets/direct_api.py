"""The door of pictures that go from the browser straight to the store: announced, sent there, taken in by a worker."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.response import Response

from apps.core import sent_files
from apps.core.api import JobSerializer, accepted
from apps.core.direct_api import DirectView
from apps.core.models import Job
from apps.datasets.access import get_dataset_to_review
from apps.datasets.serializers import RejectedSerializer, StrictSerializer
from apps.datasets.services.sent_images import KIND, announce_images


class AnnouncedSerializer(StrictSerializer):
    filename = serializers.CharField(max_length=1000, trim_whitespace=False)
    size = serializers.IntegerField(min_value=0, max_value=2**53, help_text="Bytes of the file.")


class AnnouncementSerializer(StrictSerializer):
    files = serializers.ListField(
        child=AnnouncedSerializer(), allow_empty=False, max_length=sent_files.MOST_FILES,
        help_text="Each goes by its number: from 1, in this order.",
    )  # fmt: skip


class PlaceSerializer(serializers.Serializer):
    """Where a picture goes, by a PUT of exactly its bytes, without further headers."""

    number = serializers.IntegerField()
    url = serializers.CharField()


class RefusedFileSerializer(RejectedSerializer):
    number = serializers.IntegerField()


class AnnouncedAnswerSerializer(serializers.Serializer):
    id = serializers.IntegerField(allow_null=True, help_text="Of the job; null where no file is accepted.")
    files = PlaceSerializer(many=True)
    rejected = RefusedFileSerializer(many=True)


class AnnounceImages(DirectView):
    """Pictures that are to go straight to the store."""

    @extend_schema(request=AnnouncementSerializer, responses={201: AnnouncedAnswerSerializer})
    def post(self, request, dataset_id):
        """Say which, and get an address of the store for each, good for some minutes. When all are there: `complete`.

        409 where the store takes none: send them to `images` then.
        """
        dataset = get_dataset_to_review(request.user, dataset_id)
        wanted = AnnouncementSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        files = [(file["filename"], file["size"]) for file in wanted.validated_data["files"]]
        job, refused = announce_images(dataset, request.user, files)
        places = [{"number": n, "url": url} for n, url in sent_files.addresses(job).items()] if job else []
        found = {"id": job and job.pk, "files": places, "rejected": refused}
        return Response(AnnouncedAnswerSerializer(found).data, status=status.HTTP_201_CREATED)


class CompleteImages(DirectView):
    """The end of sending: a worker looks at what came."""

    @extend_schema(request=None, responses={202: JobSerializer})
    def post(self, request, dataset_id, job_id):
        """The job's `result` says of each file, by its number, what became of it: `created`, `duplicates`, `rejected`.

        What did not come is among the rejected. 410 where this was cancelled, or given up after its time.
        """
        job = Job.objects.filter(pk=job_id, owner=request.user, kind=KIND, subject=f"dataset:{dataset_id}").first()
        if job is None:
            raise Http404("You announced no such pictures.")
        get_dataset_to_review(request.user, dataset_id)
        sent_files.complete(job)
        return accepted(job)
