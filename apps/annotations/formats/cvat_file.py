"""One annotations.xml, read as a stream: nothing of it is held but what a Collection packs."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from math import isfinite
from posixpath import dirname
from typing import Any
from xml.parsers import expat

from .base import Code, FormatError
from .boxes import enclosing
from .collect import MANUAL, MAX_POINTS, MODEL, Collection, Found
from .geometry import ellipse, rectangle, scaled, turned
from .image_size import image_size
from .layout import split_in_stem, split_word
from .text import clean_name, number, numbers, pixels, shown, xml_encoding

_CHUNK = 256 * 1024
_MAX_TOKEN = 8 * 1024 * 1024  # one tag with its attributes: more is no label file
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_LEFT_OUT = {  # of an image
    "polyline": "a polyline",
    "points": "points",
    "cuboid": "a cuboid",
    "skeleton": "a skeleton",
    "tag": "a tag of the image as a whole",
}


@dataclass(slots=True)
class Label:
    """A class of <labels>; `is_part`: a point of a skeleton."""

    name: str = ""
    color: str = ""
    is_part: bool = False


class CvatFile:
    """`read` once; then `labels` are the classes that the file lists."""

    def __init__(self, name: str, collection: Collection):
        self.name, self.labels = name, []
        self._collection, self._problems = collection, collection.problems
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._image: str | None = None
        self._size = (1, 1)
        self._images = self._tracks = 0
        self._readers = {"box": self._box, "polygon": self._polygon, "ellipse": self._ellipse, "mask": self._mask}

    def read(self) -> None:
        """Raises FormatError."""
        parser = self._parser = expat.ParserCreate("utf-8")  # whatever it was, see _feed
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.StartDoctypeDeclHandler = self._refuse
        try:
            with self._collection.source.open(self.name) as stream:
                self._feed(stream)
        except OSError as error:
            raise FormatError(self.name, None, f"cannot be read: {error}") from error
        except expat.ExpatError as error:
            reason = f"is not valid XML ({expat.ErrorString(error.code)})"
            raise FormatError(self.name, error.lineno, reason) from error
        except (LookupError, UnicodeError) as error:  # an encoding that Python does not have after all
            raise FormatError(self.name, None, f"is not text that can be read ({error})") from error
        if self._tracks and not self._images:
            reason = "is CVAT for video; export the task as “CVAT for images 1.1”"
            raise FormatError(self.name, None, reason)

    def _feed(self, stream) -> None:
        fed, chunk = 0, stream.read(_CHUNK)
        encoding = xml_encoding(chunk)
        decoder = codecs.getincrementaldecoder(encoding)()
        while True:
            try:
                data = decoder.decode(chunk, final=not chunk).encode()
            except UnicodeDecodeError as error:
                raise FormatError(self.name, self._line, f"is not text in {encoding.removesuffix('-sig')}") from error
            self._parser.Parse(data, not chunk)
            fed += len(data)
            if fed - self._parser.CurrentByteIndex > _MAX_TOKEN + len(data):
                raise FormatError(self.name, self._line, f"has a tag of more than {_MAX_TOKEN // 2**20} MB")
            if not chunk:
                return
            chunk = stream.read(_CHUNK)

    @property
    def _line(self) -> int:
        return self._parser.CurrentLineNumber

    def _refuse(self, *_declaration: Any) -> None:
        # Entities are how a small file becomes a large one or reads another file.
        raise FormatError(self.name, self._line, "contains a <!DOCTYPE declaration, which is not accepted")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        path = self._path
        path.append(tag)
        if len(path) == 3 and self._image is not None:
            self._shape(tag, attributes)
        elif len(path) == 2:
            if tag == "image":
                self._images += 1
                self._start_image(attributes)
            elif tag == "track":
                self._tracks += 1
                self._tell("a track of CVAT for video is left out", Code.UNSUPPORTED)
        elif path[1:2] == ["meta"]:
            self._start_meta(tag)

    def _end(self, tag: str) -> None:
        path = self._path
        if self._text is not None:
            self._end_meta(tag)
        path.pop()
        if len(path) == 1:
            self._image = None

    def _start_meta(self, tag: str) -> None:
        if tag == "label":
            self.labels.append(Label())
        elif self.labels and self._path[-2:-1] == ["label"] and tag in ("name", "color", "parent"):
            self._text = []
            self._parser.CharacterDataHandler = self._text.append

    def _end_meta(self, tag: str) -> None:
        text, self._text = "".join(self._text), None
        self._parser.CharacterDataHandler = None
        label = self.labels[-1]
        if tag == "name":
            label.name = clean_name(text)
        elif tag == "color":
            label.color = text.strip() if _COLOR.fullmatch(text.strip()) else ""
        else:
            label.is_part = bool(text.strip())

    def _start_image(self, attributes: dict[str, str]) -> None:
        name, subset = attributes.get("name", ""), attributes.get("subset", "")
        found = Found(self.name, self._line, split=split_word(subset) or split_in_stem(self.name))
        if not name.strip():
            self._tell("an image without a name is left out", Code.BAD_VALUE)
            return
        index = self._collection.index
        candidates = index.find(name, near=dirname(self.name), split=found.split)
        self._image = self._collection.choose(candidates, name, found, "its shapes")
        if self._image is None:
            return
        width, height = pixels(attributes.get("width")), pixels(attributes.get("height"))
        try:
            found.size = (width, height) if width and height else image_size(self._collection.source, self._image)
        except FormatError as error:
            self._problems.add_error(error)
            found.labelled, self._image = False, None
        else:
            self._size = found.size

    def _shape(self, tag: str, attributes: dict[str, str]) -> None:
        reader = self._readers.get(tag)
        if reader:
            label = clean_name(attributes.get("label", ""))
            if not label:
                self._tell(f"a {tag} has no label", Code.BAD_VALUE)
            elif not reader(label, attributes):
                self._tell(f"a {tag} ({shown(label)}) has no usable coordinates", Code.BAD_VALUE)
        elif tag in _LEFT_OUT:
            label = shown(attributes.get("label", ""))
            self._tell(f"{_LEFT_OUT[tag]} ({label}) is neither a box nor a polygon; left out", Code.UNSUPPORTED)

    def _box(self, label: str, attributes: dict[str, str]) -> bool:
        try:
            x1, y1 = float(attributes["xtl"]), float(attributes["ytl"])
            x2, y2 = float(attributes["xbr"]), float(attributes["ybr"])
        except (KeyError, ValueError):
            return False
        rotation = number(attributes["rotation"]) if "rotation" in attributes else 0
        if rotation is None or not isfinite(x1 + y1 + x2 + y2):
            return False
        if x1 > x2 or y1 > y2:
            self._tell(f"{shown(label)}: xtl and xbr, or ytl and ybr, were swapped", Code.SWAPPED)
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        if not rotation % 360:
            self._add(label, attributes, (x1, y1, x2, y2))
        else:
            points = turned(rectangle(x1, y1, x2, y2), rotation, ((x1 + x2) / 2, (y1 + y2) / 2))
            self._add(label, attributes, enclosing(points), points)
        return True

    def _polygon(self, label: str, attributes: dict[str, str]) -> bool:
        parts = attributes.get("points", "").replace(";", ",").split(",")
        points = numbers(parts) if 6 <= len(parts) <= 2 * MAX_POINTS and len(parts) % 2 == 0 else None
        if points is None:
            return False
        self._add(label, attributes, enclosing(points), points)
        return True

    def _ellipse(self, label: str, attributes: dict[str, str]) -> bool:
        values, rotation = _numbers(attributes, "cx", "cy", "rx", "ry"), number(attributes.get("rotation", 0))
        if values is None or rotation is None:
            return False
        points = ellipse(*values, rotation)
        self._tell(f"{shown(label)}: an ellipse became a polygon", Code.SIMPLIFIED)
        self._add(label, attributes, enclosing(points), points)
        return True

    def _mask(self, label: str, attributes: dict[str, str]) -> bool:
        values = _numbers(attributes, "left", "top", "width", "height")
        if values is None:
            return False
        left, top, width, height = values
        self._tell(f"{shown(label)}: the mask is left out, its box is kept", Code.SIMPLIFIED)
        self._add(label, attributes, (left, top, left + width, top + height))
        return True

    def _add(self, label: str, attributes: dict[str, str], corners, points=None) -> None:
        width, height = self._size
        x1, y1, x2, y2 = corners
        self._collection.add_shape(
            self._image,
            label,
            self._parser.CurrentLineNumber,
            (x1 / width, y1 / height, x2 / width, y2 / height),
            points=scaled(points, 1 / width, 1 / height) if points else None,
            tag=MODEL if attributes.get("source") == "auto" else MANUAL,
        )

    def _tell(self, reason: str, code: Code) -> None:
        self._problems.add(self.name, self._line, reason, code)


def _numbers(attributes: dict[str, str], *keys: str) -> list[float] | None:
    return numbers(map(attributes.get, keys))
