"""The parts of a dataset.ndjson: its header, its lines, and what only it carries of an image."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .base import SOURCES, Code, FormatError, Problems, Source
from .text import clean_name, number, shown

FORMAT_NAME = "yolotrainer"
VERSION = 1
TASKS = ("detect", "segment")
MAX_LINE = 64 * 1024 * 1024  # an image with a long history
MAX_CLASSES = 10_000
MAX_POINTS = 10_000
_IN_MEMORY = 4 * 1024 * 1024  # of all lines, before they go to a temporary file

_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_BOX = ("x_center", "y_center", "width", "height")

Tell = Callable[[str, Code], None]


@dataclass(frozen=True, slots=True)
class Header:
    task: str
    class_names: tuple[str, ...]
    keys: tuple[int, ...]
    colors: tuple[str, ...]


def is_header(source: Source, name: str) -> bool:
    """Whether the file's first line says that it is this format."""
    try:
        return _first_line(source, name).get("format") == FORMAT_NAME
    except FormatError:
        return False


def read_header(source: Source, name: str) -> Header:
    """Raises FormatError."""
    content = _first_line(source, name)
    version = content.get("version")
    if type(version) is not int or not 1 <= version <= VERSION:
        raise FormatError(name, 1, f"is of version {shown(version)}; known are the versions up to {VERSION}")
    classes = content.get("classes")
    if not isinstance(classes, list) or len(classes) > MAX_CLASSES:
        raise FormatError(name, 1, f"classes must be a list of at most {MAX_CLASSES}")
    names, keys, colors = [], [], []
    for place, value in enumerate(classes):
        value = value if isinstance(value, dict) else {}
        names.append(clean_name(value.get("name")))
        keys.append(value.get("key", place))
        color = value.get("color")
        colors.append(color if isinstance(color, str) and _COLOR.fullmatch(color) else "")
        if not names[-1] or type(keys[-1]) is not int or not 0 <= keys[-1] < 2**31 - 1:
            raise FormatError(name, 1, f"class {place} needs a name and a key that is a whole number from 0")
    if len(set(names)) < len(names) or len(set(keys)) < len(keys):
        raise FormatError(name, 1, "two classes have the same name or the same key")
    task = content.get("task") if content.get("task") in TASKS else ""
    return Header(task, tuple(names), tuple(keys), tuple(colors))


def _first_line(source: Source, name: str) -> dict[str, Any]:
    try:
        with source.open(name) as stream:
            line = stream.readline(MAX_LINE)
    except OSError as error:
        raise FormatError(name, None, f"cannot be read: {error}") from error
    return parse_line(line, name, 1)


def parse_line(line: bytes, name: str, at: int) -> dict[str, Any]:
    """The object that the line is. Raises FormatError."""
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except RecursionError as error:
        raise FormatError(name, at, "is nested too deeply") from error
    except ValueError as error:  # no UTF-8, no JSON, or a number of thousands of digits
        raise FormatError(name, at, f"is not valid JSON ({shown(str(error))})") from error
    if not isinstance(value, dict):
        raise FormatError(name, at, "is no JSON object")
    return value


class Lines:
    """The image lines of the file, found again by their number: images come in another order than lines."""

    def __init__(self, source: Source, name: str, problems: Problems):
        self.name = name
        self._kept = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._places: dict[int, tuple[int, int]] = {}
        self._files: list[tuple[int, str]] = []
        try:
            with source.open(name) as stream:
                self._take_all(stream, problems)
        except OSError as error:
            raise FormatError(name, None, f"cannot be read: {error}") from error

    def files(self) -> list[tuple[int, str]]:
        """(line number from 1, image file) of every usable line."""
        return self._files

    def row(self, line: int) -> dict[str, Any]:
        start, length = self._places[line]
        self._kept.seek(start)
        return parse_line(self._kept.read(length), self.name, line)

    def _take_all(self, stream, problems: Problems) -> None:
        for line_number, line in _numbered(stream, self.name):
            if line_number == 1 or not line.strip():
                continue
            try:
                file = parse_line(line, self.name, line_number).get("file")
            except FormatError as error:
                problems.add_error(error)
                continue
            if not isinstance(file, str) or not file.strip():
                problems.add(self.name, line_number, "names no file", Code.BAD_VALUE)
                continue
            self._files.append((line_number, file))
            self._places[line_number] = (self._kept.tell(), len(line))
            self._kept.write(line)


def _numbered(stream, name: str) -> Iterator[tuple[int, bytes]]:
    line_number = 0
    while line := stream.readline(MAX_LINE + 1):
        line_number += 1
        if len(line) > MAX_LINE:
            raise FormatError(name, line_number, f"is longer than the {MAX_LINE // 2**20} MB a line may have")
        yield line_number, line


def read_extra(row: dict[str, Any], num_classes: int, tell: Tell) -> dict[str, Any] | None:
    """What the row has of ImageLabels.extra, checked; what is wrong with it is told."""
    extra: dict[str, Any] = {}
    for key in ("group", "state", "source"):
        if key not in row:
            continue
        if isinstance(row[key], str):
            extra[key] = clean_name(row[key])
        elif row[key] is not None:
            tell(f"{key} is no text but {shown(row[key])}; left out", Code.SIMPLIFIED)
    if "tags" in row:
        tags = row["tags"] if isinstance(row["tags"], list) else []
        extra["tags"] = list(dict.fromkeys(filter(None, map(clean_name, tags))))
        if row["tags"] != extra["tags"]:
            tell(f"of its tags only {shown(extra['tags'])} are usable", Code.SIMPLIFIED)
    if "revisions" in row:
        revisions = row["revisions"] if isinstance(row["revisions"], list) else []
        extra["revisions"] = [read for value in revisions if (read := _revision(value, num_classes, tell))]
    return extra or None


def _revision(value: Any, num_classes: int, tell: Tell) -> dict[str, Any] | None:
    value = value if isinstance(value, dict) else {}
    rows, count = value.get("annotations"), value.get("number")
    if type(count) is not int or not 0 <= count < 2**31 or not isinstance(rows, list):
        tell("a revision without a number or without annotations is left out", Code.SIMPLIFIED)
        return None
    usable = [read for row in rows if (read := _revision_row(row, num_classes))]
    if len(usable) < len(rows):
        tell(f"revision {count}: {len(rows) - len(usable)} labels are not usable and are left out", Code.SIMPLIFIED)
    texts = {key: clean_name(value.get(key) or "") for key in ("author", "time", "kind")}
    return {"number": count, **texts, "annotations": usable}


def _revision_row(value: Any, num_classes: int) -> dict[str, Any] | None:
    value = value if isinstance(value, dict) else {}
    class_index, source = value.get("class_index"), value.get("source")
    sides = {side: number(value.get(side)) for side in _BOX}
    if type(class_index) is not int or not 0 <= class_index < num_classes or None in sides.values():
        return None
    return {
        "class_index": class_index,
        **sides,
        "points": read_points(value.get("points")),
        "confidence": number(value.get("confidence")),
        "source": source if source in SOURCES else "",
    }


def read_points(value: Any) -> list[list[float]] | None:
    """[[x, y], …], or None where it is no polygon."""
    if not isinstance(value, list) or not 3 <= len(value) <= MAX_POINTS:
        return None
    if not all(isinstance(point, list) and len(point) == 2 for point in value):
        return None
    points = [list(map(number, point)) for point in value]
    return None if any(None in point for point in points) else points
