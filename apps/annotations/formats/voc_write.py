"""A Pascal VOC export: JPEGImages, Annotations, ImageSets/Main, and lists of the classes for their order."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from xml.sax.saxutils import escape

from .base import SPLITS, Box, Entry, FormatError, ImageLabels
from .boxes import corners_of
from .layout import ExportNames, stem
from .pixel_text import pixel_text

_FOLDER = "JPEGImages"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")


def write_voc(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, the lists last.

    Corners are pixel edges from 0 (see voc.py): whole numbers where the box lies on whole pixels, up to
    six decimals where it does not. VOC has neither polygons nor confidences; they are left out, whatever
    `task` says. Images in no split are in no list, images that are not labelled have no XML. Each
    labelled image's width and height must be known (FormatError).
    """
    names, lists = ExportNames(), defaultdict(list)
    for image in images:
        name = names.name_for(image, _FOLDER)
        yield Entry(f"{_FOLDER}/{name}", image=image)
        if image.split in SPLITS:
            lists[image.split].append(stem(name))
        if image.labelled:
            xml = annotation_xml(class_names, image, name)
            yield Entry(f"Annotations/{stem(name)}.xml", data=(xml.encode(),))
    for split, stems in lists.items():
        yield Entry(f"ImageSets/Main/{split}.txt", data=(f"{name}\n".encode() for name in stems))
    yield Entry("labelmap.txt", data=(labelmap(class_names, class_colors).encode(),))
    yield Entry("classes.txt", data=("".join(f"{name}\n" for name in class_names).encode(),))


def labelmap(class_names: Sequence[str], class_colors: Sequence[str] | None) -> str:
    """The classes as CVAT and datumaro read them, which know no other list."""
    lines = ["# label:color_rgb:parts:actions"]
    for name, color in zip(class_names, class_colors or [""] * len(class_names), strict=True):
        rgb = ",".join(str(part) for part in bytes.fromhex(color[1:])) if _COLOR.fullmatch(color) else ""
        lines.append(f"{name.replace(':', ' ')}:{rgb}::")
    return "\n".join(lines) + "\n"


def annotation_xml(class_names: Sequence[str], image: ImageLabels, name: str) -> str:
    """The XML of one image that lies in the archive as `name`."""
    if not image.width or not image.height:
        raise FormatError(image.filename, None, "VOC is in pixels, and this image's size is not known")
    objects = "".join(_object(class_names[box.class_index], box, image) for box in image.boxes)
    return (
        f"<annotation>\n  <folder>{_FOLDER}</folder>\n  <filename>{escape(name)}</filename>\n"
        f"  <size><width>{image.width}</width><height>{image.height}</height><depth>3</depth></size>\n"
        f"  <segmented>0</segmented>\n{objects}</annotation>\n"
    )


def _object(class_name: str, box: Box, image: ImageLabels) -> str:
    x1, y1, x2, y2 = corners_of(box)
    return (
        f"  <object>\n    <name>{escape(class_name)}</name>\n    <pose>Unspecified</pose>\n"
        f"    <truncated>0</truncated>\n    <difficult>0</difficult>\n"
        f"    <bndbox><xmin>{pixel_text(x1, image.width)}</xmin><ymin>{pixel_text(y1, image.height)}</ymin>"
        f"<xmax>{pixel_text(x2, image.width)}</xmax><ymax>{pixel_text(y2, image.height)}</ymax></bndbox>\n  </object>\n"
    )
