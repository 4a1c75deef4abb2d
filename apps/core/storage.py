"""Storages: files that are whole or not there, and static files named by their content."""

import os
import tempfile
from pathlib import Path

from django.core.files.move import file_move_safe
from django.core.files.storage import FileSystemStorage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class AtomicFileStorage(FileSystemStorage):
    """A file appears under its name only when all of it is on the disk; the same name again replaces it."""

    def get_available_name(self, name, max_length=None):
        return name

    def _save(self, name, content):
        target = Path(self.path(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".draft-")
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


class HashedStaticStorage(CompressedManifestStaticFilesStorage):
    """Static files under hashed names, JavaScript modules' imports of each other included."""

    support_js_module_import_aggregation = True
    manifest_strict = True
