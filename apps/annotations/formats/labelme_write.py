"""A LabelMe export: `<split>/<name>` with `<split>/<stem>.json` beside it, and a classes.txt for the order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import Box, Entry, FormatError, ImageLabels
from .boxes import corners_of
from .layout import ExportNames, split_folder, stem


def write_labelme(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, classes.txt last.

    A box with a polygon is written as the polygon, whatever `task` says. Confidences are left out: LabelMe
    has none. Images that are not labelled have no JSON. Each labelled image's width and height must be known
    (FormatError).
    """
    names = ExportNames()
    for image in images:
        folder = split_folder(image)
        name = names.name_for(image, folder)
        yield Entry(f"{folder}/{name}", image=image)
        if image.labelled:
            text = json.dumps(image_json(class_names, image, name), ensure_ascii=False)
            yield Entry(f"{folder}/{stem(name)}.json", data=(text.encode(),))
    yield Entry("classes.txt", data=("".join(f"{name}\n" for name in class_names).encode(),))


def image_json(class_names: Sequence[str], image: ImageLabels, name: str) -> dict[str, Any]:
    """The content of one image's file, as LabelMe 5 writes it."""
    if not image.width or not image.height:
        raise FormatError(image.filename, None, "LabelMe is in pixels, and this image's size is not known")
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": [_shape(class_names[box.class_index], box, image.width, image.height) for box in image.boxes],
        "imagePath": name,
        "imageData": None,
        "imageHeight": image.height,
        "imageWidth": image.width,
    }


def _shape(label: str, box: Box, width: int, height: int) -> dict[str, Any]:
    flat = box.points or corners_of(box)
    points = [[round(x * width, 6), round(y * height, 6)] for x, y in zip(flat[::2], flat[1::2], strict=True)]
    return {
        "label": label,
        "points": points,
        "group_id": None,
        "description": "",
        "shape_type": "polygon" if box.points else "rectangle",
        "flags": {},
        "mask": None,
    }
