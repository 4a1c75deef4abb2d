"""YOLO text labels: one .txt beside each image or in `labels` where the image is in `images`.

An image without a label file is unlabelled; an empty label file says that nothing is in the image. Rows of
all YOLO tasks are read (see yolo_rows); what is stored of a pose row is its box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from posixpath import basename, splitext

from .base import Box, Code, Format, FormatError, ImageLabels, Problems, Reading, Recognition, Source
from .boxes import fit_box
from .layout import content_names, image_names, split_of, stem, with_extension
from .text import read_lines, shown
from .yolo_config import MAX_CLASSES, Config, Splits, find_data_yamls, read_config
from .yolo_rows import Row, RowError, looks_like_row, parse_row
from .yolo_write import write_yolo

_NEVER_LABELS = (  # by their usual names
    "classes.txt",
    "class_names.txt",
    "train.txt",
    "val.txt",
    "valid.txt",
    "test.txt",
    "license.txt",
)
_SAMPLES = 20


def recognise(source: Source) -> Recognition:
    """By label rows in text files that belong to images, and by a data.yaml with names."""
    names = content_names(source)
    try:
        yamls = find_data_yamls(source, names)
    except FormatError:
        yamls = with_extension(names, ".yaml", ".yml")
    images = image_names(names)
    labels = pair_labels(images, _candidates(names, images, set()))
    sample = [label for label in labels.values() if label][:_SAMPLES]
    rows = sum(_is_label_file(source, name) for name in sample)
    if sample and rows:
        reason = f"{rows} of {len(sample)} text files looked at hold label rows"
        return Recognition("yolo", 0.95 if yamls else 0.8, reason + (f", and {yamls[0]}" if yamls else ""))
    if yamls:
        return Recognition("yolo", 0.4, f"{yamls[0]} names classes")
    return Recognition("yolo", 0.0, "no text file with label rows beside an image")


def read(source: Source) -> Reading:
    """The data set. Raises FormatError where the class names or split lists cannot be read."""
    problems = Problems()
    names = content_names(source)
    images = image_names(names)
    config = read_config(source, names, problems)
    splits = Splits(config, source, images, problems)
    candidates = _candidates(names, images, config.list_files)
    labels = pair_labels(images, candidates)
    _note_orphans(source, candidates, labels, problems)
    if config.names is None:
        config.names = _invented_names(source, labels, problems)
    classes = Classes(config, problems)
    read_images = _read_images(source, images, labels, splits, config, classes, problems)
    return Reading("yolo", classes.names, len(images), read_images, problems)


class Classes:
    """Class numbers of the files → places in the reading's distinct names."""

    def __init__(self, config: Config, problems: Problems):
        numbered = config.names or []
        self.names = tuple(dict.fromkeys(numbered))
        self._places = [self.names.index(name) for name in numbered] if len(self.names) < len(numbered) else None
        self.count = len(numbered)
        if self._places:
            reason = "the same class name stands at several numbers; they became one class"
            problems.add(config.file, None, reason, Code.NOTE)

    def place(self, class_id: int) -> int | None:
        if not 0 <= class_id < self.count:
            return None
        return self._places[class_id] if self._places else class_id


def pair_labels(images: list[str], candidates: list[str]) -> dict[str, str | None]:
    """image → its label file or None.

    First where YOLO itself looks (`images` → `labels`, or beside the image), so that two images of one
    stem share a label file as they do in training; then, for labels in some other folder, by a stem that
    only one image and one label have.
    """
    exact, any_case = set(candidates), {name.lower(): name for name in candidates}
    labels: dict[str, str | None] = {}
    for image in images:
        beside = splitext(image)[0] + ".txt"
        places = (_in_labels(beside), beside)
        labels[image] = next((place for place in places if place in exact), None)
        if labels[image] is None:
            labels[image] = next(filter(None, (any_case.get(place.lower()) for place in places)), None)
    claimed = set(labels.values())
    lonely_images, lonely_labels = defaultdict(list), defaultdict(list)
    for image, label in labels.items():
        if label is None:
            lonely_images[stem(image).lower()].append(image)
    for name in candidates:
        if name not in claimed:
            lonely_labels[stem(name).lower()].append(name)
    for key, found in lonely_labels.items():
        for_images = lonely_images.get(key, [])
        if len(found) == len(for_images) == 1 and _same_split(found[0], for_images[0]):
            labels[for_images[0]] = found[0]
    return labels


def _in_labels(path: str) -> str:
    """The last folder called images becomes labels, as in Ultralytics' img2label_paths."""
    parts = path.split("/")
    for place in range(len(parts) - 2, -1, -1):
        if parts[place].lower() == "images":
            return "/".join([*parts[:place], "labels", *parts[place + 1 :]])
    return path


def _same_split(label: str, image: str) -> bool:
    splits = {split_of(label), split_of(image)} - {""}
    return len(splits) < 2


def _candidates(names: list[str], images: list[str], list_files: set[str]) -> list[str]:
    """The text files that may be labels. One that stands exactly where an image's labels belong is one even
    if it is called train.txt or classes.txt: the image is called train.jpg."""
    expected = {_in_labels(beside) for image in images if _in_labels(beside := splitext(image)[0] + ".txt") != beside}
    return [
        name
        for name in with_extension(names, ".txt")
        if name in expected or (name not in list_files and basename(name).lower() not in _NEVER_LABELS)
    ]


def _is_label_file(source: Source, name: str) -> bool:
    try:
        lines = read_lines(source, name)
    except FormatError:
        return False
    return bool(lines) and looks_like_row(lines[0][1])


def _note_orphans(source: Source, candidates: list[str], labels: dict, problems: Problems) -> None:
    """Label files that no image claims; a README.txt is none."""
    claimed = set(labels.values())
    for name in candidates:
        in_labels = "labels" in name.lower().split("/")[:-1]
        if name not in claimed and (in_labels or _is_label_file(source, name)):
            problems.add(name, None, "no image belongs to this label file", Code.LABEL_WITHOUT_IMAGE)


def _invented_names(source: Source, labels: dict, problems: Problems) -> list[str]:
    """class_0, class_1, … up to the highest number in use, where nothing names the classes."""
    highest = -1
    for label in set(filter(None, labels.values())):
        try:
            tokens = [line.split(maxsplit=1)[0] for _number, line in read_lines(source, label)]
        except FormatError:
            continue  # told when its boxes are read
        found = [int(token) for token in tokens if token.isascii() and token.isdigit() and len(token) < 9]
        highest = max([highest, *(number for number in found if number < MAX_CLASSES)])
    reason = "nothing names the classes (data.yaml, obj.names or classes.txt): they are called class_0, class_1, …"
    problems.add("", None, reason, Code.NOTE)
    return [f"class_{number}" for number in range(highest + 1)]


def _read_images(
    source: Source,
    images: list[str],
    labels: dict[str, str | None],
    splits: Splits,
    config: Config,
    classes: Classes,
    problems: Problems,
) -> Iterator[ImageLabels]:
    told: set[str] = set()  # a file that two images share is complained about once
    for image in images:
        label = labels[image]
        found = ImageLabels(basename(image), labelled=False, split=splits.of(image), path=image)
        if label:
            complaints = Problems(limit=0) if label in told else problems
            told.add(label)
            try:
                found.boxes = _read_boxes(source, label, config, classes, complaints)
                found.labelled = True
            except FormatError as error:
                complaints.add_error(error)
        yield found


def _read_boxes(source: Source, file: str, config: Config, classes: Classes, problems: Problems) -> list[Box]:
    boxes: dict[Box, int] = {}
    keypoints_told = False
    for line, text in read_lines(source, file):
        try:
            row = parse_row(text, config.keypoint_values)
        except RowError as error:
            problems.add(file, line, str(error), Code.BAD_VALUE)
            continue
        if row.keypoints and not keypoints_told:
            keypoints_told = True
            problems.add(file, line, "keypoints are left out, the box is kept", Code.SIMPLIFIED)
        box = _box(row, file, line, classes, problems)
        if box:
            first = boxes.setdefault(box, line)
            if first != line:
                problems.add(file, line, f"the same row as line {first}", Code.DUPLICATE)
    return list(boxes)


def _box(row: Row, file: str, line: int, classes: Classes, problems: Problems) -> Box | None:
    place = classes.place(row.class_id)
    if place is None:
        reason = f"class {shown(row.class_id)} is unknown: there are {classes.count}, numbered from 0"
        problems.add(file, line, reason, Code.UNKNOWN_CLASS)
        return None
    box, fault = fit_box(place, row.corners, points=row.points, confidence=row.confidence)
    if fault:
        problems.add(file, line, fault.reason, fault.code)
    return box


FORMAT = Format(
    key="yolo",
    title="YOLO",
    looks_for="YOLO (a .txt file per image with rows of class and coordinates, usually with a data.yaml)",
    recognise=recognise,
    read=read,
    write=write_yolo,
)
