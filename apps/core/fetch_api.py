"""The door of files from an address."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.views import APIView

from apps.core import fetching, outgoing, uploads
from apps.core.api import JobSerializer, accepted
from apps.core.tus import as_answer


class FromUrlSerializer(serializers.Serializer):
    url = serializers.CharField(
        max_length=fetching.LONGEST,
        help_text="http or https, without a name or password in it, on the public internet, open without signing in.",
    )


class UploadFromUrl(APIView):
    """A file from an address, as an upload."""

    @extend_schema(request=FromUrlSerializer, responses={202: JobSerializer})
    def post(self, request):
        """A job fetches it; its `result.upload` is the id that imports, videos and weights take as `upload`."""
        wanted = FromUrlSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            return accepted(fetching.start_fetch(request.user, wanted.validated_data["url"]))
        except outgoing.Refused as refused:
            raise ValidationError({"url": [str(refused)]}) from None
        except uploads.UploadError as error:
            raise as_answer(error) from None
