"""One VOC XML file, reduced to what its boxes need."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from sys import intern

from .text import clean_name, numbers, pixels

_CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(slots=True)
class VocObject:
    """`corners` (x1, y1, x2, y2) are pixels; `missing` names what cannot be used."""

    class_name: str
    corners: list[float] | None

    @property
    def missing(self) -> str:
        return "name" if not self.class_name else "bndbox of four finite numbers"


@dataclass(frozen=True, slots=True)
class VocFile:
    name: str
    image_name: str  # <filename>, or the last part of <path>; "" where there is none
    size: tuple[int, int] | None  # width, height in pixels
    objects: list[VocObject]


def parse_file(name: str, root: ET.Element) -> VocFile:
    """`root` is an `annotation` element of whatever content."""
    width, height = pixels(root.findtext("size/width")), pixels(root.findtext("size/height"))
    image_name = (root.findtext("filename") or root.findtext("path") or "").strip()
    return VocFile(
        name,
        image_name,
        (width, height) if width and height else None,
        [_object(element) for element in root.findall("object")],
    )


def _object(element: ET.Element) -> VocObject:
    class_name = intern(clean_name(element.findtext("name") or ""))
    box = element.find("bndbox")
    if box is None:
        return VocObject(class_name, None)
    return VocObject(class_name, numbers(map(box.findtext, _CORNERS)))
