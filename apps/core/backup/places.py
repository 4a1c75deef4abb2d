"""Where files lie, here and in a backup place: a folder or a part of an S3 bucket, both as Django's storages."""

import os
from dataclasses import dataclass
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage
from storages.backends.s3 import S3Storage

from apps.core.backup import BackupError
from apps.core.storage import DRAFTS, AtomicFileStorage


@dataclass(frozen=True)
class Found:
    """A stored file; `stamp` is another one when it was written anew."""

    name: str
    size: int
    stamp: str


def open_place(address):
    """The backup place at `address`, a folder or `s3://bucket/prefix`; raises BackupError where it cannot be one."""
    if address.startswith("s3://"):
        return _s3_place(address)
    folder = Path(address).expanduser().absolute()
    media = Path(settings.MEDIA_ROOT)
    if not is_s3(default_storage) and (folder == media or media in folder.parents):
        raise BackupError(f"{folder} is inside the platform's own files ({media}); choose a folder elsewhere.")
    return AtomicFileStorage(location=folder)


def prepare_place(place):
    """Make the place where it is a folder that is not there; only its owner may look into a new one."""
    if is_s3(place):
        check_bucket(place)
        return
    try:
        Path(place.location).mkdir(parents=True, exist_ok=True, mode=0o700)
        if not os.access(place.location, os.W_OK | os.X_OK):
            raise BackupError(f"{place.location} cannot be written.")
    except OSError as error:
        raise BackupError(f"{place.location} cannot be a backup place: {error.strerror}.") from None


def _s3_place(address):
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    if not bucket:
        raise BackupError("An S3 place is written s3://bucket/prefix.")
    options = settings.BACKUP_S3_OPTIONS
    its_own = is_s3(default_storage) and (default_storage.endpoint_url, default_storage.bucket_name)
    if its_own == (options["endpoint_url"], bucket):
        raise BackupError(f"The platform keeps its own files in the bucket {bucket}; choose another one for backups.")
    return S3Storage(bucket_name=bucket, location=prefix.strip("/"), **options)


def check_bucket(place):
    """Raise BackupError where a bucket is not there or may not be used."""
    try:
        place.bucket.meta.client.head_bucket(Bucket=place.bucket_name)
    except (BotoCoreError, ClientError) as error:
        raise BackupError(f"The bucket {place.bucket_name} cannot be used: {error}.") from None


def is_s3(storage):
    return hasattr(storage, "bucket_name")


def walk(storage, folder=""):
    """Every file below `folder` as Found, in no order; what goes away meanwhile may be left out."""
    return _walk_bucket(storage, folder) if is_s3(storage) else _walk_disk(storage, folder)


def _walk_bucket(storage, folder):
    root = storage.location.strip("/")
    root = f"{root}/" if root else ""
    for key in storage.bucket.objects.filter(Prefix=root + (f"{folder}/" if folder else "")):
        if not key.key.endswith("/"):
            yield Found(key.key[len(root) :], key.size, f"{key.e_tag} {key.last_modified.isoformat()}")


def _walk_disk(storage, folder):
    root = Path(storage.location)
    waiting = [root / folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except FileNotFoundError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != DRAFTS:
                    waiting.append(Path(entry.path))
                continue
            try:
                told = entry.stat()
            except FileNotFoundError:
                continue
            yield Found(str(Path(entry.path).relative_to(root)), told.st_size, f"{told.st_mtime_ns} {told.st_ino}")


def settle(place):
    """Return when all that was written to the place outlives a power cut; S3 has answered only then anyway."""
    if not is_s3(place):
        os.sync()
