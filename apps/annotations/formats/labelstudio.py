"""Label Studio's JSON export (JSON, and JSON-MIN): one list of tasks, each about one image.

Percent of the image, with all digits of a double. A turned rectangle and an ellipse become polygons. Where
several people annotated a task, the ground truth is taken, or else the newest; where nobody did, the newest
prediction, as boxes by a model. Images are named by uploads with a hash before the name, by paths of local
files, or by URLs: each is reduced to the name. The classes stand in the order of the labelling interface
(an .xml file with <View>) or of a classes.txt, where there is one, sorted otherwise. The split is the task's
data.split, or else a folder.
"""

from __future__ import annotations

from itertools import islice
from posixpath import basename, dirname

from .base import Code, Format, FormatError, Reading, Recognition, Source
from .collect import Collection, Found, listed_classes, order_classes
from .jsonstream import Item, stream_items
from .labelstudio_regions import RegionReader, count_shapes
from .labelstudio_task import find_image, read_task
from .labelstudio_write import write_labelstudio
from .layout import content_names, split_of, split_word, with_extension
from .text import clean_name, read_xml, xml_outline

_SAMPLE_FILES = 20
_SAMPLE_ITEMS = 50


def recognise(source: Source) -> Recognition:
    """By JSON files whose first elements are tasks."""
    for name in with_extension(content_names(source), ".json")[:_SAMPLE_FILES]:
        if _has_tasks(source, name):
            return Recognition("labelstudio", 0.95, f"{name} has Label Studio's tasks")
    return Recognition("labelstudio", 0.0, "no JSON file with Label Studio's tasks")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where a file is no valid JSON: half a file would be half the labels."""
    found = Collection(source)
    files = [name for name in with_extension(found.names, ".json") if _has_tasks(source, name)]
    if not files:
        raise FormatError("", None, "there is no JSON file with Label Studio's tasks")
    for name in files:
        for item in stream_items(source, name):
            if item.key == "" and item.index >= 0:
                _take(item, name, found)
    colors = _interface_classes(found)
    classes = order_classes([*colors, *listed_classes(source, found.names)], found.used_classes)
    return Reading(
        "labelstudio",
        classes,
        len(found.images),
        found.read_images(classes),
        found.problems,
        colors=tuple(colors.get(name, "") for name in classes),
    )


def _has_tasks(source: Source, name: str) -> bool:
    try:
        return any(
            item.key == "" and item.index >= 0 and read_task(item.value) is not None
            for item in islice(stream_items(source, name), _SAMPLE_ITEMS)
        )
    except FormatError:
        return False


def _take(item: Item, file: str, collection: Collection) -> None:
    def tell(reason: str, code: Code) -> None:
        collection.problems.add(file, item.line, reason, code)

    task = read_task(item.value)
    if task is None or not task.image:
        tell(f"entry {item.index} is no task with an image", Code.BAD_VALUE)
        return
    annotation = task.chosen(tell)
    split = split_word(str(task.data.get("split", "")))
    candidates, reference = find_image(task.image, collection.index, dirname(file), split)
    found = Found(file, item.line, split or split_of(candidates[0] if candidates else "") or split_of(reference))
    found.labelled = annotation is not None
    count = count_shapes(annotation.result) if annotation else 0
    image = collection.choose(candidates, basename(reference) or task.image, found, f"its {count} shapes")
    if image and annotation:
        RegionReader(collection, found, image, annotation, tell).read()


def _interface_classes(found: Collection) -> dict[str, str]:
    """class → colour or "", of the labelling interface nearest the top."""
    for name in sorted(with_extension(found.names, ".xml"), key=lambda name: (name.count("/"), name)):
        if xml_outline(found.source, name)[0] != "View":
            continue
        try:
            labels = list(read_xml(found.source, name).iter("Label"))
        except FormatError as error:
            found.problems.add_error(error, Code.NOTE)
            continue
        colors: dict[str, str] = {}
        for label in labels:
            color = label.get("background", "")
            is_hex = len(color) == 7 and color[0] == "#" and all(c in "0123456789abcdefABCDEF" for c in color[1:])
            colors.setdefault(clean_name(label.get("value", "")), color if is_hex else "")
        colors.pop("", None)
        return colors
    return {}


FORMAT = Format(
    key="labelstudio",
    title="Label Studio",
    looks_for="Label Studio (a .json file that is a list of tasks with data and annotations)",
    recognise=recognise,
    read=read,
    write=write_labelstudio,
)
