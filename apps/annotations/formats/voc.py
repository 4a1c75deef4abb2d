"""Pascal VOC XML: one file per image, splits in ImageSets/Main.

Pixels. VOC's own devkit counts them from 1 and includes the last; nearly every tool since (labelImg, CVAT,
Roboflow) writes the box's edges counted from 0, with xmax = width at the right edge. Files do not say which
they mean, so edges from 0 it is, reading and writing: no box ever moves on a round trip, and a devkit file
is half a pixel off at most, on average.

VOC has no list of classes. Where a classes.txt or labelmap.txt lies beside, its order holds; names it does
not have follow, sorted.
"""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import basename

from .base import Box, Code, Format, FormatError, ImageLabels, Problems, Reading, Recognition, Source
from .boxes import fit_box
from .collect import listed_classes, order_classes
from .image_size import image_size
from .layout import ImageIndex, content_names, image_names, split_of, with_extension
from .text import child_lines, read_lines, read_xml, shown, xml_outline
from .voc_file import VocFile, VocObject, parse_file
from .voc_write import write_voc

_SAMPLES = 20


def recognise(source: Source) -> Recognition:
    """By XML files whose root is `annotation`."""
    names = with_extension(content_names(source), ".xml")[:_SAMPLES]
    found = sum(xml_outline(source, name)[0] == "annotation" for name in names)
    if found:
        return Recognition("voc", 0.9, f"{found} of {len(names)} XML files looked at are VOC annotations")
    return Recognition("voc", 0.0, "no XML file with VOC's annotation element")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where the list of classes cannot be read."""
    problems = Problems()
    names = content_names(source)
    images = image_names(names)
    files = _pair(_parse_all(source, names, problems), ImageIndex(images), problems)
    class_names = _class_names(source, names, files)
    splits = _splits(source, names, ImageIndex(images), problems)
    read_images = _read_images(source, images, files, class_names, splits, problems)
    return Reading("voc", class_names, len(images), read_images, problems)


def _parse_all(source: Source, names: list[str], problems: Problems) -> list[VocFile]:
    files = []
    for name in with_extension(names, ".xml"):
        try:
            root = read_xml(source, name)
        except FormatError as error:
            problems.add_error(error)
            continue
        if root.tag == "annotation":
            files.append(parse_file(name, root))
        else:
            reason = f"is no VOC annotation (its root is <{shown(root.tag)}>)"
            problems.add(name, None, reason, Code.NOTE)
    return files


def _pair(files: list[VocFile], index: ImageIndex, problems: Problems) -> dict[str, VocFile]:
    """image → its file."""
    paired: dict[str, VocFile] = {}
    for file in files:
        found = index.find_owned(file.name, file.image_name)
        if len(found) != 1:
            _note_unpaired(file, found, problems)
        elif found[0] in paired:
            reason = f"{found[0]} is already labelled by {paired[found[0]].name}"
            problems.add(file.name, None, reason, Code.DUPLICATE)
        else:
            paired[found[0]] = file
    return paired


def _note_unpaired(file: VocFile, found: list[str], problems: Problems) -> None:
    count = f"its {len(file.objects)} boxes are left out"
    if found:
        reason = f"its image can be {found[0]} or {found[1]}; {count}"
        problems.add(file.name, None, reason, Code.IMAGE_AMBIGUOUS)
    else:
        called = f" ({shown(file.image_name)})" if file.image_name else ""
        reason = f"its image{called} is not in the archive; {count}"
        problems.add(file.name, None, reason, Code.LABEL_WITHOUT_IMAGE)


def _class_names(source: Source, names: list[str], files: dict[str, VocFile]) -> tuple[str, ...]:
    used = {found.class_name for file in files.values() for found in file.objects if found.class_name}
    return order_classes(listed_classes(source, names), sorted(used))


def _splits(source: Source, names: list[str], index: ImageIndex, problems: Problems) -> dict[str, str]:
    """image → split, of ImageSets/Main. An image in two lists stays in the first of train, val and test;
    trainval stands for train where neither names the image."""
    splits: dict[str, str] = {}
    for list_name, split in (("train", "train"), ("val", "val"), ("test", "test"), ("trainval", "train")):
        for name in names:
            if f"/{name}".lower().endswith(f"/imagesets/main/{list_name}.txt"):
                _take_list(splits, source, name, split, index, problems, quiet=list_name == "trainval")
    return splits


def _take_list(
    splits: dict[str, str],
    source: Source,
    file: str,
    split: str,
    index: ImageIndex,
    problems: Problems,
    *,
    quiet: bool,
) -> None:
    for line, text in read_lines(source, file):
        # The devkit's lists per class have a flag after the name; names themselves may have spaces.
        found = index.find_stem(f"{text}.jpg") or index.find(text) or index.find_stem(f"{text.split()[0]}.jpg")
        if not found:
            reason = f"the listed image {shown(text)} is not in the archive"
            problems.add(file, line, reason, Code.IMAGE_MISSING)
        for image in found:
            before = splits.setdefault(image, split)
            if before != split and not quiet:
                reason = f"{shown(text)} is listed for {split} and for {before}; it stays in {before}"
                problems.add(file, line, reason, Code.DUPLICATE)


def _read_images(
    source: Source,
    images: list[str],
    files: dict[str, VocFile],
    class_names: tuple[str, ...],
    splits: dict[str, str],
    problems: Problems,
) -> Iterator[ImageLabels]:
    places = {name: place for place, name in enumerate(class_names)}
    for image in images:
        split = splits.get(image) or split_of(image)
        found = ImageLabels(basename(image), labelled=False, split=split, path=image)
        if file := files.pop(image, None):
            found.split = found.split or split_of(file.name)
            try:
                found.width, found.height = file.size or image_size(source, image)
                found.boxes = _Boxes(source, file, (found.width, found.height), places, problems).read()
                found.labelled = True
            except FormatError as error:
                problems.add_error(error)
        yield found


class _Boxes:
    """The boxes of one file; where something is wrong, the file is read again for its lines."""

    def __init__(
        self, source: Source, file: VocFile, size: tuple[int, int], places: dict[str, int], problems: Problems
    ):
        self._source, self._file, self._size = source, file, size
        self._places, self._problems = places, problems
        self._lines: list[int] | None = None

    def read(self) -> list[Box]:
        boxes: dict[Box, int] = {}
        for index, found in enumerate(self._file.objects):
            box = self._box(index, found)
            if box and boxes.setdefault(box, index) != index:
                self._tell(index, f"the same box as object {boxes[box] + 1}", Code.DUPLICATE)
        return list(boxes)

    def _box(self, index: int, found: VocObject) -> Box | None:
        if found.corners is None or not found.class_name:
            self._tell(index, f"the object has no usable {found.missing}", Code.BAD_VALUE)
            return None
        x1, y1, x2, y2 = found.corners
        if x1 > x2 or y1 > y2:
            self._tell(index, "xmin and xmax, or ymin and ymax, were swapped", Code.SWAPPED)
            x1, x2, y1, y2 = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        width, height = self._size
        corners = x1 / width, y1 / height, x2 / width, y2 / height
        box, fault = fit_box(self._places[found.class_name], corners, size=self._size)
        if fault:
            self._tell(index, f"{shown(found.class_name)}: {fault.reason}", fault.code)
        return box

    def _tell(self, index: int, reason: str, code: Code) -> None:
        if self._lines is None:
            self._lines = child_lines(self._source, self._file.name, "object")
        line = self._lines[index] if index < len(self._lines) else None
        self._problems.add(self._file.name, line, reason, code)


FORMAT = Format(
    key="voc",
    title="Pascal VOC",
    looks_for="Pascal VOC (an .xml file per image with an annotation element)",
    recognise=recognise,
    read=read,
    write=write_voc,
)
