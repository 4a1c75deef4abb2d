"""The platform's own format, without loss: `dataset.ndjson`, and the images in `images/`.

The first line is the header, every further line is an image:

    {"format": "yolotrainer", "version": 1, "task": "detect",
     "classes": [{"key": 0, "name": "RBC", "color": "#e6194b"}, …]}
    {"file": "images/a.jpg", "filename": "a.jpg", "width": 640, "height": 480, "split": "train",
     "labelled": true, "boxes": [{"class_index": 0, "x_center": 0.5, "y_center": 0.5, "width": 0.25,
     "height": 0.25, "points": null, "confidence": null, "source": "manual"}, …],
     "state": "…", "group": "…", "source": "…", "tags": […], "revisions": [{"number": 1, "author": "…",
     "time": "…", "kind": "edit", "annotations": [boxes as above]}, …]}

`class_index` is a place in `classes`, whose `key` is the class's permanent number. Coordinates are fractions
of the image, written and read to the last bit of a double; `points` are [[x, y], …]. The last line's parts
are there where they are known.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename
from typing import Any

from .base import SOURCES, Box, Code, Format, FormatError, ImageLabels, Problems, Reading, Recognition, Source
from .boxes import corners_of, enclosing, fit_box
from .layout import ImageIndex, content_names, image_names, split_of, split_word, with_extension
from .ndjson_file import FORMAT_NAME, Header, Lines, is_header, read_extra, read_header, read_points
from .ndjson_write import write_ndjson
from .text import clean_line, number, numbers, pixels, shown

_EXACT = 1e-12  # of the image: what floating point is off by


def recognise(source: Source) -> Recognition:
    """By a line file whose first line is the header."""
    for name in with_extension(content_names(source), ".ndjson"):
        if is_header(source, name):
            return Recognition("ndjson", 1.0, f"{name} starts with this platform's header")
    return Recognition("ndjson", 0.0, "no .ndjson file that starts with this platform's header")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where the header cannot be used."""
    problems = Problems()
    names = content_names(source)
    images = image_names(names)
    files = [name for name in with_extension(names, ".ndjson") if is_header(source, name)]
    if not files:
        raise FormatError("", None, "there is no .ndjson file that starts with this platform's header")
    for name in files[1:]:
        problems.add(name, None, f"a second data set; {files[0]} is read", Code.NOTE)
    header = read_header(source, files[0])
    lines = Lines(source, files[0], problems)
    placed = _place(lines, ImageIndex(images), problems)
    return Reading(
        "ndjson",
        header.class_names,
        len(images),
        _read_images(images, lines, placed, header, problems),
        problems,
        category_ids=tuple(key + 1 for key in header.keys),
        task=header.task,
        colors=header.colors,
    )


def _place(lines: Lines, index: ImageIndex, problems: Problems) -> dict[str, int]:
    """image → the number of its line."""
    placed: dict[str, int] = {}
    for line, file in lines.files():
        found = index.find(file)
        if len(found) != 1:
            what = "is not in the archive" if not found else f"can be {found[0]} or {found[1]}"
            code = Code.IMAGE_MISSING if not found else Code.IMAGE_AMBIGUOUS
            problems.add(lines.name, line, f"the image {shown(file)} {what}; its labels are left out", code)
        elif placed.setdefault(found[0], line) != line:
            reason = f"{shown(file)} stands on line {placed[found[0]]} already; this line is left out"
            problems.add(lines.name, line, reason, Code.DUPLICATE)
    return placed


def _read_images(
    images: list[str], lines: Lines, placed: dict[str, int], header: Header, problems: Problems
) -> Iterator[ImageLabels]:
    for path in images:
        if path in placed:
            yield _image(path, placed[path], lines, header, problems)
        else:
            yield ImageLabels(basename(path), labelled=False, split=split_of(path), path=path)


def _image(path: str, line: int, lines: Lines, header: Header, problems: Problems) -> ImageLabels:
    row = lines.row(line)
    filename = row.get("filename")
    boxes = row.get("boxes")
    found = ImageLabels(
        clean_line(filename) if isinstance(filename, str) and filename.strip() else basename(path),
        labelled=row.get("labelled") is True,
        split=split_word(str(row.get("split", ""))),
        width=pixels(row.get("width")),
        height=pixels(row.get("height")),
        path=path,
    )

    def tell(reason: str, code: Code) -> None:
        problems.add(lines.name, line, reason, code)

    if isinstance(boxes, list):
        found.boxes = [box for place, value in enumerate(boxes, 1) if (box := _box(value, place, header, tell))]
    elif boxes is not None:
        tell(f"boxes is no list but {shown(boxes)}", Code.BAD_VALUE)
    found.extra = read_extra(row, len(header.class_names), tell)
    return found


def _box(value: Any, place: int, header: Header, tell) -> Box | None:
    if not isinstance(value, dict):
        tell(f"box {place} is no object: {shown(value)}", Code.BAD_VALUE)
        return None
    class_index = value.get("class_index")
    if type(class_index) is not int or not 0 <= class_index < len(header.class_names):
        known = len(header.class_names)
        tell(f"box {place}: class {shown(class_index)} is unknown: there are {known}, from 0", Code.UNKNOWN_CLASS)
        return None
    sides = numbers(map(value.get, ("x_center", "y_center", "width", "height")))
    if sides is None:
        tell(f"box {place} has no x_center, y_center, width and height that are finite numbers", Code.BAD_VALUE)
        return None
    points = read_points(value.get("points"))
    if points is None and value.get("points") is not None:
        tell(f"box {place}: points are no polygon and are left out, the box is kept", Code.SIMPLIFIED)
    confidence = number(value.get("confidence"))
    if confidence is not None and not 0 <= confidence <= 1:
        tell(f"box {place}: the confidence {confidence:g} is not between 0 and 1 and is left out", Code.SIMPLIFIED)
        confidence = None
    source = value.get("source") if value.get("source") in SOURCES else ""
    points = tuple(part for point in points for part in point) if points else None
    exact = Box(class_index, *sides, points, confidence, source)
    if _fits(exact):
        return exact
    box, fault = fit_box(class_index, corners_of(exact), points=points, confidence=confidence, source=source)
    if fault:
        tell(f"box {place}: {fault.reason}", fault.code)
    return box


def _fits(box: Box) -> bool:
    """Whether the box can stay as it is to the last bit."""
    x1, y1, x2, y2 = corners_of(box)
    around = enclosing(box.points) if box.points else (0, 0, 1, 1)
    inside = min(x1, y1, *around) >= -_EXACT and max(x2, y2, *around) <= 1 + _EXACT
    return inside and box.width > 0 and box.height > 0


FORMAT = Format(
    key="ndjson",
    title="YOLO Trainer (lossless)",
    looks_for=f"this platform's own (a .ndjson file whose first line has the format {FORMAT_NAME})",
    recognise=recognise,
    read=read,
    write=write_ndjson,
)
