"""Downloads that can be resumed: one byte range of a stored file, as RFC 9110 has it."""

import re

from django.conf import settings
from django.http import FileResponse, HttpResponse, HttpResponseRedirect
from django.utils.cache import patch_cache_control
from django.utils.http import content_disposition_header

from apps.core.storage import is_local

PIECE = 256 * 1024
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def download(request, field, filename, etag):
    """The file of a FileField as a download under `filename`; a `Range` is answered 206, one beyond the end 416.

    `etag` names these very bytes: with `If-Range`, a client that holds a part of other bytes gets the whole file.

    With S3_SIGNED_SECONDS, and files in S3, the answer is a redirect to an address of the store that is signed, good
    for so many seconds, and takes ranges itself: the bytes do not pass through here.
    """
    if settings.S3_SIGNED_SECONDS and not is_local(field.storage):
        return HttpResponseRedirect(_signed(field, filename))
    size = field.size
    span = _span(request, size, f'"{etag}"')
    if span == ():
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"})
    file = field.open("rb")
    response = FileResponse(file if span is None else _Part(file, *span), as_attachment=True, filename=filename)
    response.block_size = PIECE
    if span is not None:
        start, end = span
        response.status_code = 206
        response["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        response["Content-Length"] = end - start
    response["Accept-Ranges"], response["ETag"] = "bytes", f'"{etag}"'
    return response


def shown_by_store(field, kind):
    """A redirect to the store's own address of a picture of this type, for a page that may read its pixels there.

    The browser keeps the redirect for half the time that the address is good, and what it leads to.
    """
    shown = {"ResponseContentType": kind, "ResponseCacheControl": "private, max-age=31536000, immutable"}
    seconds = settings.S3_SIGNED_SECONDS
    response = HttpResponseRedirect(field.storage.url(field.name, parameters=shown, expire=seconds))
    patch_cache_control(response, private=True, max_age=seconds // 2)
    return response


def _signed(field, filename):
    """The store's own address of a file, as an attachment under `filename`, whatever its content."""
    shown = {
        "ResponseContentDisposition": content_disposition_header(True, filename),
        "ResponseContentType": "application/octet-stream",
    }
    return field.storage.url(field.name, parameters=shown, expire=settings.S3_SIGNED_SECONDS)


def _span(request, size, etag):
    """(first byte, byte after the last), None for the whole file, () for a range that it does not have."""
    found = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if request.method != "GET" or not found or not any(found.groups()):
        return None  # several ranges at once, say: the whole file is an answer to that
    if request.headers.get("If-Range", etag) != etag:
        return None
    first, last = found.groups()
    if not first:  # the last so many bytes
        return (max(size - int(last), 0), size) if int(last) and size else ()
    start, end = int(first), min(int(last) + 1, size) if last else size
    if last and int(last) < start:
        return None
    return (start, end) if start < size else ()


class _Part:
    """A part of a file, read in pieces."""

    def __init__(self, file, start, end):
        self._file, self._left = file, end - start
        file.seek(start)

    def read(self, size=PIECE):
        data = self._file.read(min(size if size and size > 0 else PIECE, self._left))
        self._left -= len(data)
        return data

    def close(self):
        self._file.close()
