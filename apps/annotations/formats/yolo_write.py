"""A YOLO export that `yolo train` takes as it is.

data.yaml   images/<split>/<name>   labels/<split>/<stem>.txt   <split>: train, val, test, unassigned
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from operator import attrgetter

import yaml

from .base import Box, Entry, FormatError, ImageLabels
from .boxes import corners_of
from .layout import ExportNames, split_folder, stem

_ROW = "%d %.8f %.8f %.8f %.8f\n"
_VALUES = attrgetter("class_index", "x_center", "y_center", "width", "height")


def write_yolo(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, the data.yaml last.

    `task` "detect" writes boxes, "segment" polygons (a box becomes its four corners: Ultralytics refuses
    files that mix both). Confidences are not written: a sixth column is none that training accepts. An
    image that is not labelled gets no label file, which training takes for an image with nothing in it.
    """
    if task not in ("detect", "segment"):
        raise FormatError("", None, f"YOLO labels are written for detect or segment, not for {task}")
    write_rows = _segment_rows if task == "segment" else _detect_rows
    names, folders = ExportNames(), set()
    for image in images:
        folder = split_folder(image)
        folders.add(folder)
        name = names.name_for(image, folder)
        yield Entry(f"images/{folder}/{name}", image=image)
        if image.labelled:
            yield Entry(f"labels/{folder}/{stem(name)}.txt", data=(write_rows(image.boxes).encode(),))
    yield Entry("data.yaml", data=(data_yaml(class_names, folders).encode(),))


def data_yaml(class_names: Sequence[str], folders: Iterable[str]) -> str:
    """The data.yaml for an export with these split folders.

    It has no `path`: Ultralytics then starts from the file's own folder, while `path: .` would mean the
    folder that the command is run in. `train` and `val` must both exist for it; what is missing is stood
    in for, and a comment says so.
    """
    present = set(folders)
    train = next((folder for folder in ("train", "unassigned", "val", "test") if folder in present), "train")
    val = "val" if "val" in present else train
    comments = []
    if train != "train":
        comments.append(f"# No image is in the train split: training would use {train}.")
    if val != "val":
        comments.append("# No image is in the val split: training would be measured on what it learns from.")
    if "unassigned" in present:
        comments.append("# images/unassigned: images in no split.")
    content = {"train": f"images/{train}", "val": f"images/{val}"}
    if "test" in present:
        content["test"] = "images/test"
    content |= {"nc": len(class_names), "names": dict(enumerate(class_names))}
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=10_000)
    return "".join(f"{comment}\n" for comment in comments) + body


def _detect_rows(boxes: Sequence[Box]) -> str:
    return _ROW * len(boxes) % tuple(chain.from_iterable(map(_VALUES, boxes)))


def _segment_rows(boxes: Sequence[Box]) -> str:
    return "".join(map(_segment_row, boxes))


def _segment_row(box: Box) -> str:
    points = box.points
    if not points:
        x1, y1, x2, y2 = corners_of(box)
        points = (x1, y1, x2, y1, x2, y2, x1, y2)
    return f"{box.class_index} {' '.join(f'{min(max(value, 0.0), 1.0):.8f}' for value in points)}\n"
