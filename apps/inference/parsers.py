"""How a question about one image may come: a form, the picture itself, or JSON with the picture in base64."""

import io
import re

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


PLAIN_FORM_BYTES = 4 * 2**20  # a larger one is read as Django reads it, with its files on the disk
PLAIN_FORM = re.compile(r"multipart/form-data; ?boundary=([\w-]{1,70})")
PLAIN_PART = re.compile(
    rb'\r\nContent-Disposition: form-data; name="([\w-]{1,40})"'
    rb'(; filename="[^"\\/&\x00-\x1f\x7f]{0,200}\w[^"\\/&\x00-\x1f\x7f]{0,200}")?'
    rb"(?:\r\nContent-Type: [\w/+.-]{1,80})?\r\n\r\n"
)


class FormParser(MultiPartParser):
    """Forms. The plain ones that nearly all programs send cost a tenth of what Django's reader takes for them.

    Whatever is not quite plain (other headers, rare names, several files, a delimiter inside a part) is read by Django.
    """

    def parse(self, stream, media_type=None, parser_context=None):
        length = parser_context["request"].META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length[:18]) > PLAIN_FORM_BYTES:
            return super().parse(stream, media_type, parser_context)
        body = stream.read()
        question = read_plain_form(media_type, body)
        if question is None:
            return super().parse(io.BytesIO(body), media_type, parser_context)
        return question


def read_plain_form(content_type, body):
    """The text values of a form and the bytes of its one file, `image`, by name; None where it is not plain."""
    plain = PLAIN_FORM.fullmatch(content_type)
    if not plain:
        return None
    first, *parts = body.split(b"--" + plain[1].encode())
    if first or not 1 < len(parts) < 20 or parts.pop() not in (b"--", b"--\r\n"):
        return None
    texts, files = {}, {}
    for part in parts:
        head = PLAIN_PART.match(part)
        if not head or not part.endswith(b"\r\n") or head.end() > len(part) - 2:
            return None
        held, value = files if head[2] else texts, part[head.end() : -2]
        name = head[1].decode()
        if name in held or (head[2] and name != "image"):
            return None
        held[name] = value if head[2] else value.decode(errors="replace")
    return texts | files


PARSERS = (FormParser, PictureParser, BytesParser, JSONParser)  # forms first: see `api.AnyAccept`


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
    return request.query_params.dict() | (body.dict() if hasattr(body, "dict") else body)
