"""What all archives share: limits, names, and streams that count what comes out of them."""

from __future__ import annotations

import io
import re
import struct
import tarfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, BinaryIO

MB = 1024 * 1024
CHUNK = 256 * 1024

# What the standard library raises on broken archives, as found out by fuzzing it.
BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, struct.error, OSError, EOFError),
    *(ValueError, LookupError, OverflowError, NotImplementedError, RuntimeError),
)

_NESTED = (
    ".zip",
    ".tar",
    ".tgz",
    ".gz",
    ".bz2",
    ".tbz2",
    ".xz",
    ".txz",
    ".zst",
    ".7z",
    ".rar",
    ".jar",
    ".lz4",
)
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class ArchiveError(Exception):
    """The archive is refused; `str()` says why, for the person who brought it."""


class DamagedFileError(ArchiveError, OSError):
    """One file in it cannot be read; the others can."""


@dataclass(frozen=True)
class Limits:
    """What is accepted. A larger file than `max_file_bytes` is skipped, everything else refuses the archive.

    `max_ratio` is unpacked to packed size, of each file and of the whole, once more than `ratio_free_bytes`
    have come out.
    """

    max_entries: int = 200_000
    max_total_bytes: int = 50 * 1024 * MB
    max_file_bytes: int = 1024 * MB
    max_ratio: int = 200
    ratio_free_bytes: int = 16 * MB
    max_name_length: int = 1000

    @property
    def too_many(self) -> ArchiveError:
        return ArchiveError(f"The archive has more than the {self.max_entries} files allowed.")

    @property
    def too_big(self) -> ArchiveError:
        allowed = f"{self.max_total_bytes / MB:.0f} MB"
        return ArchiveError(f"The archive unpacks to more than the {allowed} allowed.")

    def check_ratio(self, unpacked: int, packed: int, name: str) -> None:
        """Raises ArchiveError for bytes that were packed too well to be images or labels."""
        if unpacked > self.ratio_free_bytes and unpacked > self.max_ratio * packed:
            raise ArchiveError(f"{name} unpacks to more than {self.max_ratio} times its size (a zip bomb?).")


@dataclass(frozen=True)
class Skipped:
    """A file in the archive that is not offered, and why."""

    name: str
    reason: str


class Archive:
    """Files by name. Kinds of archives find them (`add`) and open them (`open_raw`)."""

    def __init__(self, limits: Limits, packed_bytes: int | None = None):
        self.limits = limits
        self.skipped: list[Skipped] = []
        self._handles: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}
        self._claimed = 0
        self._packed_bytes = packed_bytes
        self._read: dict[str, int] = {}
        self._total_read = 0

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""

    def names(self) -> list[str]:
        """Every regular file, as a relative path with forward slashes, in the archive's order."""
        return list(self._handles)

    def size(self, name: str) -> int:
        """The bytes that the archive says the file has. Raises KeyError."""
        return self._sizes[name]

    def open(self, name: str) -> io.BufferedReader:
        """The file as a forward-only stream, closed by the caller or by `with`.

        It raises ArchiveError as soon as a limit is passed, and DamagedFileError (which is an OSError too)
        where the bytes are broken or there is no such file.
        """
        if name not in self._handles:
            raise DamagedFileError(f"there is no {shown(name)} in the archive")
        try:
            raw = self.open_raw(self._handles[name])
        except BROKEN as error:
            raise DamagedFileError(f"damaged in the archive ({error})") from error
        return io.BufferedReader(_CountedStream(raw, name, self), CHUNK)

    def open_raw(self, handle: Any) -> BinaryIO:
        raise NotImplementedError

    def packed_size(self, handle: Any) -> int | None:
        """The bytes the file takes in the archive, where it is compressed by itself."""
        return None

    def add(self, written_name: str, size: int, handle: Any) -> None:
        """Offer a file, unless there is a reason to skip it or to refuse the archive."""
        name = safe_name(written_name, self.limits)
        if len(self._handles) + len(self.skipped) >= self.limits.max_entries:
            raise self.limits.too_many
        if reason := self._reason_to_skip(name, size):
            self.skipped.append(Skipped(name, reason))
            return
        self._handles[name], self._sizes[name] = handle, size
        self._claimed += size
        if self._claimed > self.limits.max_total_bytes:
            raise self.limits.too_big

    def _reason_to_skip(self, name: str, size: int) -> str:
        if name.lower().endswith(_NESTED):
            return "an archive inside the archive is not opened"
        if name in self._handles:
            return "there are two files of this name; the first is taken"
        if size > self.limits.max_file_bytes:
            return f"it has {size / MB:.0f} MB; a file may have {self.limits.max_file_bytes / MB:.0f} MB"
        return ""

    def count(self, name: str, position: int) -> None:
        """A stream of `name` has come to `position`. A file that is read twice counts once."""
        before = self._read.get(name, 0)
        if position <= before:
            return
        self._read[name] = position
        self._total_read += position - before
        if position > self.limits.max_file_bytes:
            raise ArchiveError(f"{name} has more bytes than it says, and more than a file may have.")
        if self._total_read > self.limits.max_total_bytes:
            raise self.limits.too_big
        packed = self.packed_size(self._handles[name])
        if packed is not None:
            self.limits.check_ratio(position, packed, name)
        if self._packed_bytes is not None:
            self.limits.check_ratio(self._total_read, self._packed_bytes, "The archive")


class _CountedStream(io.RawIOBase):
    def __init__(self, raw: BinaryIO, name: str, archive: Archive):
        self._raw, self._name, self._archive = raw, name, archive
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._raw.read(min(len(buffer), CHUNK))
        except BROKEN as error:
            raise DamagedFileError(f"damaged in the archive ({error})") from error
        self._position += len(data)
        self._archive.count(self._name, self._position)
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._raw.close()
        super().close()


def safe_name(name: str, limits: Limits) -> str:
    """The name as a relative path with forward slashes; characters that no system shows become `_`.
    Raises ArchiveError for a name that leads out of the archive."""
    if len(name) > limits.max_name_length:
        raise ArchiveError(f"{shown(name)} has a name of more than {limits.max_name_length} characters.")
    parts = name.replace("\\", "/").split("/")
    if parts[0] == "" or re.match(r"[A-Za-z]:", parts[0]):
        raise ArchiveError(f"{shown(name)} is an absolute name; names must lie inside the archive.")
    if ".." in parts:
        raise ArchiveError(f"{shown(name)} leads out of the archive.")
    return _UNSAFE.sub("_", "/".join(part for part in parts if part not in ("", ".")))


def shown(name: str) -> str:
    """A name from outside, short and harmless enough for a message."""
    clean = _UNSAFE.sub("_", name)
    return clean if len(clean) <= 120 else f"{clean[:117]}…"
