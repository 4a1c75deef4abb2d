"""COCO JSON: one file for many images, often one per split.

Boxes are [x, y, width, height] in pixels from the top left corner. Several files (instances_train.json,
instances_val.json, or one in each folder) are one data set: categories of one name are one class, and the
classes stand in the order of their category ids, or of the places that our own export adds. An image that
a file lists without boxes is labelled and empty; an image file that no JSON lists is unlabelled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from posixpath import basename, dirname

from .base import Code, Format, FormatError, ImageLabels, Problems, Reading, Recognition, Source
from .boxes import Fault, enclosing, fit_box
from .coco_file import Category, CocoFile, Id, ImageRecord, is_coco_item, load_file
from .coco_write import write_coco
from .geometry import scaled
from .image_size import image_size
from .jsonstream import stream_items
from .layout import ImageIndex, content_names, image_names, split_in_stem, split_of, with_extension
from .text import shown

_SAMPLE_FILES = 20
_SAMPLE_ITEMS = 300


def recognise(source: Source) -> Recognition:
    """By JSON files whose first elements are COCO's images or annotations."""
    for name in with_extension(content_names(source), ".json")[:_SAMPLE_FILES]:
        if _is_coco(source, name):
            return Recognition("coco", 0.95, f"{name} has COCO's images and annotations")
    return Recognition("coco", 0.0, "no JSON file with COCO's images and annotations")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where a COCO file is no valid JSON: half a file would be half the
    labels."""
    problems = Problems()
    names = content_names(source)
    images = image_names(names)
    files = [load_file(source, name, problems) for name in _coco_files(source, names, problems)]
    if not files:
        raise FormatError("", None, "there is no JSON file with COCO's images and annotations")
    classes, places, category_ids = _classes(files, problems)
    records = _place_images(files, ImageIndex(images), problems)
    _note_orphans(files, problems)
    read_images = _read_images(source, images, records, places, problems)
    return Reading("coco", classes, len(images), read_images, problems, category_ids=category_ids)


def _is_coco(source: Source, name: str) -> bool:
    try:
        return any(is_coco_item(item) for item in islice(stream_items(source, name), _SAMPLE_ITEMS))
    except FormatError:
        return False


def _coco_files(source: Source, names: list[str], problems: Problems) -> list[str]:
    """The files with boxes. COCO's own archive has the people of instances_* once more in
    person_keypoints_*."""
    files = [name for name in with_extension(names, ".json") if _is_coco(source, name)]
    kept = []
    for name in files:
        twin = name.replace("person_keypoints_", "instances_")
        if twin != name and twin in files:
            problems.add(name, None, f"tells the boxes of {twin} again; not read", Code.NOTE)
        else:
            kept.append(name)
    return kept


def _classes(
    files: list[CocoFile], problems: Problems
) -> tuple[tuple[str, ...], list[list[tuple[int | None, Id]]], tuple[int | None, ...]]:
    """The class names in order; for each file the places of its categories; and the id of each class."""
    groups = _grouping_categories(files)
    listed: list[Category] = []
    for file in files:
        for category in file.categories.values():
            if category.name in groups and category.id not in file.category_ids:
                reason = f"category {shown(category.name)} has no boxes and only groups others; it is no class"
                problems.add(file.name, category.line, reason, Code.NOTE)
            else:
                listed.append(category)
    listed.sort(key=lambda category: (category.order, category.name))
    if all(category.place is not None for category in listed):
        listed.sort(key=lambda category: category.place)
    numbers: dict[str, int | None] = {}
    for category in listed:
        numbers.setdefault(category.name, category.number)
    place_of = {name: place for place, name in enumerate(numbers)}
    places = [_places(file, place_of) for file in files]
    return tuple(numbers), places, tuple(numbers.values())


def _places(file: CocoFile, place_of: dict[str, int]) -> list[tuple[int | None, Id]]:
    """(place in the names or None, category id) of the file's category ids in use, in their order."""
    categories = file.categories
    names = {id: categories[id].name if id in categories else "" for id in file.category_ids}
    return [(place_of.get(name), id) for id, name in names.items()]


def _grouping_categories(files: list[CocoFile]) -> set[str]:
    """Names that are the supercategory of another category: Roboflow adds one, as category 0."""
    return {
        category.group
        for file in files
        for category in file.categories.values()
        if category.group and category.group != category.name
    }


class _Placed:
    """An image file, and the records of it in one or more JSON files."""

    def __init__(self) -> None:
        self.records: list[tuple[int, CocoFile, ImageRecord]] = []


def _place_images(files: list[CocoFile], index: ImageIndex, problems: Problems) -> dict[str, _Placed]:
    placed: dict[str, _Placed] = defaultdict(_Placed)
    for number, file in enumerate(files):
        split = split_in_stem(file.name) or split_of(file.name)
        for record in file.images.values():
            found = index.find(record.file_name, near=dirname(file.name), split=split)
            if len(found) == 1:
                placed[found[0]].records.append((number, file, record))
                continue
            what = "is not in the archive" if not found else f"can be {found[0]} or {found[1]}"
            count = file.annotations.count(record.id)
            reason = f"the image {shown(record.file_name)} {what}; its {count} boxes are left out"
            code = Code.IMAGE_MISSING if not found else Code.IMAGE_AMBIGUOUS
            problems.add(file.name, record.line, reason, code)
    return placed


def _note_orphans(files: list[CocoFile], problems: Problems) -> None:
    for file in files:
        for image_id in file.annotations.images():
            if image_id not in file.images:
                count, line = file.annotations.count(image_id), next(file.annotations.of(image_id))[1]
                reason = f"{count} boxes belong to image id {shown(image_id)}, which is not listed"
                problems.add(file.name, line, reason, Code.LABEL_WITHOUT_IMAGE)


def _read_images(
    source: Source,
    images: list[str],
    placed: dict[str, _Placed],
    places: list[list[tuple[int | None, Id]]],
    problems: Problems,
) -> Iterator[ImageLabels]:
    for image in images:
        found = ImageLabels(basename(image), labelled=False, split=split_of(image), path=image)
        records = placed[image].records if image in placed else []
        try:
            if records:
                _fill(found, source, records, places, problems)
        except FormatError as error:
            problems.add_error(error)
        yield found


def _fill(
    found: ImageLabels,
    source: Source,
    records: list[tuple[int, CocoFile, ImageRecord]],
    places: list[list[tuple[int | None, Id]]],
    problems: Problems,
) -> None:
    """Set what the JSON files say of one image."""
    first = records[0]
    found.split = split_in_stem(first[1].name) or split_of(first[1].name) or found.split
    boxes, seen = [], set()
    for number, file, record in records:
        width, height = size = record.size or image_size(source, found.path)
        found.width, found.height = size
        found.labelled = found.labelled or file.has_annotations
        file_places = places[number]
        for category, line, tag, x, y, box_width, box_height, score, at, count in file.annotations.of(record.id):
            place, category_id = file_places[category]
            points = scaled(file.annotations.points(at, count), 1 / width, 1 / height) if count else None
            corners = x / width, y / height, (x + box_width) / width, (y + box_height) / height
            if x != x:  # there is only the polygon
                corners = enclosing(points)
            key = (place, corners, points, score if score == score else None)
            if place is None:
                fault = Fault(Code.UNKNOWN_CLASS, f"category id {shown(category_id)} is not listed")
            elif key in seen:
                fault = Fault(Code.DUPLICATE, f"is the same box again in {found.filename}")
            else:
                seen.add(key)
                box, fault = fit_box(place, corners, size, points, key[3])
                if box:
                    boxes.append(box)
            if fault:
                problems.add(file.name, line, f"{file.called(tag)}: {fault.reason}", fault.code)
    found.boxes = boxes


FORMAT = Format(
    key="coco",
    title="COCO",
    looks_for="COCO (a .json file with images, annotations and categories)",
    recognise=recognise,
    read=read,
    write=write_coco,
)
