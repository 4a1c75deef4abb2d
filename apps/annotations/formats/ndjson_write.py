"""An export in the platform's own format: everything that it knows, and the images in `images/`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import Box, Entry, FormatError, ImageLabels
from .layout import ExportNames
from .ndjson_file import FORMAT_NAME, VERSION
from .spool import Spool

_EXTRA = ("state", "group", "source", "tags", "revisions")


def write_ndjson(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, dataset.ndjson last. A class's key is its category id - 1."""
    names = ExportNames()
    with Spool() as lines:
        lines.write(_line(header(class_names, task, category_ids, class_colors)))
        for image in images:
            file = f"images/{names.name_for(image, 'images')}"
            yield Entry(file, image=image)
            lines.write(_line(image_row(image, file)))
        yield Entry("dataset.ndjson", data=lines.pieces())


def header(
    class_names: Sequence[str],
    task: str,
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Raises FormatError where two classes share an id."""
    ids = range(1, len(class_names) + 1) if category_ids is None else category_ids
    if len(ids) != len(class_names) or len(set(ids)) < len(ids):
        raise FormatError("", None, "each class needs a category id of its own")
    colors = class_colors or [""] * len(class_names)
    classes = [
        {"key": number - 1, "name": name, "color": color}
        for number, name, color in zip(ids, class_names, colors, strict=True)
    ]
    return {"format": FORMAT_NAME, "version": VERSION, "task": task, "classes": classes}


def image_row(image: ImageLabels, file: str) -> dict[str, Any]:
    extra = image.extra or {}
    return {
        "file": file,
        "filename": image.filename,
        "width": image.width,
        "height": image.height,
        "split": image.split,
        "labelled": image.labelled,
        "boxes": [box_row(box) for box in image.boxes],
        **{key: extra[key] for key in _EXTRA if key in extra},
    }


def box_row(box: Box) -> dict[str, Any]:
    points = box.points
    return {
        "class_index": box.class_index,
        "x_center": box.x_center,
        "y_center": box.y_center,
        "width": box.width,
        "height": box.height,
        "points": list(zip(points[::2], points[1::2], strict=True)) if points else None,
        "confidence": box.confidence,
        "source": box.source,
    }


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")) + "\n"
