"""The door of uploads whose bytes go straight to the store: signed addresses of their parts, and the end."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import direct_uploads, uploads
from apps.core.tus import UploadSerializer, as_answer, get_upload

MOST_AT_ONCE = 100


class WantedPartsSerializer(serializers.Serializer):
    """Which parts are to be sent."""

    numbers = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=direct_uploads.MOST_PARTS), allow_empty=False,
        max_length=MOST_AT_ONCE, help_text="From 1.",
    )  # fmt: skip

    def validate_numbers(self, numbers):
        last = max(direct_uploads.plan(self.context["upload"]))
        if max(numbers) > last:
            raise serializers.ValidationError(f"This upload has the parts 1 to {last}.")
        return numbers


class AddressSerializer(serializers.Serializer):
    """Where the bytes of a part go, by a PUT without further headers."""

    number = serializers.IntegerField()
    url = serializers.CharField()


class AddressesSerializer(serializers.Serializer):
    parts = AddressSerializer(many=True)


class PartsSerializer(serializers.Serializer):
    part_size = serializers.IntegerField(help_text="Bytes of each part but the last.")
    number_of_parts = serializers.IntegerField()
    here = serializers.ListField(child=serializers.IntegerField(), help_text="Numbers of the parts in the store.")


class DirectView(APIView):
    """What refuses says so as the other ways of uploading do."""

    def handle_exception(self, exc):
        return super().handle_exception(as_answer(exc) if isinstance(exc, uploads.UploadError) else exc)


class UploadParts(DirectView):
    """The parts of an upload that goes straight to the store."""

    @extend_schema(responses=PartsSerializer)
    def get(self, request, pk):
        """Which are there. 409 where the store takes none, and pieces come here by tus."""
        upload = get_upload(request.user, pk)
        found = {"part_size": direct_uploads.part_size(upload), "number_of_parts": len(direct_uploads.plan(upload))}
        return Response(PartsSerializer(found | {"here": uploads.parts_here(upload)}).data)

    @extend_schema(request=WantedPartsSerializer, responses=AddressesSerializer)
    def post(self, request, pk):
        """Signed addresses of the store, each for a PUT of the bytes of one part, good for some minutes."""
        upload = get_upload(request.user, pk)
        wanted = WantedPartsSerializer(data=request.data, context={"upload": upload})
        wanted.is_valid(raise_exception=True)
        found = uploads.addresses_of_parts(upload, wanted.validated_data["numbers"])
        return Response(AddressesSerializer({"parts": [{"number": n, "url": url} for n, url in found.items()]}).data)


class UploadComplete(DirectView):
    """The end of an upload that went straight to the store."""

    @extend_schema(request=None, responses=UploadSerializer)
    def post(self, request, pk):
        """All parts are sent: they are put together. 409 where some are missing or of another size."""
        upload = get_upload(request.user, pk)
        direct_uploads.plan(upload)
        uploads.take_upload(upload)
        return Response(UploadSerializer(upload).data)
