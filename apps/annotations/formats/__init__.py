"""Label formats: pure converters between files and dataclasses.

    detection = detect_format(source)
    reading = read(source, detection.format)      # or read(source), which detects
    for image in reading.images: ...
    reading.problems

A further format is one more module with a FORMAT, and one more line in FORMATS.
"""

from __future__ import annotations

from . import coco, cvat, labelme, labelstudio, ndjson, voc, yolo
from .base import (
    SOURCES,
    SPLITS,
    Box,
    Code,
    Entry,
    Format,
    FormatError,
    ImageLabels,
    Problem,
    Problems,
    Reading,
    Recognition,
    Source,
    UnknownFormatError,
)
from .layout import content_names, image_names
from .text import clean_name

__all__ = [
    "FORMATS",
    "SOURCES",
    "SPLITS",
    "Box",
    "Code",
    "Entry",
    "Format",
    "FormatError",
    "ImageLabels",
    "Problem",
    "Problems",
    "Reading",
    "Recognition",
    "Source",
    "UnknownFormatError",
    "clean_name",
    "detect_format",
    "image_names",
    "read",
]

FORMATS: dict[str, Format] = {
    module.FORMAT.key: module.FORMAT for module in (yolo, coco, voc, cvat, labelstudio, labelme, ndjson)
}


def detect_format(source: Source) -> Recognition:
    """The format that is surest that the source is its own; the order of FORMATS decides between equals.
    Raises UnknownFormatError, which says in words what was looked for."""
    recognitions = [format.recognise(source) for format in FORMATS.values()]
    best = max(recognitions, key=lambda recognition: recognition.score)
    if best.score > 0:
        return best
    names = content_names(source)
    has = f"The {len(names)} files ({len(image_names(names))} images)" if names else "It is empty and"
    looked_for = "; ".join(format.looks_for for format in FORMATS.values())
    reason = f"no known label format was found. {has} hold none of what was looked for: {looked_for}."
    raise UnknownFormatError("", None, reason)


def read(source: Source, format: str = "auto") -> Reading:
    """The data set in `source`, read as `format` (a key of FORMATS) or as what it is recognised to be.
    Raises FormatError; while `images` is iterated, nothing but the source's own errors."""
    key = detect_format(source).format if format == "auto" else format
    if key not in FORMATS:
        raise FormatError("", None, f"the format {key} is not known; there are {', '.join(FORMATS)}")
    return FORMATS[key].read(source)
