"""The other side of converters.py: datumaro and globox in an environment of their own, asked by lines of JSON.

    {"tool": "datumaro", "do": "read", "format": "coco", "folder": "…", "rounds": 3}
    {"tool": "globox", "do": "write", "format": "yolo", "folder": "…", "rounds": 3, "data": "labels.json"}

It answers a line of JSON: {"seconds": processor time of the best round, "images", "boxes"}, or {"error": "…"}.
"""

import json
import logging
import shutil
import sys
import time
import warnings
from pathlib import Path

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)

ENOUGH = 30  # seconds, after which no further round is made
DATUMARO = {"coco": "coco_instances", "voc": "voc_detection", "yolo": "yolo", "cvat": "cvat"}
DATUMARO_WRITES = {**DATUMARO, "yolo": "yolo_ultralytics"}


def main():
    for line in sys.stdin:
        order = json.loads(line)
        try:
            answer = best(ORDERS[order["tool"], order["do"]], order)
        except Exception as error:  # whatever the tool cannot do is the answer
            answer = {"error": f"{type(error).__name__}: {error}"[:300]}
        print(json.dumps(answer), flush=True)


def best(work, order):
    answer, spent = None, 0
    for _round in range(order["rounds"]):
        run = work(order)
        started = time.process_time()
        images, boxes = run()
        seconds = time.process_time() - started
        if answer is None or seconds < answer["seconds"]:
            answer = {"seconds": seconds, "images": images, "boxes": boxes}
        spent += seconds
        if spent > ENOUGH:
            break
    return answer


def fresh(folder):
    shutil.rmtree(folder, ignore_errors=True)
    Path(folder).mkdir(parents=True)


# --- datumaro ---------------------------------------------------------------------------------------------


def datumaro_read(order):
    from datumaro import Dataset

    def run():
        dataset = Dataset.import_from(order["folder"], DATUMARO[order["format"]])
        counts = [len([a for a in item.annotations if a.type.name == "bbox"]) for item in dataset]
        return len(counts), sum(counts)

    return run


def datumaro_write(order):
    dataset = datumaro_dataset(order)
    fresh(order["folder"])

    def run():
        dataset.export(order["folder"], DATUMARO_WRITES[order["format"]], save_media=order.get("media", False))
        return len(dataset), sum(len(item.annotations) for item in dataset)

    return run


def datumaro_dataset(order):
    from datumaro import Bbox, Dataset, DatasetItem, Image

    data = json.loads(Path(order["data"]).read_text())
    items = []
    for image in data["images"]:
        width, height = image["size"]
        boxes = [
            Bbox(x1 * width, y1 * height, (x2 - x1) * width, (y2 - y1) * height, label=label, id=number, group=number)
            for number, (label, x1, y1, x2, y2) in enumerate(image["boxes"], start=1)
        ]
        media = Image.from_file(path=image["path"], size=(height, width))
        items.append(DatasetItem(Path(image["name"]).stem, subset=image["split"], media=media, annotations=boxes))
    return Dataset.from_iterable(items, categories=data["classes"])


# --- globox -----------------------------------------------------------------------------------------------


def globox_read(order):
    from globox import AnnotationSet

    folder, key = Path(order["folder"]), order["format"]

    def run():
        if key == "coco":  # it reads a file or a folder of images at a time
            parts = [AnnotationSet.from_coco(file) for file in sorted(folder.rglob("instances_*.json"))]
        elif key == "voc":
            parts = [AnnotationSet.from_pascal_voc(folder / "Annotations")]
        elif key == "cvat":
            parts = [AnnotationSet.from_cvat(folder / "annotations.xml")]
        else:
            splits = [(part, folder / "images" / part.name) for part in sorted((folder / "labels").iterdir())]
            parts = [
                AnnotationSet.from_yolo_v5(labels, image_folder=images, image_extension=".png")
                for labels, images in splits
            ]
        return sum(map(len, parts)), sum(part.nb_boxes() for part in parts)

    return run


def globox_write(order):
    found = globox_set(order)
    fresh(order["folder"])
    folder = Path(order["folder"])
    labels = {name: number for number, name in enumerate(json.loads(Path(order["data"]).read_text())["classes"])}

    def run():
        if order["format"] == "coco":
            found.save_coco(folder / "labels.json", auto_ids=True)
        elif order["format"] == "voc":
            found.save_pascal_voc(folder / "Annotations")
        elif order["format"] == "cvat":
            found.save_cvat(folder / "annotations.xml")
        elif order["format"] == "yolo":
            found.save_yolo_v5(folder / "labels", label_to_id=labels)
        else:
            raise ValueError(f"globox does not write {order['format']}")
        return len(found), found.nb_boxes()

    return run


def globox_set(order):
    from globox import Annotation, AnnotationSet, BoundingBox

    data = json.loads(Path(order["data"]).read_text())
    found = AnnotationSet()
    for image in data["images"]:
        width, height = image["size"]
        boxes = [
            BoundingBox(
                label=data["classes"][label], xmin=x1 * width, ymin=y1 * height, xmax=x2 * width, ymax=y2 * height
            )
            for label, x1, y1, x2, y2 in image["boxes"]
        ]
        found.add(Annotation(image_id=image["name"], image_size=(width, height), boxes=boxes))
    return found


ORDERS = {
    ("datumaro", "read"): datumaro_read,
    ("datumaro", "write"): datumaro_write,
    ("globox", "read"): globox_read,
    ("globox", "write"): globox_write,
}


if __name__ == "__main__":
    main()
