"""Storages: files that are whole or not there, and static files named by their content."""

import contextlib
import os
import tempfile
import time
from pathlib import Path

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


def _new_draft(folder):
    """(open file, path) of a draft: all in one folder beside what becomes of them, so that a sweep finds them."""
    try:
        return tempfile.mkstemp(dir=folder)
    except FileNotFoundError:
        folder.mkdir(parents=True, exist_ok=True)
        return tempfile.mkstemp(dir=folder)


def sweep_drafts(older_than=3600):
    """Delete drafts that a kill left, older than some seconds; returns how many."""
    try:
        folder = Path(default_storage.path(DRAFTS))
    except NotImplementedError:
        return 0  # a store elsewhere has none
    count = 0
    for draft in folder.glob("*"):
        with contextlib.suppress(FileNotFoundError):  # it became whole this moment
            if time.time() - draft.stat().st_mtime >= older_than:
                draft.unlink()
                count += 1
    return count


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files under hashed names, JavaScript modules' imports of each other included."""

    support_js_module_import_aggregation = True
    manifest_strict = True
