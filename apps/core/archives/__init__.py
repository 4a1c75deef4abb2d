"""Reading what strangers packed: zip and tar archives and folders as one kind of source of files.

    with open_archive(path, Limits(max_entries=10_000)) as archive:
        for name in archive.names():
            with archive.open(name) as stream: ...

Headers are claims: whatever they say, sizes are counted while bytes come out. Nothing is ever unpacked to
a name that the archive chose.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from .base import MB, Archive, ArchiveError, DamagedFileError, Limits, Skipped, safe_name
from .folder import FolderArchive
from .tar import TarArchive, unpack_bzip2, unpack_gzip
from .zip import ZipArchive

__all__ = [
    "MB",
    "NO_ARCHIVE",
    "Archive",
    "ArchiveError",
    "DamagedFileError",
    "Limits",
    "Skipped",
    "is_archive",
    "open_archive",
    "safe_name",
]

NO_ARCHIVE = "This is no zip, tar, tar.gz or tar.bz2 archive."


def open_archive(
    path: str | os.PathLike | BinaryIO,
    limits: Limits | None = None,
    *,
    scratch: str | os.PathLike | None = None,
) -> Archive:
    """The archive or folder at `path`, or in an open, seekable binary file, recognised by content.

    A compressed tar is unpacked once into an unnamed temporary file in the folder `scratch` (None: the
    system's). Raises ArchiveError for what is no zip, tar, tar.gz or tar.bz2, and for a whole archive that
    has an absolute or climbing name, a link or device, an encrypted file, or more than `limits` allow.
    """
    limits = limits or Limits()
    if not isinstance(path, (str, os.PathLike)):
        return _recognise(path, limits, scratch, owned=False)
    if os.path.isdir(path):
        return FolderArchive(Path(path), limits)
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise ArchiveError(f"The archive cannot be opened: {error.strerror}.") from error
    try:
        return _recognise(file, limits, scratch, owned=True)
    except BaseException:
        file.close()
        raise


def is_archive(file: BinaryIO) -> bool:
    """Whether an open file begins as an archive does; whether it is a whole one shows when it is opened."""
    file.seek(0)
    kind = _kind(file.read(512))
    file.seek(0)
    return bool(kind)


def _kind(head: bytes) -> str:
    """zip, tar, gzip or bzip2 by the first 512 bytes of a file, else nothing."""
    if head[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "zip"
    if head[257:262] == b"ustar":
        return "tar"
    return "gzip" if head[:2] == b"\x1f\x8b" else "bzip2" if head[:3] == b"BZh" else ""


def _recognise(file: BinaryIO, limits: Limits, scratch: str | os.PathLike | None, *, owned: bool) -> Archive:
    file.seek(0)
    kind = _kind(file.read(512))
    if not kind:
        raise ArchiveError(NO_ARCHIVE)
    if kind in ("zip", "tar"):
        return {"zip": ZipArchive, "tar": TarArchive}[kind](file, limits, owned)
    unpacked = {"gzip": unpack_gzip, "bzip2": unpack_bzip2}[kind](file, limits, scratch)
    if owned:
        file.close()
    return TarArchive(unpacked, limits, owned=True)
