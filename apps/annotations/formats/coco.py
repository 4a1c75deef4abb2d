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

from .base import Box, Code, Format, FormatError, ImageLabels, Problems, Reading, Recognition, Source
from .boxes import enclosing, fit_box
from .coco_file import Annotation, Category, CocoFile, ImageRecord, is_coco_item, load_file
from .coco_write import write_coco
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
) -> tuple[tuple[str, ...], list[dict[str, int]], tuple[int | None, ...]]:
    """The class names in order; for each file: category id → place in the names; and the id of each class."""
    groups = _grouping_categories(files)
    listed: list[Category] = []
    for file in files:
        for category in file.categories.values():
            if category.name in groups and category.id not in file.used_categories:
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
    places = [
        {id: place_of[category.name] for id, category in file.categories.items() if category.name in place_of}
        for file in files
    ]
    return tuple(numbers), places, tuple(numbers.values())


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
            count = len(file.annotations.get(record.id, ()))
            reason = f"the image {shown(record.file_name)} {what}; its {count} boxes are left out"
            code = Code.IMAGE_MISSING if not found else Code.IMAGE_AMBIGUOUS
            problems.add(file.name, record.line, reason, code)
    return placed


def _note_orphans(files: list[CocoFile], problems: Problems) -> None:
    for file in files:
        for image_id, found in file.annotations.items():
            if image_id not in file.images:
                first = found[0]
                reason = f"{len(found)} boxes belong to image id {shown(image_id)}, which is not listed"
                problems.add(file.name, first.line, reason, Code.LABEL_WITHOUT_IMAGE)


def _read_images(
    source: Source,
    images: list[str],
    placed: dict[str, _Placed],
    places: list[dict[str, int]],
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
    places: list[dict[str, int]],
    problems: Problems,
) -> None:
    """Set what the JSON files say of one image."""
    first = records[0]
    found.split = split_in_stem(first[1].name) or split_of(first[1].name) or found.split
    boxes: dict[Box, int] = {}
    for number, file, record in records:
        size = record.size or image_size(source, found.path)
        found.width, found.height = size
        found.labelled = found.labelled or file.has_annotations
        for annotation in file.annotations.get(record.id, ()):
            box = _box(annotation, file, size, places[number], problems)
            if box and box in boxes:
                reason = f"{annotation.called} is the same box again in {found.filename}"
                problems.add(file.name, annotation.line, reason, Code.DUPLICATE)
            elif box:
                boxes[box] = annotation.line
    found.boxes = list(boxes)


def _box(
    annotation: Annotation, file: CocoFile, size: tuple[int, int], places: dict[str, int], problems: Problems
) -> Box | None:
    place = places.get(annotation.category_id)
    if place is None:
        reason = f"{annotation.called}: category id {shown(annotation.category_id)} is not listed"
        problems.add(file.name, annotation.line, reason, Code.UNKNOWN_CLASS)
        return None
    width, height = size
    points = None
    if annotation.points:
        points = [value / (height if odd % 2 else width) for odd, value in enumerate(annotation.points)]
    if annotation.bbox:
        x, y, box_width, box_height = annotation.bbox
        corners = x / width, y / height, (x + box_width) / width, (y + box_height) / height
    else:
        corners = enclosing(points)
    box, fault = fit_box(place, corners, size=size, points=points, confidence=annotation.score)
    if fault:
        problems.add(file.name, annotation.line, f"{annotation.called}: {fault.reason}", fault.code)
    return box


FORMAT = Format(
    key="coco",
    title="COCO",
    looks_for="COCO (a .json file with images, annotations and categories)",
    recognise=recognise,
    read=read,
    write=write_coco,
)
