"""Make a backup while the platform runs."""

import time

from django.conf import settings
from django.core.files.storage import default_storage
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.core.backup.files import Copier
from apps.core.backup.manifests import Manifest, backup_names, new_name, read_manifest, write_manifest
from apps.core.backup.places import prepare_place
from apps.core.backup.rows import applied_migrations, backed_up_models, snapshot, write_table
from apps.core.backup.shelf import Shelf

TRIES = 3
SALT = "apps.core.backup"


def make_backup(place, storage=default_storage, using="default", say=print, full=False, with_secret=False):
    """Back up all rows and files to `place`; returns the Manifest, whose `missing` names lost files.

    Files are stored before their rows and deleted after them. So they are copied before the moment of the rows, and
    what came in between after it: every row of that moment has its file. `full` trusts nothing that is there already.
    """
    prepare_place(place)
    shelf, names = Shelf(place), backup_names(place)
    known = read_manifest(place, names[-1]).files if names and not full else None
    copier = Copier(storage, shelf, known, again=full)
    progress = Progress(say)
    copier.copy(progress.files)
    for attempt in range(1, TRIES + 1):
        before = copier.copy()
        made_at = timezone.now()
        with snapshot(using):
            migrations = applied_migrations(using)
            tables, unstored = _write_tables(using, shelf, full, before.__contains__, progress)
        after = copier.copy()
        missing = [row for row in unstored if row[2] not in after]
        if attempt == TRIES or all(_is_still_named(row, using) for row in missing):
            break
        say("Files were deleted while their rows were read; reading the rows again.")
    files = copier.write_list(before | after)
    manifest = Manifest(
        name=new_name(), made_at=made_at.isoformat(), database=_vendor(using), migrations=migrations, tables=tables,
        files=files, missing=sorted({name for _, _, name in missing}), secret=_secret(shelf, with_secret),
    )  # fmt: skip
    write_manifest(place, manifest)
    say(
        f"Backup {manifest.name} is complete: {manifest.num_rows} rows, {files['count']} files with "
        f"{in_words(files['bytes'])}; {shelf.num_new} new objects with {in_words(shelf.bytes_new)} went in."
    )
    return manifest


def _write_tables(using, shelf, again, is_stored, progress):
    tables, unstored = [], []
    for model in backed_up_models():
        table, missing = write_table(model, using, shelf, again, is_stored)
        tables.append(table)
        unstored += missing
        progress.table(table)
    return tables, unstored


def _is_still_named(row, using):
    """Whether a row names a file that is not there: then it was lost before; else both went while we looked."""
    model, attname, name = row
    return model._base_manager.using(using).filter(**{attname: name}).exists()


def _vendor(using):
    from django.db import connections

    return connections[using].vendor


def _secret(shelf, with_secret):
    """How to know the secret key again, and where it was asked for the key itself."""
    told = {"check": secret_check(settings.SECRET_KEY)}
    if with_secret:
        told["object"] = list(shelf.put_bytes(settings.SECRET_KEY.encode()))
    return told


def secret_check(key):
    """What tells whether another key is this one, and nothing else of it."""
    return salted_hmac(SALT, "which key", secret=key, algorithm="sha256").hexdigest()


class Progress:
    """Lines about how far it is, one every few seconds."""

    SECONDS = 3

    def __init__(self, say):
        self.say, self._last = say, time.monotonic()

    def files(self, count, size):
        self._maybe(f"Files: {count} seen, {in_words(size)}")

    def table(self, table):
        self._maybe(f"Rows: {table['table']}, {table['count']}")

    def of(self, what, done, total):
        """`done` of `total` bytes."""
        self._maybe(f"{what}: {in_words(done)} of {in_words(total)}")

    def _maybe(self, line):
        if time.monotonic() - self._last >= self.SECONDS:
            self._last = time.monotonic()
            self.say(line)


def in_words(size):
    """Bytes as people read them."""
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError
