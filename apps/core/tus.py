"""The door of resumable uploads: tus 1.0 (core, creation, creation-with-upload, termination, expiration)."""

import base64
import binascii
import contextlib
import threading

from django.conf import settings
from django.http import Http404
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core import direct_uploads, uploads
from apps.core.api import TooLarge
from apps.core.models import Upload

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,termination,expiration"
SILENT_SECONDS = 30  # a sender that says nothing for so long is gone, and its upload free for the next request
OFFSET = OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True)
CREATION = [
    OpenApiParameter("Upload-Length", int, OpenApiParameter.HEADER, required=True, description="Bytes of the file."),
    OpenApiParameter("Upload-Metadata", str, OpenApiParameter.HEADER, description="`filename <base64>`"),
]


class Refused(APIException):
    """An upload's refusal with its own status."""

    def __init__(self, status_code, detail, headers=()):
        super().__init__(detail)
        self.status_code, self.headers = status_code, dict(headers)


class PieceParser(BaseParser):
    """The body as a stream that nobody has read yet."""

    media_type = "application/offset+octet-stream"

    def parse(self, stream, media_type=None, parser_context=None):
        return stream


class UploadSerializer(serializers.ModelSerializer):
    part_size = serializers.SerializerMethodField(
        help_text="Its bytes may go straight to the store in parts of so many bytes (`parts`); null: they come here."
    )

    class Meta:
        model = Upload
        fields = ["id", "filename", "size", "offset", "is_complete", "part_size", "expires_at"]
        read_only_fields = fields

    def get_part_size(self, upload) -> int | None:
        return direct_uploads.part_size(upload)


class TusView(APIView):
    """What every call of the protocol has."""

    parser_classes = [PieceParser]

    def dispatch(self, request, *args, **kwargs):
        override = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and override in ("PATCH", "DELETE", "HEAD"):
            request.method = override
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request, *args, **kwargs):
        super().initial(request, *args, **kwargs)
        if request.method not in ("OPTIONS", "GET") and request.headers.get("Tus-Resumable") != VERSION:
            raise Refused(412, f"The header Tus-Resumable must be {VERSION}.", {"Tus-Version": VERSION})

    def handle_exception(self, exc):
        if isinstance(exc, uploads.UploadError):
            exc = as_answer(exc)
        response = super().handle_exception(exc)
        for name, value in getattr(exc, "headers", {}).items():
            response[name] = value
        return response

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Tus-Resumable"] = VERSION
        response["Cache-Control"] = "no-store"
        return response

    @extend_schema(exclude=True)
    def options(self, request, *args, **kwargs):
        return Response(status=status.HTTP_204_NO_CONTENT, headers={
            "Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(settings.MAX_ARCHIVE_BYTES),
        })  # fmt: skip

    def piece(self, upload, offset):
        """Append the request's body, where it has one; returns the headers that say how far the upload is."""
        length = _number(self.request, "Content-Length", 0)
        if length:
            if offset + length > upload.size:
                raise TooLarge(f"{upload.size} bytes were announced; this piece would end at {offset + length}.")
            stream = self.request.data
            with _place(), _impatient(self.request):
                offset = uploads.append_piece(upload, offset, stream)
        return {"Upload-Offset": str(offset), **_more(upload)}


class Uploads(TusView):
    """Announce an upload."""

    @extend_schema(
        parameters=CREATION, request={PieceParser.media_type: OpenApiTypes.BINARY}, responses={201: UploadSerializer}
    )
    def post(self, request):
        if "Upload-Length" not in request.headers:
            raise ParseError("The header Upload-Length must say how many bytes the file has.")
        size = _number(request, "Upload-Length")
        upload = uploads.create_upload(request.user, _filename(request), size)
        headers = self.piece(upload, 0)
        upload.refresh_from_db()
        headers["Location"] = f"/api/v1/uploads/{upload.pk}"
        return Response(UploadSerializer(upload).data, status=status.HTTP_201_CREATED, headers=headers)


class UploadDetail(TusView):
    """How far an upload is, its next piece, its end."""

    @extend_schema(responses=UploadSerializer)
    def get(self, request, pk):
        upload = get_upload(request.user, pk)
        upload.offset = uploads.offset_of(upload)
        return Response(UploadSerializer(upload).data)

    @extend_schema(responses={200: None})
    def head(self, request, pk):
        upload = get_upload(request.user, pk)
        offset = uploads.offset_of(upload)
        name = base64.b64encode(upload.filename.encode()).decode()
        return Response(headers={
            "Upload-Offset": str(offset), "Upload-Length": str(upload.size), "Upload-Metadata": f"filename {name}",
            **_more(upload),
        })  # fmt: skip

    @extend_schema(parameters=[OFFSET], request={PieceParser.media_type: OpenApiTypes.BINARY}, responses={204: None})
    def patch(self, request, pk):
        upload = get_upload(request.user, pk)
        if "Upload-Offset" not in request.headers:
            raise ParseError("The header Upload-Offset must say where this piece starts.")
        if "Content-Length" not in request.headers:
            raise Refused(411, "The header Content-Length must say how long this piece is.")
        if (request.content_type or "").partition(";")[0].strip() != PieceParser.media_type:
            raise Refused(415, f"A piece has the content type {PieceParser.media_type}.")
        offset, here = _number(request, "Upload-Offset"), uploads.offset_of(upload)
        if offset != here:
            raise uploads.WrongOffset(here)
        return Response(status=status.HTTP_204_NO_CONTENT, headers=self.piece(upload, offset))

    @extend_schema(responses={204: None})
    def delete(self, request, pk):
        uploads.delete_upload(get_upload(request.user, pk))
        return Response(status=status.HTTP_204_NO_CONTENT)


def get_upload(user, pk):
    """An upload of this person, or Http404; an operator's eye does not reach into half-sent files."""
    upload = Upload.objects.filter(owner_id=user.pk, pk=pk).first()
    if upload is None:
        raise Http404("No such upload, or it has expired.")
    return upload


def as_answer(error):
    """The refusal of an upload with its status."""
    message = str(error)
    if isinstance(error, uploads.WrongOffset):
        return Refused(409, message, {"Upload-Offset": str(error.offset)})
    for kind, code in (
        (uploads.UploadTooLarge, 413), (uploads.UploadBusy, 423), (uploads.UploadGone, 410), (uploads.NoRoom, 507),
        (uploads.TooManyUploads, 409), (uploads.WrongWay, 409), (uploads.UploadIncomplete, 409),
    ):  # fmt: skip
        if isinstance(error, kind):
            return Refused(code, message)
    return ParseError(message)


def _number(request, header, default=None):
    text = request.headers.get(header) or ("" if default is None else str(default))
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise ParseError(f"The header {header} must be a whole number of bytes.")
    return int(text)


def _filename(request):
    """The name in `Upload-Metadata: filename <base64>, …`; other keys are left alone."""
    for pair in request.headers.get("Upload-Metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if key == "filename":
            try:
                return base64.b64decode(value, validate=True).decode(errors="replace")
            except (binascii.Error, ValueError):
                raise ParseError("The filename in Upload-Metadata is not base64.") from None
    return "archive"


def _more(upload):
    """When it expires, and where its bytes may go straight to the store, in parts of which size."""
    if upload.file:
        return {}
    part, expires = direct_uploads.part_size(upload), http_date(upload.expires_at.timestamp())
    return {"Upload-Expires": expires} | ({"Upload-Part-Size": str(part)} if part else {})


_places = threading.BoundedSemaphore(settings.UPLOADS_AT_ONCE)


@contextlib.contextmanager
def _place():
    """One of the places for pieces: slow senders must not take every thread that answers pages."""
    if not _places.acquire(blocking=False):
        raise Refused(503, "Too many uploads at this moment; it goes on by itself.", {"Retry-After": "2"})
    try:
        yield
    finally:
        _places.release()


@contextlib.contextmanager
def _impatient(request):
    """A silent sender ends the read; where the web server gives no socket, its own limits hold."""
    sock = request.META.get("gunicorn.socket")
    if sock is None:
        yield
        return
    before = sock.gettimeout()
    sock.settimeout(SILENT_SECONDS)
    try:
        yield
    finally:
        sock.settimeout(before)
