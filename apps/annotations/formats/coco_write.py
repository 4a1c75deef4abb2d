"""A COCO export: `annotations/instances_<split>.json` and `images/<split>/<name>`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from .base import Box, Entry, FormatError, ImageLabels
from .coco_file import polygon_area
from .geometry import scaled
from .layout import ExportNames, split_folder
from .spool import Spool

# By hand, because json.dumps takes longer than all the rest.
_ROW = (
    '{"id": %d, "image_id": %d, "category_id": %d, "bbox": [%.6f, %.6f, %.6f, %.6f], "area": %.4f, "iscrowd": 0,'
    ' "segmentation": [%s]%s}'
)


def write_coco(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, the JSON files last.

    Category ids are `category_ids`, which stay with their classes however those are ordered (each category
    says its class's place besides), or else the places from 1 on. The pixels have six decimals. Images that
    are not labelled are in the archive and in no JSON. Each image's width and height must be known
    (FormatError). `task` makes no difference: COCO holds both.
    """
    names, parts = ExportNames(), {}
    categories = _categories(class_names, category_ids)
    try:
        for image in images:
            folder = split_folder(image)
            name = names.name_for(image, "images")  # distinct in all splits: file_name has no folder
            yield Entry(f"images/{folder}/{name}", image=image)
            if image.labelled:
                parts.setdefault(folder, _Part(categories)).add(image, name)
        for folder in sorted(parts):
            yield Entry(f"annotations/instances_{folder}.json", data=parts[folder].pieces())
    finally:
        for part in parts.values():
            part.close()


def _categories(class_names: Sequence[str], category_ids: Sequence[int] | None) -> list[dict[str, Any]]:
    ids = range(1, len(class_names) + 1) if category_ids is None else category_ids
    if len(ids) != len(class_names) or len(set(ids)) < len(ids):
        raise FormatError("", None, "each class needs a category id of its own")
    return [
        {"id": category_id, "name": name, "supercategory": "none", "place": place}
        for place, (category_id, name) in enumerate(zip(ids, class_names, strict=True))
    ]


class _Part:
    """One split's JSON while it grows."""

    def __init__(self, categories: list[dict[str, Any]]):
        self._categories = categories
        self._images = Spool()
        self._annotations = Spool()
        self._image_count = self._annotation_count = 0

    def add(self, image: ImageLabels, name: str) -> None:
        if not image.width or not image.height:
            raise FormatError(image.filename, None, "COCO is in pixels, and this image's size is not known")
        self._image_count += 1
        number, width, height = self._image_count, image.width, image.height
        row = {"id": number, "file_name": name, "width": width, "height": height}
        self._images.write((",\n" if number > 1 else "") + _json(row))
        rows, count = [], self._annotation_count
        for box in image.boxes:
            count += 1
            rows.append(_ROW % (count, number, self._categories[box.class_index]["id"], *_shape(box, width, height)))
        if rows:
            self._annotations.write((",\n" if self._annotation_count else "") + ",\n".join(rows))
        self._annotation_count = count

    def pieces(self) -> Iterator[bytes]:
        categories = _json(self._categories)
        yield f'{{"info": {{}},\n"licenses": [],\n"categories": {categories},\n"images": [\n'.encode()
        yield from self._images.pieces()
        yield b'\n],\n"annotations": [\n'
        yield from self._annotations.pieces()
        yield b"\n]}\n"

    def close(self) -> None:
        self._images.close()
        self._annotations.close()


def _shape(box: Box, width: int, height: int) -> tuple[float | str, ...]:
    """bbox, area, segmentation and whatever follows, for _ROW."""
    box_width, box_height = box.width * width, box.height * height
    x, y = box.x_center * width - box_width / 2, box.y_center * height - box_height / 2
    score = "" if box.confidence is None else f', "score": {_json(box.confidence)}'
    if not box.points:
        return x, y, box_width, box_height, box_width * box_height, "", score
    polygon = scaled(box.points, width, height)
    segmentation = _json([[round(value, 6) for value in polygon]])[1:-1]
    return x, y, box_width, box_height, polygon_area(polygon), segmentation, score


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
