"""LabelMe JSON: one file per image, beside it.

Pixels, edges from 0; our own files have six decimals. A rectangle is a box, a polygon stays one, a circle
becomes a polygon of 64 corners, of a mask the box is kept; other shapes are told and left out. `imageData`
is passed over. LabelMe has no list of classes and no splits: the classes stand in the order of a classes.txt
or labels.txt where there is one (sorted otherwise), and the splits are folders.
"""

from __future__ import annotations

from .base import Code, Format, FormatError, Reading, Recognition, Source
from .collect import Collection, Found, listed_classes, order_classes
from .image_size import image_size
from .labelme_file import LabelMeFile, is_labelme, load_file, read_shape
from .labelme_write import write_labelme
from .layout import content_names, with_extension

_SAMPLES = 20


def recognise(source: Source) -> Recognition:
    """By JSON files that are one object with LabelMe's shapes."""
    names = with_extension(content_names(source), ".json")[:_SAMPLES]
    found = sum(is_labelme(source, name) for name in names)
    if found:
        return Recognition("labelme", 0.9, f"{found} of {len(names)} JSON files looked at have LabelMe's shapes")
    return Recognition("labelme", 0.0, "no JSON file with LabelMe's shapes")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where the list of classes cannot be read; a broken file is a
    problem, and its image is unlabelled."""
    found = Collection(source)
    for name in with_extension(found.names, ".json"):
        try:
            file = load_file(source, name)
        except FormatError as error:
            found.problems.add_error(error)
            continue
        if file:
            _take(file, found)
        else:
            found.problems.add(name, None, "is no LabelMe file (it has no shapes)", Code.NOTE)
    classes = order_classes(listed_classes(source, found.names), found.used_classes)
    return Reading("labelme", classes, len(found.images), found.read_images(classes), found.problems)


def _take(file: LabelMeFile, collection: Collection) -> None:
    found = Found(file.name, None)
    candidates = collection.index.find_owned(file.name, file.image_path)
    called = file.image_path or "of this file"
    image = collection.choose(candidates, called, found, f"its {len(file.shapes)} shapes")
    if image is None:
        return
    try:
        found.size = file.size or image_size(collection.source, image)
    except FormatError as error:
        collection.problems.add_error(error)
        found.labelled = False
        return
    for line, value in file.shapes:
        read_shape(collection, file.name, image, found.size, line, value)


FORMAT = Format(
    key="labelme",
    title="LabelMe",
    looks_for="LabelMe (a .json file per image with shapes and an imagePath)",
    recognise=recognise,
    read=read,
    write=write_labelme,
)
