"""How a question about one image may come: a form, the picture itself, or JSON with the picture in base64."""

from django.conf import settings
from rest_framework.exceptions import UnsupportedMediaType, ValidationError
from rest_framework.parsers import BaseParser, JSONParser, MultiPartParser

from apps.core.api import TooLarge

AROUND = 2**20  # bytes that a form or JSON may have besides its picture
WAYS = (
    "Send a form (multipart/form-data) with the file `image`, the picture as the body (Content-Type: image/jpeg or "
    "another), or JSON with `image` in base64."
)


class PictureParser(BaseParser):
    """The body is the picture; what else is asked stands in the query string."""

    media_type = "image/*"

    def parse(self, stream, media_type=None, parser_context=None):
        return {"image": stream.read(settings.MAX_IMAGE_BYTES + 1)}


class BytesParser(PictureParser):
    media_type = "application/octet-stream"


PARSERS = (MultiPartParser, PictureParser, BytesParser, JSONParser)


def refuse_huge(request):
    """Raise TooLarge for a body that cannot be one picture, before anything of it is read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    in_base64 = (request.content_type or "").startswith("application/json")
    most = settings.MAX_IMAGE_BYTES * (4 if in_base64 else 3) // 3 + AROUND
    if length.isdecimal() and int(length[:18]) > most:
        raise TooLarge(f"The image is larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")


def refuse_more_files(request):
    """Raise ValidationError where there is a file besides one `image`."""
    files = [name for name, some in request.FILES.lists() for _ in some] if _is_form(request) else []
    if len(files) > 1:
        raise ValidationError({"image": ["Send one image a request; `predictions/batch` takes many."]})
    if files and files != ["image"]:
        raise ValidationError({"image": [f"Send the file as `image`, not as `{files[0][:40]}`."]})


def _is_form(request):
    return (request.content_type or "").startswith("multipart/form-data")


def read_question(request):
    """What a request asks, as a plain dict: its body's values, and the query string's for what the body leaves out.

    Raises what the parsers raise, and UnsupportedMediaType with the ways that there are.
    """
    try:
        body = request.data
    except UnsupportedMediaType as error:
        raise UnsupportedMediaType(request.content_type, f"{error.detail} {WAYS}") from None
    if not isinstance(body, dict):  # a QueryDict is one too
        return body
    question = {name: value for name, value in request.query_params.items() if name != "format"}
    return question | (body.dict() if hasattr(body, "dict") else body)
