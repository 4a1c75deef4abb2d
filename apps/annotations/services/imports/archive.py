"""The archive that a job reads: an upload, or a file or folder on this machine."""

import tempfile
from contextlib import contextmanager, nullcontext

from django.conf import settings
from django.core.files.storage import default_storage

from apps.annotations.formats import FormatError
from apps.core.archives import Limits, open_archive
from apps.core.work import WorkFailed


@contextmanager
def job_archive(job):
    """The archive of a job, open. Raises ArchiveError for one that is refused, WorkFailed where it is gone."""
    limits = Limits(max_total_bytes=settings.MAX_ARCHIVE_BYTES * 4, max_file_bytes=settings.MAX_ARCHIVE_BYTES)
    # Only the management command names a path: no door of the web takes one.
    path = job.params.get("path")
    with (
        nullcontext(path) if path else local_file(job.upload.name) as place,
        open_archive(place, limits, scratch=settings.UPLOAD_DIR) as archive,
    ):
        yield archive


@contextmanager
def local_file(name):
    """A stored file as a path on this machine; fetched where the store is elsewhere."""
    if not name or not default_storage.exists(name):
        raise WorkFailed("The uploaded archive is not here any more; upload it again.")
    try:
        path = default_storage.path(name)
    except NotImplementedError:
        with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR) as copy, default_storage.open(name) as file:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
            yield copy.name
    else:
        yield path


def said(refusal):
    """A FormatError or ArchiveError as a sentence for the person who brought the archive."""
    words = str(refusal)
    is_clause = isinstance(refusal, FormatError) and not refusal.file  # else it starts with the name of a file
    return words[:1].upper() + words[1:] if is_clause else words
