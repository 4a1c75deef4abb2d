"""Restore a backup into an empty platform. Everything is checked before anything is written."""

import fcntl
import shutil
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections
from redis.exceptions import RedisError

from apps.core.backup import BackupError
from apps.core.backup.checking import verify
from apps.core.backup.lists import read_list
from apps.core.backup.making import Progress, in_words, secret_check
from apps.core.backup.places import is_s3, walk
from apps.core.backup.shelf import Shelf, digest
from apps.core.backup.tables import check_migrations, fill_tables, filled_tables, make_tables

ROOM_LEFT = 100 * 2**20


def restore_backup(place, manifest, storage=default_storage, using="default", replace=False, say=print):
    """Have this platform hold what the backup holds; raises BackupError before anything is written.

    Files come first and rows in one transaction at the end: what is killed in between is an empty platform, into which
    the same call goes again. `replace` deletes what is here; without it, what is here refuses the restore.
    """
    refuse_while_running(using)
    check_migrations(manifest, using)
    if not replace:
        _refuse_filled(using)
    verify(place, manifest, say)
    shelf, progress = Shelf(place), Progress(say)
    strange = _compare_files(storage, shelf, manifest, replace)
    if replace:
        _forget_what_was_made(say)
    state = make_tables(manifest, using)
    _restore_files(storage, shelf, manifest, progress)
    fill_tables(manifest, state, using, shelf, progress)
    for name in strange:
        storage.delete(name)
    call_command("migrate", database=using, verbosity=0, interactive=False)
    say(f"Backup {manifest.name} is restored: {manifest.num_rows} rows, {manifest.files['count']} files.")
    if manifest.missing:
        say(f"{len(manifest.missing)} files were missing already when it was made, as {manifest.missing[0]}.")


def refuse_while_running(using):
    """Raise BackupError where a platform runs on this data folder or this database."""
    lock = Path(settings.DATA_DIR) / "run" / "platform.lock"
    if lock.exists():
        with lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BackupError(f"A platform runs on {settings.DATA_DIR}: stop it first.") from None
    connection = connections[using]
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        (others,) = cursor.fetchone()
    if others:
        raise BackupError(f"{others} other connections use this database: stop web, workers and trainers first.")


def _refuse_filled(using):
    if filled := filled_tables(using):
        raise BackupError(
            f"This platform is not empty: there are rows in {', '.join(filled[:5])}{' …' if len(filled) > 5 else ''}. "
            "Restore into a new one, or give --replace to delete everything that is here first."
        )


def _compare_files(storage, shelf, manifest, replace):
    """Refuse what would overwrite other files, or has no room; returns the names that `replace` deletes."""
    here = {found.name: found.size for found in walk(storage)}
    coming, new_bytes = set(), 0
    for name, sha256, size, _ in read_list(shelf, manifest.files):
        coming.add(name)
        if name not in here:
            new_bytes += size
        elif not replace and not _is_same(storage, name, sha256, size, here[name]):
            raise BackupError(f"There is another file named {name} here; give --replace to have the backup's instead.")
    if not is_s3(storage):
        Path(storage.location).mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(storage.location).free
        if new_bytes + ROOM_LEFT > free:
            raise BackupError(f"The files need {in_words(new_bytes)}, and only {in_words(free)} are free.")
    return here.keys() - coming if replace else set()


def _is_same(storage, name, sha256, size, size_here):
    if size != size_here:
        return False
    with storage.open(name) as file:
        return digest(file) == (sha256, size)


def _restore_files(storage, shelf, manifest, progress):
    here = {found.name: found.size for found in walk(storage)}
    done = 0
    for name, sha256, size, _ in read_list(shelf, manifest.files):
        if name not in here or not _is_same(storage, name, sha256, size, here[name]):
            with shelf.open(sha256) as file:
                storage.save(name, File(file))
        done += size
        progress.of("Files", done, manifest.files["bytes"])


def _forget_what_was_made(say):
    """Delete what belongs to the rows that go: checkpoints by job id, the queue, the cache."""
    shutil.rmtree(settings.WORK_DIR, ignore_errors=True)
    Path(settings.WORK_DIR).mkdir(parents=True, exist_ok=True)
    if settings.VALKEY_SOCKET:
        shutil.rmtree(Path(settings.DATA_DIR) / "valkey", ignore_errors=True)
        return
    try:
        cache.clear()
    except RedisError as error:
        say(f"The cache could not be emptied ({error}): empty it before the platform starts.")


def restore_secret(place, manifest, say=print):
    """Put the backup's secret key into the data folder where it has one and the environment sets none."""
    if secret_check(settings.SECRET_KEY) == manifest.secret.get("check"):
        return
    path = Path(settings.DATA_DIR) / "secret_key"
    is_kept = path.exists() and path.read_text().strip() == settings.SECRET_KEY
    if "object" in manifest.secret and is_kept:
        draft = path.with_name(".secret-restored")
        draft.touch(mode=0o600)
        draft.write_bytes(Shelf(place).read(manifest.secret["object"][0]))
        draft.replace(path)
        say(f"The secret key of the backup lies in {path} now.")
        return
    say(
        "The secret key is another one than where the backup was made: everybody signs in again. If you have the old "
        f"key, put it into {path} or SECRET_KEY before the platform starts."
    )
