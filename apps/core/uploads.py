"""Archives that come in pieces, by the tus protocol: every write to them.

The bytes lie in UPLOAD_DIR/pieces/<id> until all are there; then the file moves into the store under a name that is
worked out from the id, so that a move that was killed is found again. How far an upload is, its file's size says and
nothing else: a server that is killed loses at most what its socket still held. Where the store is not on this machine,
each piece may come to another web process, and what is here lies in the store as well: see `stored_pieces`. Or they go
straight to the store: see `direct_uploads`.
"""

import errno
import fcntl
import os
import shutil
import time
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path, PurePath

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone

from apps.core import direct_uploads, quotas, stored_pieces
from apps.core.access import Right, rights_in_teams
from apps.core.models import Job, Upload
from apps.core.storage import is_local
from apps.core.upload_errors import (
    NoRoom,
    TooManyUploads,
    UploadBusy,
    UploadError,
    UploadGone,
    UploadIncomplete,
    UploadTooLarge,
    WrongOffset,
    WrongWay,
)  # fmt: skip

CHUNK = 256 * 1024
MAX_UNFINISHED = 20  # of one person
KEEPING = ("import", "upload")  # kinds of jobs that make images or a model of a file, which count as such
STRAY_SECONDS = 3600
STRAY_PARTS = timedelta(days=1)
MOST_TIME_FOR_PARTS = timedelta(days=7)  # since it was announced, however often addresses are asked for


def create_upload(user, filename, size):
    """Announce an upload of `size` bytes."""
    if size < 1:
        raise UploadError("The file is empty.")
    if size > settings.MAX_ARCHIVE_BYTES:
        raise UploadTooLarge(f"The archive is larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")
    check_quotas(user, size)
    if Upload.objects.filter(owner=user, file="").count() >= MAX_UNFINISHED:
        raise TooManyUploads(f"You have {MAX_UNFINISHED} unfinished uploads. Finish or delete one first.")
    upload = Upload(owner=user, filename=clean_filename(filename), size=size, expires_at=expiry())
    if is_local(default_storage):
        _make_room(upload)
    upload.save(force_insert=True)
    return upload


def check_quotas(user, size):
    """Whose it will be is said later: it must fit with the person, or with a team in which they may bring it in.

    Beside what is on its way already: those who never import would fill the disk with archives else.
    """
    teams = [team for team, right in rights_in_teams(user).items() if right >= Right.REVIEW]
    waiting = waiting_bytes(user)
    if not any(quotas.has_room(user.pk, team, size + waiting) for team in (None, *teams)):
        raise UploadTooLarge(quotas.in_words(quotas.storage_of(user.pk), size, waiting=waiting))


def waiting_bytes(user):
    """Bytes of this person's uploads, announced or here, of which nothing was made that counts by itself."""
    made = Job.objects.filter(upload=OuterRef("file"), kind__in=KEEPING, status=Job.Status.COMPLETED)
    waiting = Upload.objects.filter(Q(file="") | ~Exists(made), owner=user)
    return waiting.aggregate(size=Sum("size"))["size"] or 0


def _make_room(upload):
    pieces_dir().mkdir(parents=True, exist_ok=True)
    if upload.size > shutil.disk_usage(pieces_dir()).free:
        raise NoRoom("There is not enough room on the server's disk for this archive.")
    pieces_path(upload).touch()


def offset_of(upload):
    """How many bytes are here; raises UploadGone."""
    if upload.file:
        return upload.size
    if upload.multipart:
        here = direct_uploads.offset_of(upload, stored_name(upload))
        return _finish(upload) if here == upload.size else here
    if not is_local(default_storage):
        here = stored_pieces.offset_of(upload)
        return _finish(upload) if here == upload.size else here
    try:
        return pieces_path(upload).stat().st_size
    except FileNotFoundError:
        return _finish(upload)


def append_piece(upload, offset, stream):
    """Write what `stream` gives to the end of the file, where `offset` is its end; returns the new offset.

    What came before a connection broke is kept. On the disk for good when this returns.
    """
    if upload.multipart:
        raise WrongWay("The bytes of this upload go straight to the store: ask for the addresses of its parts.")
    if not is_local(default_storage):
        here = stored_pieces.append(upload, offset, arriving(stream), expiry())
        return _finish(upload) if here == upload.size else here
    with _locked(upload) as file:
        here = file.seek(0, os.SEEK_END)
        if offset != here:
            raise WrongOffset(here)
        try:
            _write(file, stream, upload.size)
        finally:
            os.fsync(file.fileno())
            here = os.fstat(file.fileno()).st_size
            Upload.objects.filter(pk=upload.pk).update(offset=here, expires_at=expiry())
        return _finish(upload) if here == upload.size else here


def _write(file, stream, size):
    here = file.tell()
    for chunk in arriving(stream):
        here += len(chunk)
        if here > size:
            raise UploadTooLarge(f"{size} bytes were announced; this piece has more.")
        try:
            while chunk:
                chunk = chunk[file.write(chunk) :]
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise NoRoom("The server's disk is full; what is here stays, go on when there is room.") from None
            raise


def arriving(stream):
    """What comes of a body, until it ends or its connection breaks."""
    try:
        yield from iter(partial(stream.read, CHUNK), b"")
    except OSError:
        return  # the connection broke, or said nothing for too long: the sender goes on from what is here


@contextmanager
def _locked(upload):
    """The file, open for writing by this request alone."""
    try:
        file = pieces_path(upload).open("r+b", buffering=0)
    except FileNotFoundError:
        raise WrongOffset(_finish(upload)) from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadBusy("Another request is sending to this upload; wait for it to end.") from None
        if not os.fstat(file.fileno()).st_nlink:  # deleted in between
            raise UploadGone("This upload was deleted.")
        yield file


def addresses_of_parts(upload, numbers):
    """`{number: signed address}`, where its bytes may go straight to the store. Raises WrongWay, UploadBusy."""
    direct_uploads.begin(upload, stored_name(upload))
    Upload.objects.filter(pk=upload.pk).update(expires_at=min(expiry(), upload.created_at + MOST_TIME_FOR_PARTS))
    return direct_uploads.addresses(upload, stored_name(upload), numbers)


def parts_here(upload):
    """The numbers of the parts that the store has; raises WrongWay or UploadGone."""
    return sorted(direct_uploads.parts_here(upload, stored_name(upload)))


def take_upload(upload):
    """The stored name of a complete upload, for a job to read; raises UploadIncomplete or UploadGone."""
    if not upload.file:
        here = offset_of(upload)
        if here < upload.size:
            raise UploadIncomplete(f"{here} of {upload.size} bytes are here; send the rest first.")
        _finish(upload)
    elif not default_storage.exists(upload.file.name):
        raise UploadGone("The uploaded file has expired; send it again.")
    return upload.file.name


def stored_upload(user, pk):
    """(stored name, file name) of this person's upload, for a job to read; raises UploadError in words."""
    upload = Upload.objects.filter(owner_id=user.pk, pk=pk).first()
    if upload is None:
        raise UploadGone("There is no such upload of yours, or it has expired.")
    return take_upload(upload), upload.filename


def delete_upload(upload):
    """Forget an upload with its bytes, unless a job reads them."""
    pk, pieces, name = upload.pk, pieces_path(upload), upload.file.name or stored_name(upload)
    parts = stored_name(upload)
    upload.delete()
    direct_uploads.abort(upload, parts)
    pieces.unlink(missing_ok=True)
    stored_pieces.delete(pk)
    if not is_held(name):
        default_storage.delete(name)


def is_held(name):
    """Whether a row knows the stored file `name`."""
    return Job.objects.filter(upload=name).exists() or Upload.objects.filter(file=name).exists()


def sweep_uploads():
    """Delete uploads that are past their time, and bytes without a row; returns how many went."""
    count = 0
    for upload in Upload.objects.filter(expires_at__lt=timezone.now())[:1000]:
        delete_upload(upload)
        count += 1
    for path in pieces_dir().glob("*"):
        try:
            stray = time.time() - path.stat().st_mtime > STRAY_SECONDS
        except FileNotFoundError:
            continue
        if stray and not Upload.objects.filter(pk=path.name).exists():
            path.unlink(missing_ok=True)
            count += 1
    stray = timezone.now() - timedelta(seconds=STRAY_SECONDS)
    given_up = timezone.now() - STRAY_PARTS  # the platform's own large files are put there in parts, too
    return count + stored_pieces.sweep(stray) + direct_uploads.sweep(given_up)


def pieces_dir():
    return Path(settings.UPLOAD_DIR) / "pieces"


def pieces_path(upload):
    return pieces_dir() / upload.pk.hex


def stored_name(upload):
    """Where the file lies when it is complete."""
    return f"jobs/in/{upload.pk.hex}{PurePath(upload.filename).suffix.lower()[:10]}"


def _finish(upload):
    """Move a complete file into the store; does what a killed move left undone. Returns the size."""
    name, pieces = stored_name(upload), pieces_path(upload)
    if upload.multipart:
        direct_uploads.complete(upload, name)
    elif not is_local(default_storage):
        stored_pieces.join(upload, name)
    elif pieces.exists():
        _move_to_store(pieces, name)
    elif not default_storage.exists(name):
        raise UploadGone("The bytes of this upload are not here any more; start it again.")
    Upload.objects.filter(pk=upload.pk).update(file=name, offset=upload.size, pieces=[], expires_at=expiry())
    upload.file.name, upload.offset = name, upload.size
    stored_pieces.delete(upload.pk)
    return upload.size


def _move_to_store(path, name):
    try:
        target = Path(default_storage.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    except (NotImplementedError, OSError) as error:  # a store elsewhere, or on another disk
        if isinstance(error, OSError) and error.errno != errno.EXDEV:
            raise
        with path.open("rb") as file:
            default_storage.save(name, File(file))
        path.unlink()


def clean_filename(filename):
    """The last part of a path, as it may be shown and kept; never empty."""
    name = PurePath(str(filename).replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable()).strip()[-255:] or "archive"


def expiry():
    """Until when an upload waits for what is to be made of it."""
    return timezone.now() + timedelta(hours=settings.JOB_FILE_HOURS)
