"""Asking for a review."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.annotations.services.reviews import NothingToReview, ask_for_review
from apps.core.access import Right
from apps.datasets.access import get_dataset


class AskForReviewSerializer(serializers.Serializer):
    note = serializers.CharField(max_length=500, allow_blank=True, default="", help_text="For the reviewer.")
    images = serializers.IntegerField(read_only=True, help_text="How many wait for a review.")


class ReviewRequest(APIView):
    """Ask for a review of what is labelled."""

    @extend_schema(request=AskForReviewSerializer, responses=AskForReviewSerializer)
    def post(self, request, dataset_id):
        """How many images wait, by whom it is asked, and the note, as the event `review.asked`.

        It takes the right to label. Told are webhooks of the team, and of those who may review.
        """
        dataset = get_dataset(request.user, dataset_id, Right.LABEL)
        wanted = AskForReviewSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        note = wanted.validated_data["note"]
        try:
            return Response({"note": note, "images": ask_for_review(dataset, request.user, note)})
        except NothingToReview as reason:
            raise serializers.ValidationError({"detail": str(reason)}) from None
