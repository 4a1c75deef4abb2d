"""Tar archives, plain or compressed by gzip or bzip2."""

from __future__ import annotations

import bz2
import gzip
import os
import tarfile
import tempfile
from typing import BinaryIO

from .base import BROKEN, CHUNK, MB, Archive, ArchiveError, Limits, safe_name, shown


class TarArchive(Archive):
    """A tar in a seekable file, not compressed."""

    def __init__(self, file: BinaryIO, limits: Limits, owned: bool):
        super().__init__(limits)
        self._file, self._owned = file, owned
        file.seek(0)
        try:
            self._tar = tarfile.open(fileobj=_SmallReads(file), mode="r:")  # noqa: SIM115
            for count, member in enumerate(self._tar):
                if count >= 2 * limits.max_entries:  # folders are members too
                    raise limits.too_many
                self._take(member)
        except ArchiveError:
            raise
        except BROKEN as error:
            raise ArchiveError(f"This is a damaged tar archive, or none: {error}") from error

    def close(self) -> None:
        self._tar.close()
        if self._owned:
            self._file.close()

    def open_raw(self, handle: tarfile.TarInfo) -> BinaryIO:
        return self._tar.extractfile(handle)

    def _take(self, member: tarfile.TarInfo) -> None:
        member.pax_headers = {}  # up to a megabyte each, and nothing here needs them
        if member.isdir():
            if member.name not in (".", ""):
                safe_name(member.name, self.limits)
        elif not member.isreg() or member.issparse():
            raise ArchiveError(f"{shown(member.name)} is a link, a device or a sparse file, not a plain one.")
        else:
            self.add(member.name, member.size, member)


class _SmallReads:
    """tarfile reads extended headers in one piece, of whatever length they claim."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MB:
            raise ArchiveError("The tar archive has a header of more than 1 MB.")
        return self._file.read(size)


def unpack_gzip(file: BinaryIO, limits: Limits, scratch: str | os.PathLike | None) -> BinaryIO:
    """The unpacked bytes in a temporary file: a tar is read in any order, its compression is not."""
    packed = file.seek(0, 2)
    file.seek(0)
    with gzip.GzipFile(fileobj=file) as stream:
        return _unpack(stream, packed, limits, scratch)


def unpack_bzip2(file: BinaryIO, limits: Limits, scratch: str | os.PathLike | None) -> BinaryIO:
    """Like `unpack_gzip`."""
    packed = file.seek(0, 2)
    file.seek(0)
    with bz2.BZ2File(file) as stream:
        return _unpack(stream, packed, limits, scratch)


def _unpack(stream: BinaryIO, packed: int, limits: Limits, scratch: str | os.PathLike | None) -> BinaryIO:
    unpacked, total = tempfile.TemporaryFile(dir=scratch), 0  # noqa: SIM115
    try:
        while chunk := stream.read(CHUNK):
            total += len(chunk)
            if total > limits.max_total_bytes:
                raise limits.too_big
            limits.check_ratio(total, packed, "The archive")
            unpacked.write(chunk)
    except ArchiveError:
        unpacked.close()
        raise
    except BROKEN as error:
        unpacked.close()
        raise ArchiveError(f"The compressed archive is damaged: {error}") from error
    return unpacked
