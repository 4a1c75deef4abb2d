"""A Label Studio export: tasks.json, `images/<split>/<name>`, and the labelling interface to go with them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from .base import SPLITS, Box, Entry, ImageLabels
from .boxes import corners_of
from .layout import ExportNames, split_folder
from .spool import Spool


def write_labelstudio(
    class_names: Sequence[str],
    images: Iterable[ImageLabels],
    *,
    task: str = "detect",
    category_ids: Sequence[int] | None = None,
    class_colors: Sequence[str] | None = None,
) -> Iterator[Entry]:
    """The files of the export, tasks.json and label_config.xml last.

    Images are named as Label Studio's local files under the archive's folder. A box with a polygon is
    written as the polygon, whatever `task` says; a confidence is the region's score. An image that is not
    labelled is a task without annotations.
    """
    names, count, has_polygons = ExportNames(), 0, False
    with Spool() as tasks:
        for image in images:
            folder = split_folder(image)
            file = f"images/{folder}/{names.name_for(image, folder)}"
            yield Entry(file, image=image)
            has_polygons = has_polygons or any(box.points for box in image.boxes)
            count += 1
            content = json.dumps(task_json(class_names, image, file, count), ensure_ascii=False)
            tasks.write(("[\n" if count == 1 else ",\n") + content)
        tasks.write("\n]\n" if count else "[]\n")
        yield Entry("tasks.json", data=tasks.pieces())
    config = interface(class_names, class_colors or [""] * len(class_names), has_polygons)
    yield Entry("label_config.xml", data=(config.encode(),))


def interface(class_names: Sequence[str], colors: Sequence[str], has_polygons: bool) -> str:
    """The labelling interface in Label Studio's XML."""
    labels = "".join(
        f"    <Label value={quoteattr(name)}{f' background={quoteattr(color)}' if color else ''}/>\n"
        for name, color in zip(class_names, colors, strict=True)
    )
    polygons = f'  <PolygonLabels name="polygon" toName="image">\n{labels}  </PolygonLabels>\n' if has_polygons else ""
    return (
        '<View>\n  <Image name="image" value="$image"/>\n'
        f'  <RectangleLabels name="label" toName="image">\n{labels}  </RectangleLabels>\n{polygons}</View>\n'
    )


def task_json(class_names: Sequence[str], image: ImageLabels, file: str, number: int) -> dict[str, Any]:
    result = [
        _region(class_names[box.class_index], box, image, f"{number}-{place}")
        for place, box in enumerate(image.boxes, start=1)
    ]
    annotations = [{"result": result, "was_cancelled": False, "ground_truth": False}] if image.labelled else []
    return {
        "id": number,
        "data": {
            "image": f"/data/local-files/?d={quote(file)}",
            "split": image.split if image.split in SPLITS else "",
        },
        "annotations": annotations,
        "predictions": [],
    }


def _region(label: str, box: Box, image: ImageLabels, region_id: str) -> dict[str, Any]:
    if box.points:
        kind, name = "polygonlabels", "polygon"
        points = zip(box.points[::2], box.points[1::2], strict=True)
        value = {"points": [[x * 100, y * 100] for x, y in points], "closed": True}
    else:
        kind, name = "rectanglelabels", "label"
        x1, y1, _x2, _y2 = corners_of(box)
        value = {"x": x1 * 100, "y": y1 * 100, "width": box.width * 100, "height": box.height * 100, "rotation": 0}
    region = {
        "id": region_id,
        "type": kind,
        "from_name": name,
        "to_name": "image",
        "image_rotation": 0,
        "value": {**value, kind: [label]},
        "origin": "prediction" if box.source == "model" else "manual",
    }
    if image.width and image.height:
        region |= {"original_width": image.width, "original_height": image.height}
    if box.confidence is not None:
        region["score"] = box.confidence
    return region
