"""CVAT for images 1.1: one annotations.xml for many images.

Pixels, edges from 0; our own files have six decimals of a pixel, CVAT's own two. The classes stand in the
order of <labels>. A turned box becomes a polygon of its corners, an ellipse a polygon of 64; of a mask the
box is kept. An image that the file names without shapes is labelled and empty; an image file that it does
not name is unlabelled. The split is the image's subset, or else that of the file's name (datumaro writes a
train.xml and a val.xml), or else that of the image's folder.
"""

from __future__ import annotations

from .base import Format, FormatError, Reading, Recognition, Source
from .collect import Collection, listed_classes, order_classes
from .cvat_file import CvatFile
from .cvat_write import write_cvat
from .layout import content_names, with_extension
from .text import xml_outline

_SAMPLES = 20
_PARTS = {"image", "track", "meta", "version"}


def recognise(source: Source) -> Recognition:
    """By XML files whose root is `annotations`, with CVAT's parts in it."""
    for name in with_extension(content_names(source), ".xml")[:_SAMPLES]:
        if _is_cvat(source, name):
            return Recognition("cvat", 0.95, f"{name} has CVAT's annotations element")
    return Recognition("cvat", 0.0, "no XML file with CVAT's annotations element")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where a file is no valid XML (half a file would be half the labels)
    or is CVAT for video."""
    found = Collection(source)
    files = [name for name in with_extension(found.names, ".xml") if _is_cvat(source, name)]
    if not files:
        raise FormatError("", None, "there is no XML file with CVAT's annotations element")
    colors: dict[str, str] = {}
    for name in files:
        file = CvatFile(name, found)
        file.read()
        for label in file.labels:
            if label.name and (not label.is_part or label.name in found.used_classes):
                colors.setdefault(label.name, label.color)
    classes = order_classes([*colors, *listed_classes(source, found.names)], found.used_classes)
    return Reading(
        "cvat",
        classes,
        len(found.images),
        found.read_images(classes),
        found.problems,
        colors=tuple(colors.get(name, "") for name in classes),
    )


def _is_cvat(source: Source, name: str) -> bool:
    root, children = xml_outline(source, name)
    return root == "annotations" and bool(children & _PARTS)


FORMAT = Format(
    key="cvat",
    title="CVAT for images",
    looks_for="CVAT for images (an .xml file with an annotations element that lists images)",
    recognise=recognise,
    read=read,
    write=write_cvat,
)
