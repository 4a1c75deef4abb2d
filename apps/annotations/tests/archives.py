"""Small archives of labelled pictures, as other tools pack them."""

import io
import json
import zipfile

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from conftest import picture

WIDE, HIGH = 80, 40
EXIF_ORIENTATION = 0x0112


def photo(number):
    """A PNG of 80 × 40, different for each number."""
    return picture(WIDE, HIGH, seed=number)


def sideways():
    """A JPEG stored as 80 × 40, left half red, that people see as 40 × 80, upper half red."""
    stored = Image.new("RGB", (WIDE, HIGH), "blue")
    stored.paste("red", (0, 0, WIDE // 2, HIGH))
    exif = Image.Exif()
    exif[EXIF_ORIENTATION] = 6
    out = io.BytesIO()
    stored.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue()


def packed(files, name="labels.zip"):
    """The files as an uploaded zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return SimpleUploadedFile(name, out.getvalue())


def voc_xml(*things, filename="a.png", size=(WIDE, HIGH)):
    """Pascal VOC of things, each (class name, xmin, ymin, xmax, ymax)."""
    tags = ("xmin", "ymin", "xmax", "ymax")
    objects = ""
    for name, *corners in things:
        edges = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, corners, strict=True))
        objects += f"<object><name>{name}</name><bndbox>{edges}</bndbox></object>"
    pixels = f"<size><width>{size[0]}</width><height>{size[1]}</height><depth>3</depth></size>"
    return f"<annotation><filename>{filename}</filename>{pixels}{objects}</annotation>"


def voc():
    """Three pictures: a red box, a white and a red one, and one that nobody labelled. The first is in train."""
    return {
        "VOC/JPEGImages/a.png": photo(1),
        "VOC/JPEGImages/b.png": photo(2),
        "VOC/JPEGImages/c.png": photo(3),
        "VOC/Annotations/a.xml": voc_xml(("red", 20, 10, 60, 30)),
        "VOC/Annotations/b.xml": voc_xml(("white", 0, 0, 40, 20), ("red", 40, 20, 80, 40), filename="b.png"),
        "VOC/ImageSets/Main/train.txt": "a\n",
        "VOC/ImageSets/Main/val.txt": "b\n",
    }


def yolo():
    """The same as `voc`."""
    return {
        "data.yaml": "train: images/train\nval: images/val\nnames: [white, red]\n",
        "images/train/a.png": photo(1),
        "images/val/b.png": photo(2),
        "images/rest/c.png": photo(3),
        "labels/train/a.txt": "1 0.5 0.5 0.5 0.5\n",
        "labels/val/b.txt": "0 0.25 0.25 0.5 0.5\n1 0.75 0.75 0.5 0.5\n",
    }


def coco():
    """The same as `voc`; COCO cannot say that nobody looked at a picture that it names, so it does not name c.png."""

    def part(number, name, *boxes):
        things = [
            {"id": 10 * number + i, "image_id": number, "category_id": c, "bbox": b, "area": b[2] * b[3], "iscrowd": 0}
            for i, (c, *b) in enumerate(boxes)
        ]
        images = [{"id": number, "file_name": name, "width": WIDE, "height": HIGH}]
        return json.dumps({"images": images, "annotations": things, "categories": CATEGORIES})

    return {
        "annotations/instances_train.json": part(1, "a.png", (7, 20, 10, 40, 20)),
        "annotations/instances_val.json": part(2, "b.png", (5, 0, 0, 40, 20), (7, 40, 20, 40, 20)),
        "train/a.png": photo(1),
        "val/b.png": photo(2),
        "c.png": photo(3),
    }


CATEGORIES = [{"id": 5, "name": "white"}, {"id": 7, "name": "red"}]
