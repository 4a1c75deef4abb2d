"""Archives as they are met in the wild, from hand-written files through the archive reader to the labels.

What datumaro, globox, Roboflow, CVAT, labelImg and Darknet write is imitated here; benchmarks/converters.py
reads the real things.
"""

import io
import json
import tarfile
import zipfile

import pytest

from apps.annotations.formats import FORMATS, Code, detect_format, read
from apps.core.archives import open_archive

from .formats_helpers import MemorySource, box, export, labels, told

ROW = "0 0.5 0.5 0.25 0.25\n"


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    out.seek(0)
    return out


def tarred(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    out.seek(0)
    return out


def folder_of(files, root):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def read_zip(files, format):
    """(reading, {path: (split, labelled, number of boxes)}) of a zip that must be recognised as `format`."""
    with open_archive(zipped(files)) as archive:
        assert detect_format(archive).format == format
        reading = read(archive)
        found = {image.path: (image.split, image.labelled, len(image.boxes)) for image in reading.images}
    assert len(found) == reading.image_count
    return reading, found


def voc(*names, filename="a.jpg"):
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>50</xmax><ymax>60</ymax></bndbox></object>"
        for name in names
    )
    size = "<size><width>100</width><height>100</height><depth>3</depth></size>"
    return f"<annotation><filename>{filename}</filename>{size}{objects}</annotation>"


def coco(images, annotations, categories=("cat", "dog")):
    return json.dumps(
        {
            "info": {},
            "licenses": [],
            "images": [{"id": n, "file_name": name, "width": 100, "height": 100} for n, name in enumerate(images, 1)],
            "annotations": [
                {
                    "id": n,
                    "image_id": image,
                    "category_id": category,
                    "bbox": [10, 10, 20, 20],
                    "area": 400,
                    "iscrowd": 0,
                }
                for n, (image, category) in enumerate(annotations, 1)
            ],
            "categories": [{"id": n, "name": name, "supercategory": ""} for n, name in enumerate(categories, 1)],
        }
    )


def test_roboflow_yolo_with_train_valid_and_test():
    names = "names: ['cat', 'dog']\nroboflow:\n  workspace: x\n  url: https://universe.roboflow.com/x\n"
    reading, found = read_zip(
        {
            "README.dataset.txt": "# cells > 2024\n",
            "README.roboflow.txt": "cells - v1\n",
            "data.yaml": f"train: ../train/images\nval: ../valid/images\ntest: ../test/images\n\nnc: 2\n{names}",
            "train/images/a_jpg.rf.0123.jpg": b"",
            "train/labels/a_jpg.rf.0123.txt": "1 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2",
            "valid/images/b_jpg.rf.4567.jpg": b"",
            "valid/labels/b_jpg.rf.4567.txt": "",
            "test/images/c_jpg.rf.89ab.jpg": b"",
            "test/labels/c_jpg.rf.89ab.txt": ROW,
        },
        "yolo",
    )
    assert reading.class_names == ("cat", "dog")
    assert list(found.values()) == [("test", True, 1), ("train", True, 1), ("val", True, 0)]
    assert not reading.problems.total


def test_roboflow_coco_and_voc_have_a_file_or_many_in_each_folder():
    _reading, found = read_zip(
        {
            "train/_annotations.coco.json": coco(["a.jpg"], [(1, 1)]),
            "train/a.jpg": b"",
            "valid/_annotations.coco.json": coco(["a.jpg"], [(1, 2), (1, 1)]),
            "valid/a.jpg": b"",
        },
        "coco",
    )
    assert list(found.values()) == [("train", True, 1), ("val", True, 2)]
    _reading, found = read_zip(
        {"train/a.jpg": b"", "train/a.xml": voc("cat"), "test/a.jpg": b"", "test/a.xml": voc()}, "voc"
    )
    assert list(found.values()) == [("test", True, 0), ("train", True, 1)]


@pytest.mark.parametrize(
    "names",
    ["names: [no, 'on']", "names:\n  0: no\n  1: 'on'\n", "nc: 2\nnames:\n- no\n- 'on'\n", "names: {0: no, 1: on}"],
)
def test_ultralytics_images_and_labels_with_names_as_list_and_as_map_and_with_path(names):
    text = f"path: ../datasets/coco8  # root dir\ntrain: images/train  # 4 images\nval: images/val\ntest:\n{names}\n"
    reading, found = read_zip(
        {
            "coco8/coco8.yaml": text,
            "coco8/images/train/x/1.jpg": b"",
            "coco8/images/val/2.jpg": b"",
            "coco8/images/val/3.jpg": b"",
            "coco8/labels/train/x/1.txt": ROW + "1 0.2 0.2 0.1 0.1\n",
            "coco8/labels/val/2.txt": "\n",
            "coco8/labels/train.cache": b"\x80\x04",
        },
        "yolo",
    )
    assert reading.class_names == ("no", "on")
    assert list(found.values()) == [("train", True, 2), ("val", True, 0), ("val", False, 0)]


def test_ultralytics_lists_of_images_as_splits():
    _reading, found = read_zip(
        {
            "data.yaml": "path: /data/x\ntrain: train.txt\nval: autosplit_val.txt\nnames: [a]",
            "train.txt": "./images/1.jpg\n./images/2.jpg\n",
            "autosplit_val.txt": "/data/x/images/3.jpg\n",
            "images/1.jpg": b"",
            "images/2.jpg": b"",
            "images/3.jpg": b"",
            "labels/1.txt": ROW,
        },
        "yolo",
    )
    assert [split for split, _labelled, _boxes in found.values()] == ["train", "train", "val"]


def test_darknet_as_cvat_and_datumaro_write_it():
    reading, found = read_zip(
        {
            "obj.data": "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
            "obj.names": "cat\ndog\n",
            "train.txt": "data/obj_train_data/sub/a.jpg\n",
            "valid.txt": "data/obj_valid_data/b.jpg\n",
            "obj_train_data/sub/a.jpg": b"",
            "obj_train_data/sub/a.txt": ROW,
            "obj_valid_data/b.jpg": b"",
            "obj_valid_data/b.txt": "",
        },
        "yolo",
    )
    assert reading.class_names == ("cat", "dog")
    assert list(found.values()) == [("train", True, 1), ("val", True, 0)]
    assert not reading.problems.total


def test_voc_devkit_with_image_sets_and_flags_of_a_class():
    reading, found = read_zip(
        {
            "VOCdevkit/VOC2007/JPEGImages/000001.jpg": b"",
            "VOCdevkit/VOC2007/JPEGImages/000002.jpg": b"",
            "VOCdevkit/VOC2007/JPEGImages/000003.jpg": b"",
            "VOCdevkit/VOC2007/Annotations/000001.xml": voc("dog", filename="000001.jpg"),
            "VOCdevkit/VOC2007/Annotations/000002.xml": voc("cat", "dog", filename="000002.jpg"),
            "VOCdevkit/VOC2007/ImageSets/Main/train.txt": "000001\n",
            "VOCdevkit/VOC2007/ImageSets/Main/val.txt": "000002\n",
            "VOCdevkit/VOC2007/ImageSets/Main/trainval.txt": "000001\n000002\n",
            "VOCdevkit/VOC2007/ImageSets/Main/test.txt": "000003\n",
            "VOCdevkit/VOC2007/ImageSets/Main/dog_trainval.txt": "000001  1\n000002 -1\n",
        },
        "voc",
    )
    assert reading.class_names == ("cat", "dog")
    assert list(found.values()) == [("train", True, 1), ("val", True, 2), ("test", False, 0)]
    assert not reading.problems.total


def test_labelimg_writes_its_xml_beside_the_image_or_anywhere():
    xml = voc("cat").replace("<filename>", "<folder>images</folder><filename>").replace(
        "<size>", "<path>C:\\Users\\me\\images\\a.jpg</path><source><database>Unknown</database></source><size>"
    )  # fmt: skip
    _reading, found = read_zip({"images/a.jpg": b"", "images/a.xml": xml, "labels/b.xml": xml, "b.jpg": b""}, "voc")
    assert list(found.values()) == [("", True, 1), ("", True, 1)]


def test_coco_of_datumaro_with_a_json_for_each_subset():
    reading, found = read_zip(
        {
            "annotations/instances_train.json": coco(["x/a.jpg", "b.jpg"], [(1, 1), (2, 2)]),
            "annotations/instances_val.json": coco(["c.jpg"], []),
            "annotations/captions_val.json": json.dumps(
                {"annotations": [{"id": 1, "image_id": 1, "caption": "a cat"}]}
            ),
            "images/train/x/a.jpg": b"",
            "images/train/b.jpg": b"",
            "images/val/c.jpg": b"",
        },
        "coco",
    )
    assert reading.class_names == ("cat", "dog")
    assert list(found.values()) == [("train", True, 1), ("train", True, 1), ("val", True, 0)]


def test_cvat_of_datumaro_with_an_xml_for_each_subset_and_no_subset_in_it():
    meta = "<meta><task><labels><label><name>cat</name><attributes>\n</attributes></label></labels></task></meta>"
    shape = '<box label="cat" occluded="0" xtl="12.35" ytl="10.0" xbr="50.0" ybr="30.0" z_order="0">\n</box>'
    image = f'<image id="0" name="a.jpg" width="100" height="50">\n{shape}\n</image>'
    xml = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n{meta}\n{image}</annotations>'
    )
    reading, found = read_zip(
        {"train.xml": xml, "val.xml": xml, "images/train/a.jpg": b"", "images/val/a.jpg": b""}, "cvat"
    )
    assert (reading.class_names, list(found.values())) == (("cat",), [("train", True, 1), ("val", True, 1)])
    assert not reading.problems.total


def test_globox_writes_labels_alone_without_names_of_classes_or_meta():
    reading, found = read_zip({"labels/a.txt": "1 0.31172835 0.4 0.3765433 0.4\n", "images/a.jpg": b""}, "yolo")
    assert (reading.class_names, list(found.values())) == (("class_0", "class_1"), [("", True, 1)])
    box = '<box label="dog" xtl="12.34567" ytl="10.0" xbr="50.0" ybr="30.0" />'
    xml = f'<annotations><image name="a.jpg" width="100" height="50">{box}</image></annotations>'
    reading, found = read_zip({"annotations.xml": xml, "images/a.jpg": b""}, "cvat")
    assert (reading.class_names, list(found.values())) == (("dog",), [("", True, 1)])


def test_voc_of_datumaro_with_a_labelmap_and_a_background():
    reading, found = read_zip(
        {
            "Annotations/a.xml": voc("dog").replace("<depth>3<", "<depth>100<"),
            "ImageSets/Main/train.txt": "a\n",
            "labelmap.txt": "# label:color_rgb:parts:actions\nbackground:::\ndog:::\ncat:::\n",
            "JPEGImages/a.jpg": b"",
        },
        "voc",
    )
    assert (reading.class_names, list(found.values())) == (("dog", "cat"), [("train", True, 1)])


def test_images_of_one_stem_with_two_extensions_keep_their_own_labels():
    _reading, found = read_zip(
        {"a.jpg": b"", "a.png": b"", "l.json": coco(["a.png", "a.jpg"], [(1, 1), (2, 1), (2, 2)])}, "coco"
    )
    assert [boxes for _split, _labelled, boxes in found.values()] == [2, 1]
    _reading, found = read_zip({"i/a.jpg": b"", "i/a.png": b"", "x/a.xml": voc("c", filename="a.png")}, "voc")
    assert [labelled for _split, labelled, _boxes in found.values()] == [False, True]


@pytest.mark.parametrize("format", FORMATS)
def test_windows_paths_in_the_archive(format):
    files = export(format, ["cat", "dog"], [labels("a.jpg", box(1), split="train"), labels("b.jpg", split="val")])
    reading, found = read_zip({name.replace("/", "\\"): content for name, content in files.items()}, format)
    assert sorted(found.values()) == [("train", True, 1), ("val", True, 0)]
    assert reading.class_names == ("cat", "dog")


@pytest.mark.parametrize("format", FORMATS)
def test_windows_line_ends_and_byte_order_marks(format):
    files = export(format, ["cat", "dog"], [labels("a.jpg", box(1), split="train"), labels("b.jpg", split="val")])
    changed = {
        name: content if isinstance(content, str) else b"\xef\xbb\xbf" + content.replace(b"\n", b"\r\n")
        for name, content in files.items()
    }
    reading, found = read_zip(changed, format)
    assert sorted(found.values()) == [("train", True, 1), ("val", True, 0)]
    assert reading.class_names == ("cat", "dog")
    assert not reading.problems.total


@pytest.mark.parametrize("format", FORMATS)
def test_a_zip_a_tar_and_a_folder_are_read_alike_in_a_folder_of_any_name(format, tmp_path):
    files = export(format, ["cat"], [labels("a.jpg", box(), split="train"), labels("b.jpg", split="test")])
    files = {f"my data/{name}": content for name, content in files.items()}
    files |= {"__MACOSX/my data/._a.jpg": b"\0", "my data/.DS_Store": b"\0", "my data/Thumbs.db": b"\0"}
    for source in (zipped(files), tarred(files), folder_of(files, tmp_path)):
        with open_archive(source) as archive:
            reading = read(archive)
            found = [(image.filename, image.split, len(image.boxes)) for image in reading.images]
        assert (reading.format, reading.class_names) == (format, ("cat",))
        assert sorted(found) == [("a.jpg", "train", 1), ("b.jpg", "test", 0)]
        assert not reading.problems.total


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_takes_the_archive_of_another_for_its_own(format):
    images = [labels("a.jpg", box(), split="train"), labels("b.jpg", split="val"), labels("c.jpg", labelled=False)]
    for task in ("detect", "segment"):
        source = MemorySource(export(format, ["cat", "dog"], images, task=task))
        scores = {key: known.recognise(source).score for key, known in FORMATS.items()}
        assert scores.pop(format) >= 0.8
        assert not any(scores.values()), scores


@pytest.mark.parametrize("format", FORMATS)
def test_images_that_are_missing_and_labels_without_images_are_reported(format):
    images = [labels("a.jpg", box(), split="train"), labels("b.jpg", box(), split="train")]
    files = {name: content for name, content in export(format, ["cat"], images).items() if content != "b.jpg"}
    reading = read(MemorySource(files), format)
    assert [image.filename for image in reading.images] == ["a.jpg"]
    problems = [(file, code) for file, _line, code in told(reading) if file]
    assert problems
    assert {code for _file, code in problems} <= {Code.IMAGE_MISSING, Code.LABEL_WITHOUT_IMAGE}
