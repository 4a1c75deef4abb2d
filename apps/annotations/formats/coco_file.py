"""One COCO JSON file, read as a stream into what its boxes need and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from .base import Code, Problems, Source
from .held import HeldShapes
from .jsonstream import Item, stream_items
from .text import clean_name, number, numbers, pixels, shown

MAX_POINTS = 10_000

_ENTRY = -(2**62)  # tags from here down are annotations without an id
_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")

Id = int | str


@dataclass(frozen=True, slots=True)
class Category:
    id: Id
    name: str
    group: str  # COCO's supercategory
    place: int | None  # the class's place, where our own export tells it
    line: int

    @property
    def number(self) -> int | None:
        """The id, where it is a whole number of common length."""
        return self.id if isinstance(self.id, int) and abs(self.id) < 2**53 else None

    @property
    def order(self) -> tuple[int, Id]:
        """Numbers by value, before other ids by name."""
        return (0, self.id) if isinstance(self.id, int) else (1, self.id)


@dataclass(frozen=True, slots=True)
class ImageRecord:
    id: Id
    file_name: str
    size: tuple[int, int] | None  # width, height in pixels
    line: int


@dataclass
class CocoFile:
    """`annotations` are held by image id: bbox (x, y, width, height) or None and the polygon or None in pixels,
    at least one of them; the class number is a place in `category_ids`, and `called` knows the tag.
    """

    name: str
    categories: dict[Id, Category] = field(default_factory=dict)
    images: dict[Id, ImageRecord] = field(default_factory=dict)
    annotations: HeldShapes = field(default_factory=HeldShapes)
    category_ids: dict[Id, int] = field(default_factory=dict)  # those in use → their place here
    has_annotations: bool = False  # a file of images alone (image_info_test2017.json) labels nothing
    _names: list[str] = field(default_factory=list)

    def tag(self, value: dict[str, Any], index: int) -> int:
        """What `called` needs of an annotation, as a number."""
        tag = value.get("id")
        if type(tag) is int and 0 <= tag < -_ENTRY:
            return tag
        if "id" not in value:
            return _ENTRY - index
        self._names.append(shown(value["id"]))
        return -len(self._names)

    def called(self, tag: int) -> str:
        """The annotation with this tag, in words."""
        if tag <= _ENTRY:
            return f"entry {_ENTRY - tag} of annotations"
        return f"annotation {tag}" if tag >= 0 else f"annotation {self._names[-tag - 1]}"


def is_coco_item(item: Item) -> bool:
    """Whether an element could only stand in a COCO file."""
    if not isinstance(item.value, dict):
        return False
    keys = item.value.keys()
    if item.key == "images":
        return "file_name" in keys and "id" in keys
    return item.key == "annotations" and "image_id" in keys and bool({"bbox", "segmentation"} & keys)


def load_file(source: Source, name: str, problems: Problems) -> CocoFile:
    """Raises FormatError where the file is no valid JSON; what is wrong with one element is a problem."""
    file = CocoFile(name)
    readers = {"images": _take_image, "annotations": _take_annotation, "categories": _take_category}
    for item in stream_items(source, name):
        take = readers.get(item.key)
        if take is None or item.index is None:
            continue
        if type(item.value) is dict:
            take(file, item.value, item, problems)
        elif item.index < 0:
            file.has_annotations = file.has_annotations or item.key == "annotations"
        else:
            problems.add(name, item.line, f"entry {item.index} of {item.key} is no object", Code.BAD_VALUE)
    return file


def _take_category(file: CocoFile, value: dict[str, Any], item: Item, problems: Problems) -> None:
    category_id = _id(value.get("id"))
    if category_id == "":
        reason = f"entry {item.index} of categories has no usable id ({shown(value.get('id'))})"
        problems.add(file.name, item.line, reason, Code.BAD_VALUE)
        return
    name = clean_name(value.get("name")) or clean_name(f"class_{category_id}")
    if category_id in file.categories:
        reason = f"category id {shown(category_id)} is given twice; the first name stands"
        problems.add(file.name, item.line, reason, Code.DUPLICATE)
        return
    group = clean_name(value.get("supercategory"))
    place = value.get("place")
    place = place if type(place) is int and 0 <= place < 1_000_000 else None
    file.categories[category_id] = Category(category_id, name, group, place, item.line)


def _take_image(file: CocoFile, value: dict[str, Any], item: Item, problems: Problems) -> None:
    image_id, file_name = _id(value.get("id")), value.get("file_name")
    if image_id == "" or not isinstance(file_name, str) or not file_name.strip():
        reason = f"entry {item.index} of images needs an id and a file_name"
        problems.add(file.name, item.line, reason, Code.BAD_VALUE)
        return
    if image_id in file.images:
        reason = f"image id {shown(image_id)} is given twice; {shown(file_name)} is left out"
        problems.add(file.name, item.line, reason, Code.DUPLICATE)
        return
    width, height = pixels(value.get("width")), pixels(value.get("height"))
    size = (width, height) if width and height else None
    file.images[image_id] = ImageRecord(image_id, file_name, size, item.line)


def _take_annotation(file: CocoFile, value: dict[str, Any], item: Item, problems: Problems) -> None:
    if "caption" in value and "bbox" not in value:
        return
    segmentation, is_crowd = value.get("segmentation"), value.get("iscrowd")
    if is_crowd and is_crowd in (1, True):
        _tell(file, value, item, problems, "is a crowd, no single object", Code.CROWD)
        return
    bbox = _four(value.get("bbox"))
    points = _polygon(segmentation) if segmentation else None
    image_id, category_id, tag = value.get("image_id"), value.get("category_id"), value.get("id")
    # Nearly always plain numbers, and there are millions of them.
    if type(image_id) is not int or type(category_id) is not int:
        image_id, category_id = _id(image_id), _id(category_id)
    if type(tag) is not int or not 0 <= tag < -_ENTRY:
        tag = file.tag(value, item.index)
    if image_id == "" or (bbox is None and points is None):
        what = "image_id" if image_id == "" else f"bbox of four finite numbers ({shown(value.get('bbox'))})"
        _tell(file, value, item, problems, f"has no usable {what}", Code.BAD_VALUE)
        return
    if segmentation:
        _tell_what_is_lost(file, value, item, problems)
    place = file.category_ids.get(category_id)
    if place is None:
        place = file.category_ids[category_id] = len(file.category_ids)
    score = _score(value) if "score" in value else None
    file.annotations.add(image_id, place, item.line, tag, bbox, points, score)


def _tell_what_is_lost(file: CocoFile, value: dict[str, Any], item: Item, problems: Problems) -> None:
    segmentation = value["segmentation"]
    if isinstance(segmentation, dict):
        _tell(file, value, item, problems, "has a mask in run lengths; the box is kept without it", Code.SIMPLIFIED)
    elif isinstance(segmentation, list) and len(segmentation) > 1:
        reason = f"has {len(segmentation)} polygons; the largest is kept"
        _tell(file, value, item, problems, reason, Code.SIMPLIFIED)


def _tell(file: CocoFile, value: dict[str, Any], item: Item, problems: Problems, reason: str, code: Code) -> None:
    called = file.called(file.tag(value, item.index))
    problems.add(file.name, item.line, f"{called} {reason}", code)


def _id(value: object) -> Id:
    """An id, one and the same for 7, 7.0 and "7", which some tools write side by side; "" where it is none."""
    if type(value) is int:
        return value
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = str(value)
    return int(text) if _WHOLE.fullmatch(text) else text if len(text) <= 200 else ""


def _four(values: object) -> Sequence[float] | None:
    """bbox, where it is four finite numbers."""
    if type(values) is not list or len(values) != 4:
        return None
    a, b, c, d = values
    if type(a) is type(b) is type(c) is type(d) is float and isfinite(a + b + c + d):  # nearly all
        return values
    return numbers(values)


def _polygon(segmentation: object) -> list[float] | None:
    """The largest of the polygons (flat pixels); a mask in run lengths has none."""
    if not segmentation or not isinstance(segmentation, list):
        return None
    parts = [numbers(part) for part in segmentation if isinstance(part, list)]
    usable = [part for part in parts if part and 6 <= len(part) <= 2 * MAX_POINTS and len(part) % 2 == 0]
    return max(usable, key=polygon_area, default=None)


def _score(value: dict[str, Any]) -> float | None:
    score = number(value.get("score"))
    return score if score is not None and 0 <= score <= 1 else None


def polygon_area(points: Sequence[float]) -> float:
    """Of flat points, by the shoelace formula, in their own unit squared."""
    xs, ys = points[0::2], points[1::2]
    following = zip(xs, ys, (*xs[1:], xs[0]), (*ys[1:], ys[0]), strict=True)
    return abs(sum(x * next_y - next_x * y for x, y, next_x, next_y in following)) / 2
