"""Uploads whose bytes go from the sender straight to an S3 store, as the parts of one multipart upload.

The platform says what may come: the name under which it lies, how many parts there are and how many bytes each has, all
of which the signed addresses hold. It puts the parts together itself, and only where all are there as announced.
"""

import logging

from botocore.exceptions import ClientError
from django.conf import settings
from django.core.files.storage import default_storage

from apps.core import s3
from apps.core.models import Upload
from apps.core.storage import is_local
from apps.core.upload_errors import UploadBusy, UploadGone, UploadIncomplete, WrongWay

log = logging.getLogger(__name__)
PART = 16 * 2**20  # S3 takes parts of 5 MiB to 5 GiB, the last may be smaller,
MOST_PARTS = 10_000  # and so many of them
NO_SUCH_UPLOAD = ("NoSuchUpload", "404")
OTHER_PARTS = ("InvalidPart", "InvalidPartOrder", "EntityTooSmall")


def is_offered():
    """Whether uploads may go straight to the store: it is S3, and signs addresses."""
    return bool(settings.S3_SIGNED_SECONDS) and not is_local(default_storage)


def part_size(upload):
    """Bytes of each part but the last, in whole MiB; None where the bytes of this upload come through here."""
    is_begun_here = not upload.multipart and (upload.offset or upload.file)
    if is_begun_here or not (upload.multipart or is_offered()):
        return None
    return max(PART, -(-upload.size // (MOST_PARTS * 2**20)) * 2**20)


def plan(upload):
    """`{number: bytes}` of the parts that make up this upload; raises WrongWay."""
    size = part_size(upload)
    if size is None:
        raise WrongWay("The bytes of this upload do not go straight to the store: send its pieces here, by tus.")
    whole, rest = divmod(upload.size, size)
    return dict.fromkeys(range(1, whole + 1), size) | ({whole + 1: rest} if rest else {})


def begin(upload, name):
    """Have the store await the parts of the file `name`; harmless where it does. Raises WrongWay, UploadBusy."""
    plan(upload)
    if upload.file:
        raise WrongWay("All of it is here already.")
    if upload.multipart:
        return
    made = s3.client().create_multipart_upload(**s3.place(name), ContentType="application/octet-stream")["UploadId"]
    mine = Upload.objects.filter(pk=upload.pk, offset=0, file="", multipart="")
    if not mine.update(multipart=made):  # another request was quicker, or pieces came here
        _abort(name, made)
        raise UploadBusy("Another request has begun this upload; ask again.")
    upload.multipart = made


def addresses(upload, name, numbers):
    """`{number: address}`: each takes a PUT of exactly the bytes of that part, for S3_SIGNED_SECONDS."""
    parts, client = plan(upload), s3.client()
    return {
        number: client.generate_presigned_url("upload_part", ExpiresIn=settings.S3_SIGNED_SECONDS or 300, Params={
            **s3.place(name), "UploadId": upload.multipart, "PartNumber": number, "ContentLength": parts[number],
        })
        for number in numbers
    }  # fmt: skip


def parts_here(upload, name):
    """`{number: bytes}` of the parts that the store has, as they should be; raises UploadGone."""
    wanted = plan(upload)
    if upload.file:
        return wanted
    found = _listed(upload, name) if upload.multipart else {}
    return wanted if found is None else {n: size for n, (size, _) in found.items() if wanted.get(n) == size}


def offset_of(upload, name):
    """How many bytes of it are in the store; raises UploadGone."""
    if _is_there(upload, name):
        return upload.size
    return sum(parts_here(upload, name).values())


def complete(upload, name):
    """Put the parts together; finding that done is as good. Raises UploadIncomplete, UploadGone."""
    if _is_there(upload, name):
        return
    wanted = plan(upload)
    found = _listed(upload, name)
    if found is None:
        return
    if {number: size for number, (size, _) in found.items()} != wanted:
        right = sum(wanted.get(number) == size for number, (size, _) in found.items())
        raise UploadIncomplete(f"{right} of {len(wanted)} parts are in the store as announced; send the others first.")
    parts = [{"PartNumber": number, "ETag": tag} for number, (_, tag) in sorted(found.items())]
    try:
        s3.client().complete_multipart_upload(
            **s3.place(name), UploadId=upload.multipart, MultipartUpload={"Parts": parts}
        )  # by their tags: a part that was sent again meanwhile is not taken
    except ClientError as error:
        if error.response["Error"]["Code"] not in (*NO_SUCH_UPLOAD, *OTHER_PARTS):
            raise
        if not _is_there(upload, name):  # or another request was quicker
            raise UploadIncomplete("The parts changed meanwhile. Try again.") from None
    if not _is_there(upload, name):
        default_storage.delete(name)
        raise UploadGone("What the store made of the parts is not what was announced; start it again.")


def abort(upload, name):
    """Have the store forget the parts; harmless where there are none."""
    if upload.multipart:
        _abort(name, upload.multipart)


def sweep(older_than):
    """Abort what was begun before a time and no row knows of; returns how many, 0 of a store that lists none."""
    if is_local(default_storage):
        return 0
    try:
        return _sweep(older_than)
    except ClientError as error:
        log.warning("The store does not list what was begun to upload, so what was given up stays there: %s", error)
        return 0


def _sweep(older_than):
    count, client = 0, s3.client()
    pages = client.get_paginator("list_multipart_uploads").paginate(
        Bucket=default_storage.bucket_name, Prefix=s3.key("jobs/in/")
    )
    for page in pages:
        for found in page.get("Uploads", ()):
            if found["Initiated"] < older_than and not Upload.objects.filter(multipart=found["UploadId"]).exists():
                _abort_key(found["Key"], found["UploadId"])
                count += 1
    return count


def _listed(upload, name):
    """`{number: (bytes, tag)}` of all parts that the store has; raises UploadGone.

    None where they were put together already, by another request or before a kill.
    """
    pages = s3.client().get_paginator("list_parts").paginate(**s3.place(name), UploadId=upload.multipart)
    try:
        return {part["PartNumber"]: (part["Size"], part["ETag"]) for page in pages for part in page.get("Parts", ())}
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_SUCH_UPLOAD:
            raise
    if not _is_there(upload, name):
        raise UploadGone("The store does not know this upload any more; start it again.")
    return None


def _is_there(upload, name):
    """Whether the whole file lies in the store, of the size that was announced."""
    return default_storage.exists(name) and default_storage.size(name) == upload.size


def _abort(name, multipart):
    _abort_key(s3.key(name), multipart)


def _abort_key(key, multipart):
    try:
        s3.client().abort_multipart_upload(Bucket=default_storage.bucket_name, Key=key, UploadId=multipart)
    except ClientError as error:
        if error.response["Error"]["Code"] not in NO_SUCH_UPLOAD:
            log.warning("The store did not abort an upload; the sweep tries again: %s", error)
