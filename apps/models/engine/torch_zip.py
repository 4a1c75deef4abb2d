"""The container of a `.pt`: read strictly, as PyTorch's own writer lays it out and in no other way.

Readers of zip files differ in what they make of a strange one: which of two directories counts, which of two members of
one name. So there must be nothing to differ about: members lie one after another from the first byte on, uncompressed,
each name once, each local header as the directory says, the directory after them, and after its end nothing.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from .refusals import Refused

MOST_MEMBERS = 50_000
MOST_PICKLE = 64 * 2**20  # bytes; that of the largest checkpoint, with its optimizer, has about one million
CHUNK = 2**20
END, END64, LOCATOR, ENTRY, LOCAL, DESCRIPTOR = (b"PK" + code for code in (
    b"\x05\x06", b"\x06\x06", b"\x06\x07", b"\x01\x02", b"\x03\x04", b"\x07\x08",
))  # fmt: skip
HAS_DESCRIPTOR, UTF8 = 0x8, 0x800
MEMBERS = re.compile(r"data\.pkl|byteorder|version|\.format_version|\.storage_alignment|\.data/serialization_id")
STORAGE = re.compile(r"data/(0|[1-9][0-9]{0,8})")


class Member(NamedTuple):
    name: str
    flags: int
    crc: int
    size: int
    offset: int


class Checkpoint(NamedTuple):
    """What is in the file: the bytes of its one pickle, and of each storage how many bytes it has."""

    pickle: bytes
    storages: dict[str, int]


def read_checkpoint(path: str | Path) -> Checkpoint:
    """The pickle and the storages of a `.pt`, every checksum held against its bytes. Raises Refused."""
    with Path(path).open("rb") as file:
        start = file.read(8)
        size = file.seek(0, 2)
        if not start.startswith(LOCAL):
            raise _of_another_form(start)
        members, place = _directory(file, size)
        data = {}
        at = 0
        for member in members:
            at = _member(file, member, at, place, data)
        if at != place:
            raise Refused("Between the last member and the directory of this zip there are bytes that belong to none.")
    return _as_checkpoint(members, data)


def _of_another_form(start: bytes) -> Refused:
    if start.startswith(b"\x80") or start[:1] in (b"c", b"(", b"}", b"]", b"I"):
        return Refused(
            "This is a bare pickle, the form that PyTorch wrote before 1.6. It is not read here. Load it where it was "
            "made and store it again with torch.save."
        )
    if start.startswith(b"PK"):
        return Refused("This zip does not begin with its first member.")
    return Refused("This is no .pt: a checkpoint is a zip, as torch.save writes it, and this file does not begin so.")


def _directory(file: BinaryIO, size: int) -> tuple[list[Member], int]:
    """The members in the order of the directory, and where that starts."""
    tail = _at(file, max(size - 98, 0), min(size, 98))
    if tail[-22:-18] != END:
        raise Refused("This zip does not end with its directory: it is cut off, or something follows.")
    disk, first, here, count, length, place, comment = struct.unpack("<4H2LH", tail[-18:])
    if disk or first or here != count or comment or not 0 < count <= MOST_MEMBERS:
        raise Refused("The end of this zip's directory says what PyTorch never writes.")
    ends = place + length
    if ends == size - 98:
        _check_end64(tail[:76], count, length, place, ends)
    elif ends != size - 22:
        raise Refused("The directory of this zip does not lie where its end says.")
    text, members, at = _at(file, place, length), [], 0
    while at < length:
        member, at = _entry(text, at)
        members.append(member)
    if at != length or len(members) != count:
        raise Refused("The directory of this zip has another number of members than its end says.")
    if len({member.name for member in members}) != len(members):
        raise Refused("A name occurs twice in this zip.")
    return members, place


def _check_end64(tail: bytes, count: int, length: int, place: int, ends: int) -> None:
    """PyTorch writes the large form of the end too, always; it must say the same."""
    end, size, _, _, disk, first, here, total, long, start = struct.unpack("<4sQ2H2L4Q", tail[:56])
    locator, locator_disk, at, disks = struct.unpack("<4sLQL", tail[56:])
    same = (here, total, long, start, at) == (count, count, length, place, ends)
    if (end, size, locator, disk, first, locator_disk, disks) != (END64, 44, LOCATOR, 0, 0, 0, 1) or not same:
        raise Refused("The two ends of this zip's directory do not say the same.")


def _entry(text: bytes, at: int) -> tuple[Member, int]:
    fixed = text[at : at + 46]
    if len(fixed) < 46 or not fixed.startswith(ENTRY):
        raise Refused("The directory of this zip is damaged.")
    _, _, flags, method, _, _, crc, packed, size, names, extra, comment, disk, _, _, offset = struct.unpack(
        "<6H3L5H2L", fixed[4:]
    )
    raw = text[at + 46 : at + 46 + names]
    name = _readable(raw)
    if method:
        raise Refused(f"“{name}” is compressed, which PyTorch never does: a small file could become a huge one.", name)
    if flags & ~(HAS_DESCRIPTOR | UTF8) or packed != size or extra or comment or disk:
        raise Refused(f"“{name}” is described in this zip as PyTorch never does.", name)
    return Member(name, flags, crc, size, offset), at + 46 + names


def _member(file: BinaryIO, member: Member, at: int, most: int, data: dict[str, bytes]) -> int:
    """Check that the member lies at `at`, its bytes against its checksum; keep small ones. Returns where it ends."""
    if member.offset != at:
        raise Refused(f"“{member.name}” does not lie where the member before it ends.", member.name)
    fixed = _at(file, at, 30)
    if not fixed.startswith(LOCAL):
        raise Refused(f"“{member.name}” has no header where the directory says.", member.name)
    _, flags, method, _, _, crc, packed, size, names, extra = struct.unpack("<5H3L2H", fixed[4:])
    name = _readable(_at(file, at + 30, names))
    told = (0, 0, 0) if flags & HAS_DESCRIPTOR else (member.crc, member.size, member.size)
    if (name, flags, method) != (member.name, member.flags, 0) or (crc, packed, size) not in (
        told, (member.crc, member.size, member.size),
    ):  # fmt: skip
        raise Refused(f"“{member.name}” has a header that says something else than the directory.", member.name)
    _check_padding(_at(file, at + 30 + names, extra), member.name)
    at += 30 + names + extra
    if at + member.size > most:
        raise Refused(f"“{member.name}” is longer than the file.", member.name)
    _check_bytes(file, member, at, data)
    at += member.size
    if flags & HAS_DESCRIPTOR:
        if _at(file, at, 16) != DESCRIPTOR + struct.pack("<3L", member.crc, member.size, member.size):
            raise Refused(f"“{member.name}” ends with something else than the directory says.", member.name)
        at += 16
    return at


def _check_padding(extra: bytes, name: str) -> None:
    """PyTorch pads headers with a field of its own, so that storages begin at multiples of 64."""
    if extra and (len(extra) < 4 or extra[:2] != b"FB" or struct.unpack("<H", extra[2:4])[0] != len(extra) - 4):
        raise Refused(f"“{name}” has a header field that PyTorch does not write.", name)


def _check_bytes(file: BinaryIO, member: Member, at: int, data: dict[str, bytes]) -> None:
    local = member.name.partition("/")[2]
    keep = bool(MEMBERS.fullmatch(local))
    if keep and member.size > MOST_PICKLE:
        raise Refused(f"“{member.name}” is larger than {MOST_PICKLE // 2**20} MB.", member.name)
    file.seek(at)
    crc, left, kept = 0, member.size, []
    while left:
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            raise Refused(f"“{member.name}” is cut off.", member.name)
        crc, left = zlib.crc32(chunk, crc), left - len(chunk)
        if keep:
            kept.append(chunk)
    if crc != member.crc:
        raise Refused(f"The bytes of “{member.name}” do not have the checksum that the zip tells.", member.name)
    if keep:
        data[local] = b"".join(kept)


def _as_checkpoint(members: list[Member], data: dict[str, bytes]) -> Checkpoint:
    storages = {}
    root = members[0].name.partition("/")[0]
    for member in members:
        folder, _, local = member.name.partition("/")
        storage = STORAGE.fullmatch(local)
        if folder != root or not root or not (storage or MEMBERS.fullmatch(local)):
            raise Refused(f"“{member.name}” does not belong into a checkpoint.", member.name)
        if storage:
            storages[storage[1]] = member.size
    if "data.pkl" not in data:
        raise Refused("There is no data.pkl in this zip: it is no checkpoint of PyTorch.")
    if data.get("byteorder", b"little") != b"little":
        raise Refused("These weights were stored on a machine of another byte order.")
    if not data.get("version", b"3").strip().isdigit():
        raise Refused("The version of this checkpoint's form is no number.")
    return Checkpoint(data["data.pkl"], storages)


def _readable(raw: bytes) -> str:
    """A member's name: plain characters only, so that every reader reads the same."""
    try:
        name = raw.decode("ascii")
    except UnicodeDecodeError:
        name = ""
    parts = name.split("/")
    if not name.isprintable() or "\\" in name or any(part in ("", ".", "..") for part in parts):
        raise Refused("A member of this zip has a name that PyTorch would not give.", repr(raw)[:80])
    return name


def _at(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length)
