"""Zip archives."""

from __future__ import annotations

import stat
import struct
import zipfile
from typing import BinaryIO

from .base import BROKEN, Archive, ArchiveError, Limits, safe_name, shown

_UTF8_NAME = 0x800
_ENCRYPTED = 0x1
_SMALLEST_ENTRY, _USUAL_ENTRY = 46, 400  # bytes in the central directory


class ZipArchive(Archive):
    def __init__(self, file: BinaryIO, limits: Limits, owned: bool):
        super().__init__(limits, packed_bytes=file.seek(0, 2))
        self._file, self._owned = file, owned
        try:
            _check_directory(file, limits)
            self._zip = zipfile.ZipFile(file)
        except BROKEN as error:
            raise ArchiveError(f"The zip archive is damaged: {error}") from error
        for info in self._zip.infolist():
            self._take(info)

    def close(self) -> None:
        self._zip.close()
        if self._owned:
            self._file.close()

    def open_raw(self, handle: zipfile.ZipInfo) -> BinaryIO:
        return self._zip.open(handle)

    def packed_size(self, handle: zipfile.ZipInfo) -> int:
        return min(handle.compress_size, self._packed_bytes)

    def _take(self, info: zipfile.ZipInfo) -> None:
        name = _name(info)
        kind = stat.S_IFMT(info.external_attr >> 16)  # 0 where the packer knows no Unix modes
        if name.endswith(("/", "\\")):
            safe_name(name, self.limits)
        elif kind not in (0, stat.S_IFREG):
            raise ArchiveError(f"{shown(name)} is a link or a device, not a file.")
        elif info.flag_bits & _ENCRYPTED:
            raise ArchiveError(f"{shown(name)} is encrypted. Pack the archive without a password.")
        elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ArchiveError(f"{shown(name)} is packed by an unusual method; use the usual one, Deflate.")
        else:
            self.add(name, info.file_size, info)


def _name(info: zipfile.ZipInfo) -> str:
    """Many packers write UTF-8 without saying so; zipfile then takes it for the DOS code page."""
    if info.flag_bits & _UTF8_NAME:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename


def _check_directory(file: BinaryIO, limits: Limits) -> None:
    """Refuse a directory that is far too long before zipfile makes an object of every entry."""
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))  # the end record, and the longest comment after it
    tail = file.read()
    at = len(tail) - 22 if tail[-22:-18] == b"PK\x05\x06" else tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        raise ArchiveError("The zip archive is damaged: its end is missing (was the upload cut off?).")
    (length,) = struct.unpack_from("<L", tail, at + 12)
    if at >= 76 and tail[at - 20 : at - 16] == b"PK\x06\x07" and tail[at - 76 : at - 72] == b"PK\x06\x06":
        (length,) = struct.unpack_from("<Q", tail, at - 76 + 40)
    allowed = limits.max_entries * _USUAL_ENTRY + 65_536
    if length > allowed and length // _SMALLEST_ENTRY > limits.max_entries:
        raise limits.too_many
