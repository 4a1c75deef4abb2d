"""What the formats that are not told image by image share: everything is collected first, then the images
come in the order of their paths."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename

from .base import Box, Code, ImageLabels, Problems, Source
from .boxes import Fault, fit_box
from .held import HeldShapes
from .layout import ImageIndex, content_names, image_names, split_of
from .text import clean_name, read_lines, shown

MAX_POINTS = 10_000  # of a polygon
_NO_CLASSES = {"classes.txt": (), "labelmap.txt": ("background",), "labels.txt": ("__ignore__", "_background_")}

MANUAL, MODEL = 0, 1  # tags of held shapes
_SOURCES = {MANUAL: "", MODEL: "model"}


@dataclass(slots=True)
class Found:
    """What a label file says of one image; `size` is width and height in pixels, where it is known."""

    file: str
    line: int | None
    split: str = ""
    size: tuple[int, int] | None = None
    labelled: bool = True


class Collection:
    """The images of a source, and the shapes found for them, as (x1, y1, x2, y2) fractions."""

    def __init__(self, source: Source):
        self.source, self.problems = source, Problems()
        self.names = content_names(source)
        self.images = image_names(self.names)
        self.index = ImageIndex(self.images)
        self._found: dict[str, Found] = {}
        self._classes: dict[str, int] = {}
        self._shapes = HeldShapes()

    @property
    def used_classes(self) -> list[str]:
        """Of the shapes, in the order they were met."""
        return list(self._classes)

    def choose(self, candidates: Sequence[str], called: str, found: Found, boxes: str) -> str | None:
        """The one image that `found` is about, which is then labelled by it; otherwise None, and told.

        `boxes` says what is lost ("its 3 boxes").
        """
        if len(candidates) == 1:
            before = self._found.setdefault(candidates[0], found)
            if before is found:
                return candidates[0]
            where = before.file if before.file != found.file else f"line {before.line}"
            reason, code = f"{candidates[0]} is already labelled by {where}; {boxes} are left out", Code.DUPLICATE
        elif candidates:
            reason = f"the image {shown(called)} can be {candidates[0]} or {candidates[1]}; {boxes} are left out"
            code = Code.IMAGE_AMBIGUOUS
        else:
            reason = f"the image {shown(called)} is not in the archive; {boxes} are left out"
            code = Code.IMAGE_MISSING
        self.problems.add(found.file, found.line, reason, code)
        return None

    def add_shape(
        self,
        image: str,
        class_name: str,
        line: int,
        corners: Sequence[float],
        *,
        points: Sequence[float] | None = None,
        score: float | None = None,
        tag: int = MANUAL,
    ) -> None:
        number = self._classes.get(class_name)
        if number is None:
            number = self._classes[class_name] = len(self._classes)
        self._shapes.add(image, number, line, tag, corners, points, score)

    def read_images(self, class_names: Sequence[str]) -> Iterator[ImageLabels]:
        """Every image, sorted by path. `class_names` must have every class used."""
        place_of = {name: place for place, name in enumerate(class_names)}
        places = [place_of[name] for name in self._classes]
        for path in self.images:
            found = self._found.pop(path, None)
            image = ImageLabels(basename(path), labelled=False, split=split_of(path), path=path)
            if found:
                image.labelled = found.labelled
                image.split = found.split or image.split or split_of(found.file)
                image.width, image.height = found.size or (None, None)
                image.boxes = self._boxes(path, found, places, class_names)
            yield image

    def _boxes(self, path: str, found: Found, places: list[int], class_names: Sequence[str]) -> list[Box]:
        boxes, seen = [], set()
        for number, line, tag, x1, y1, x2, y2, score, at, count in self._shapes.of(path):
            points = self._shapes.points(at, count)
            score = None if score != score else score
            key = (number, x1, y1, x2, y2, score, points and points.tobytes())
            if key in seen:
                fault = Fault(Code.DUPLICATE, "the same box is there already")
            else:
                seen.add(key)
                corners = (x1, y1, x2, y2)
                box, fault = fit_box(places[number], corners, found.size, points, score, _SOURCES[tag])
                if box:
                    boxes.append(box)
            if fault:
                reason = f"{basename(path)}: {shown(class_names[places[number]])}: {fault.reason}"
                self.problems.add(found.file, line, reason, fault.code)
        return boxes


def listed_classes(source: Source, names: Sequence[str]) -> list[str]:
    """The class names of the classes.txt, labelmap.txt or labels.txt nearest the top, without what stands
    for "nothing" there; [] without such a file. Raises FormatError."""
    lists = [name for name in names if basename(name).lower() in _NO_CLASSES]
    if not lists:
        return []
    file = min(lists, key=lambda name: (name.count("/"), name))
    is_map = basename(file).lower() == "labelmap.txt"  # CVAT's: `RBC:128,0,0::`, and comments
    lines = [line for _number, line in read_lines(source, file) if not (is_map and line.startswith("#"))]
    listed = [clean_name(line.split(":")[0] if is_map else line) for line in lines]
    return [name for name in listed if name and name not in _NO_CLASSES[basename(file).lower()]]


def order_classes(listed: Sequence[str], used: Sequence[str]) -> tuple[str, ...]:
    """The listed names in their order, then those used besides, sorted."""
    return tuple(dict.fromkeys([*listed, *sorted(used)]))
