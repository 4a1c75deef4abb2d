"""Storages: files that are whole or not there, and static files named by their content."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.files.move import file_move_safe
from django.core.files.storage import FileSystemStorage, default_storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

DRAFTS = ".drafts"


class AtomicFileStorage(FileSystemStorage):
    """A file appears under its name only when all of it is on the disk; the same name again replaces it."""

    def get_available_name(self, name, max_length=None):
        return name

    def _save(self, name, content):
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Draft):  # a large file is written once, not twice
            content.flush()
            os.chmod(content.path, 0o644)
            file_move_safe(content.path, target, allow_overwrite=True)
            return str(name).replace("\\", "/")
        handle, draft = _new_draft(Path(self.location) / DRAFTS)
        try:
            with os.fdopen(handle, "wb") as out:
                for chunk in content.chunks():
                    out.write(chunk)
            os.chmod(draft, 0o644)
            file_move_safe(draft, target, allow_overwrite=True)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
        return str(name).replace("\\", "/")


class Draft(File):
    """A file that is being written to be stored; see `new_draft`."""

    def __init__(self, file, path):
        super().__init__(file)
        self.path = path


@contextlib.contextmanager
def new_draft():
    """A Draft to write to. Storing it moves it into place where the store is on this machine; else it is copied.

    What was not stored is gone at the end, and what a kill leaves is found by `sweep_drafts`.
    """
    handle, path = _new_draft(_drafts_folder() or settings.UPLOAD_DIR)
    with os.fdopen(handle, "w+b") as file:
        try:
            yield Draft(file, path)
        finally:
            Path(path).unlink(missing_ok=True)


def is_local(storage):
    """Whether the files of `storage` lie on this machine's disk."""
    return _path(storage, DRAFTS) is not None


def _path(storage, name):
    try:
        return Path(storage.path(name))
    except NotImplementedError:
        return None


def _drafts_folder():
    """The folder of drafts, or None where the store is elsewhere."""
    return _path(default_storage, DRAFTS)


def _new_draft(folder):
    """(open file, path) of a draft: all in one folder beside what becomes of them, so that a sweep finds them."""
    try:
        return tempfile.mkstemp(dir=folder)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.mkstemp(dir=folder)


def sweep_drafts(older_than=3600):
    """Delete drafts that a kill left, older than some seconds; returns how many."""
    folder, count = _drafts_folder(), 0
    for draft in folder.glob("*") if folder else ():
        with contextlib.suppress(FileNotFoundError):  # it became whole this moment
            if time.time() - draft.stat().st_mtime >= older_than:
                draft.unlink()
                count += 1
    return count


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files under hashed names, JavaScript modules' imports of each other included."""

    support_js_module_import_aggregation = True
    manifest_strict = True
