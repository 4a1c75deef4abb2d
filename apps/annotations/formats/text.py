"""Reading small text files of unknown origin: bounded, decoded, and parsed without trust.

Every function here raises FormatError, and nothing else, for what a file may contain.
"""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from xml.parsers import expat

import yaml

from .base import FormatError, Source

MAX_LABEL_BYTES = 8 * 1024 * 1024  # one image's labels, or one list of names
MAX_YAML_BYTES = 256 * 1024  # PyYAML reads about 100 KB a second

_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,200}encoding\s*=\s*[\"']([\w.-]{1,40})[\"']")
_MAX_YAML_DEPTH = 50
_BRACKET = re.compile(r"[\[\]{}]")
_NAN = math.nan
_NUMERIC = frozenset((int, float, str))
_UTF8, _UTF16 = "utf-8-sig", "utf-16"
_XML_HEAD = 64 * 1024
# Python knows codecs that are slow or odd (punycode, utf-7): only those that label tools write.
_KNOWN_ENCODINGS = re.compile(
    r"(us-)?ascii|iso-8859-\d+|latin-?1|(windows-|cp)125\d|gb\w+|big5|shift[_-]jis|euc-(jp|kr)", re.IGNORECASE
)
# C0 and C1 controls and lone surrogates: neither PostgreSQL nor XML can store them. Nobody sees a U+FEFF.
_UNSTORABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]+")


def read_bytes(source: Source, name: str, limit: int) -> bytes:
    """The whole file, at most `limit` bytes."""
    try:
        with source.open(name) as stream:
            data = stream.read(limit + 1)
    except OSError as error:
        raise FormatError(name, None, f"cannot be read: {error}") from error
    if len(data) > limit:
        raise FormatError(name, None, f"is larger than the {limit // 1024} KB such a file may have")
    return data


def read_text(source: Source, name: str, limit: int = MAX_LABEL_BYTES) -> str:
    """The file as text: UTF-8 with or without a byte-order mark, or UTF-16 with one."""
    return decode(read_bytes(source, name, limit), name)


def decode(data: bytes, name: str) -> str:
    try:
        return data.decode(unicode_encoding(data))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FormatError(name, line, "is not text in UTF-8") from error


def read_lines(source: Source, name: str) -> list[tuple[int, str]]:
    """(line number from 1, text) of every line that is not blank."""
    lines = read_text(source, name).splitlines()
    return [(number, text) for number, line in enumerate(lines, start=1) if (text := line.strip())]


def read_xml(source: Source, name: str) -> ET.Element:
    """The root element. A document type or entity declaration is refused: label files need none, and
    entities are how a small file becomes a large one or reads another file."""
    text = xml_text(read_bytes(source, name, MAX_LABEL_BYTES), name)
    for mark in ("<!DOCTYPE", "<!ENTITY"):
        if mark in text:
            line = text.count("\n", 0, text.index(mark)) + 1
            raise FormatError(name, line, f"contains a {mark} declaration, which is not accepted")
    try:
        # Given text, expat ignores the declared encoding: what was checked is what is parsed.
        return ET.fromstring(text)  # noqa: S314  # nosec B314
    except ET.ParseError as error:
        raise FormatError(name, error.position[0], f"is not valid XML ({error})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(name, None, f"is not valid XML ({error})") from error


def xml_text(data: bytes, name: str) -> str:
    """XML as text, by its byte-order mark or its declaration."""
    encoding = xml_encoding(data)
    if encoding in (_UTF8, _UTF16):
        return decode(data, name)
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        raise FormatError(name, None, f"is not text in {encoding}") from error


def xml_encoding(head: bytes) -> str:
    """Of XML that starts with `head`, by its declaration where it names one that label tools write."""
    declared = _XML_ENCODING.match(head)
    encoding = declared[1].decode("ascii") if declared else ""
    return encoding if _KNOWN_ENCODINGS.fullmatch(encoding) else unicode_encoding(head)


def unicode_encoding(head: bytes) -> str:
    """UTF-8 with or without a byte-order mark, or UTF-16 with one."""
    return _UTF16 if head[:2] in (b"\xff\xfe", b"\xfe\xff") else _UTF8


def xml_outline(source: Source, name: str) -> tuple[str, set[str]]:
    """The root element's name and those of its children, as far as the file's first bytes show; ("", set())
    for what is no XML. Cheap, whatever the file's size."""
    tags: list[tuple[int, str]] = []
    depth = 0
    parser = expat.ParserCreate()

    def start(element: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        if depth < 2:
            tags.append((depth, element))
        depth += 1

    def end(_element: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    # What was seen before it broke is what it looks like; reading it says what is wrong.
    with suppress(OSError, expat.ExpatError, ValueError, LookupError), source.open(name) as stream:
        head = stream.read(_XML_HEAD)
        parser.Parse(head.decode(xml_encoding(head), "replace"), False)
    return tags[0][1] if tags else "", {tag for level, tag in tags if level == 1}


def child_lines(source: Source, name: str, tag: str) -> list[int]:
    """The line of each direct child `tag` of the root: slow, and only asked for when something is wrong."""
    lines: list[int] = []
    depth = 0
    parser = expat.ParserCreate()

    def start(element: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth == 2 and element == tag:
            lines.append(parser.CurrentLineNumber)

    def end(_element: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(xml_text(read_bytes(source, name, MAX_LABEL_BYTES), name), True)
    return lines


def read_yaml(source: Source, name: str) -> dict[str, Any]:
    """The file's mapping, every scalar as the text that was written.

    BaseLoader builds nothing but str, list and dict, and leaves a class called `no` or `1.0` its name
    (safe_load would make it False or a number).
    """
    text = read_text(source, name, MAX_YAML_BYTES)
    if _is_nested_too_deeply(text):
        raise FormatError(name, None, f"is nested deeper than the {_MAX_YAML_DEPTH} levels such a file may have")
    try:
        content = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506  # nosec B506
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "unreadable"
        raise FormatError(name, mark.line + 1 if mark else None, f"is not valid YAML ({what})") from error
    except (ValueError, RecursionError) as error:
        raise FormatError(name, None, f"is not valid YAML ({error})") from error
    if not isinstance(content, dict):
        raise FormatError(name, None, "is YAML, but not a mapping of keys to values")
    return content


def _is_nested_too_deeply(text: str) -> bool:
    """By brackets alone: for each that is open, PyYAML looks at all others for every token."""
    depth = 0
    for bracket in _BRACKET.findall(text):
        depth += 1 if bracket in "[{" else -1
        if depth > _MAX_YAML_DEPTH:
            return True
    return False


def number(value: object) -> float | None:
    """A finite number from what JSON, XML or YAML gave, or None."""
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, (int, float, str))):
        return None
    try:
        result = float(value)
    except (ValueError, OverflowError):
        return None
    return result if math.isfinite(result) else None


def numbers(values: Iterable[object]) -> list[float] | None:
    """All of them as finite numbers, or None."""
    values = list(values)
    try:
        found = list(map(float, values)) if _NUMERIC.issuperset(map(type, values)) else [_NAN]
    except (ValueError, OverflowError):
        return None
    return found if all(map(math.isfinite, found)) else None


def pixels(value: object) -> int | None:
    """A positive whole number of pixels, or None."""
    size = number(value)
    return int(size) if size is not None and 1 <= size < 1_000_000 else None


def clean_line(text: str) -> str:
    """The text with its spaces as they are, but nothing in it that cannot be stored."""
    return _UNSTORABLE.sub("_", text)


def clean_name(value: object) -> str:
    """A class name that can be stored and shown: one line, no control characters, trimmed; may be empty."""
    if type(value) is str and len(value) < 100:
        return _cleaned(value)
    return " ".join(_UNSTORABLE.sub(" ", str(value)).split()) if isinstance(value, (str, int, float)) else ""


@lru_cache(maxsize=4096)
def _cleaned(text: str) -> str:
    """The same for the few short names that come again and again."""
    return " ".join(_UNSTORABLE.sub(" ", text).split())


def shown(value: object) -> str:
    """Something a file contained, short enough and safe to quote in a reason."""
    text = _UNSTORABLE.sub(" ", value if isinstance(value, str) else repr(value))
    return text if len(text) <= 60 else f"{text[:57]}…"
