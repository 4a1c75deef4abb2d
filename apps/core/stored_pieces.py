"""Pieces of an upload in the store, where web processes share no disk: each piece may come to another one.

A piece is stored first and noted in the upload's row after, on the condition that the row still ends where the piece
begins: of two that send at once one wins, and a server that is killed loses at most the piece under way.
"""

import shutil
import tempfile
import uuid

from django.conf import settings
from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.core.models import Upload
from apps.core.upload_errors import UploadGone, UploadTooLarge, WrongOffset

PIECE = 8 * 2**20
FOLDER = "jobs/pieces"


def offset_of(upload):
    """How many bytes are noted; raises UploadGone where the row went."""
    return _fresh(upload).offset


def append(upload, offset, chunks, expires_at):
    """Store what comes in `chunks` behind `offset`, which must be the end of what is here; returns the new end."""
    here = _fresh(upload)
    if here.offset != offset:
        raise WrongOffset(here.offset)
    for data in _whole_pieces(chunks):
        if here.offset + len(data) > here.size:
            raise UploadTooLarge(f"{here.size} bytes were announced; this piece has more.")
        _note(here, data, expires_at)
    return here.offset


def join(upload, name):
    """Make one stored file of the pieces, named `name`; finding it there already is as good. Raises UploadGone."""
    try:
        with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as whole:
            for piece, _ in _fresh(upload).pieces:
                with default_storage.open(piece) as file:
                    shutil.copyfileobj(file, whole)
            if whole.tell() == upload.size:
                whole.seek(0)
                default_storage.save(name, File(whole))
    except FileNotFoundError:  # another that joined them was quicker
        pass
    if not default_storage.exists(name):
        raise UploadGone("The bytes of this upload are not here any more; start it again.")


def delete(pk):
    """Delete all pieces of an upload, by its id, from the store."""
    for name in _names(_folder(pk)):
        default_storage.delete(name)


def sweep(older_than):
    """Delete pieces of uploads whose row is gone, stored before a time; returns of how many uploads."""
    count = 0
    for name in _folders():
        if not Upload.objects.filter(pk=name).exists():
            left = [file for file in _names(f"{FOLDER}/{name}") if default_storage.get_modified_time(file) < older_than]
            for file in left:
                default_storage.delete(file)
            count += bool(left)
    return count


def _note(here, data, expires_at):
    """Store bytes and write them down; small pieces grow, so that a sender of drops does not fill the row."""
    kept, grown = here.pieces, []
    if kept and kept[-1][1] + len(data) <= PIECE:
        *kept, grown = kept
        with default_storage.open(grown[0]) as file:
            data_before = file.read()
    else:
        data_before = b""
    name, size = f"{_folder(here.pk)}/{uuid.uuid4().hex}", len(data_before) + len(data)
    default_storage.save(name, ContentFile(data_before + data))
    pieces, end = [*kept, [name, size]], here.offset + len(data)
    mine = Upload.objects.filter(pk=here.pk, offset=here.offset, file="", multipart="")
    if not mine.update(offset=end, pieces=pieces, expires_at=expires_at):
        default_storage.delete(name)
        raise WrongOffset(_fresh(here).offset)
    if grown:
        default_storage.delete(grown[0])
    here.offset, here.pieces = end, pieces


def _whole_pieces(chunks):
    """The same bytes in pieces of at most PIECE."""
    gathered = bytearray()
    for chunk in chunks:
        gathered += chunk
        if len(gathered) >= PIECE:
            yield bytes(gathered[:PIECE])
            del gathered[:PIECE]
    if gathered:
        yield bytes(gathered)


def _fresh(upload):
    row = Upload.objects.filter(pk=upload.pk).first()
    if row is None:
        raise UploadGone("This upload was deleted.")
    return row


def _folder(pk):
    return f"{FOLDER}/{pk.hex}"


def _folders():
    try:
        return [name for name in default_storage.listdir(FOLDER)[0] if name]
    except FileNotFoundError:
        return []


def _names(folder):
    try:
        return [f"{folder}/{name}" for name in default_storage.listdir(folder)[1] if name]
    except FileNotFoundError:
        return []
