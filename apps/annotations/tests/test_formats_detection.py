import json
import os
from pathlib import Path

import pytest

from apps.annotations.formats import FORMATS, Code, FormatError, UnknownFormatError, detect_format, read
from apps.core.archives import open_archive

from .formats_helpers import MemorySource, box, export, labels, told

BCCD = Path(os.environ.get("BCCD_ZIP") or Path(__file__).parents[3] / "../shared/data/bccd_voc.zip")


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_recognises_its_own_export(format):
    images = [labels("a.jpg", box(), split="train"), labels("b.jpg", box(), split="val")]
    recognition = detect_format(MemorySource(export(format, ["cat"], images)))
    assert recognition.format == format
    assert recognition.reason


def test_other_files_around_the_labels_do_not_mislead():
    files = export("yolo", ["cat"], [labels("a.jpg", box(), split="train")])
    files |= {"package.json": json.dumps({"name": "x"}), ".idea/misc.xml": "<project/>", "notes.txt": "0 1 2"}
    assert detect_format(MemorySource(files)).format == "yolo"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "empty"),
        ({"a.jpg": b"", "b.jpg": b""}, "2 images"),
        ({"a.jpg": b"", "readme.txt": "hello", "x.json": "{", "y.xml": "<a/>", "z.yaml": "a: 1"}, "5 files"),
    ],
)
def test_what_no_format_knows_is_an_error_that_says_what_was_looked_for(files, words):
    with pytest.raises(UnknownFormatError) as caught:
        detect_format(MemorySource(files))
    assert words in str(caught.value)
    assert all(name in str(caught.value) for name in ("YOLO", "COCO", "Pascal VOC"))


def test_an_unknown_format_is_an_error():
    with pytest.raises(FormatError, match="there are yolo, coco, voc"):
        read(MemorySource({}), "excel")


def test_a_damaged_label_file_is_a_problem_and_the_rest_goes_in():
    class Damaged(MemorySource):
        def open(self, name):
            if name == "a.txt":
                raise OSError("bad checksum")
            return super().open(name)

    reading = read(Damaged({"classes.txt": "c", "a.jpg": b"", "a.txt": b"", "b.jpg": b"", "b.txt": b""}), "yolo")
    assert [image.labelled for image in reading.images] == [False, True]
    assert "bad checksum" in next(iter(reading.problems)).reason


def test_problems_beyond_the_limit_are_counted_and_not_kept():
    reading = read(MemorySource({"classes.txt": "c", "a.jpg": b"", "a.txt": "x\n" * 50}), "yolo")
    reading.problems.limit = 10
    list(reading.images)
    assert (len(reading.problems), reading.problems.total) == (10, 50)


def test_problems_that_are_drained_are_handed_out_once_and_stay_counted():
    reading = read(MemorySource({"classes.txt": "c", "a.jpg": b"", "a.txt": "x\n" * 50}), "yolo")
    reading.problems.limit = 40
    list(reading.images)
    assert len(reading.problems.drain()) == 40
    assert not reading.problems.drain()
    reading.problems.add("b.txt", 3, "is odd", Code.NOTE)
    assert [str(problem) for problem in reading.problems.drain()] == ["b.txt, line 3: is odd"]
    assert (reading.problems.total, reading.problems.counts[Code.NOTE]) == (51, 1)


@pytest.mark.skipif(not BCCD.exists(), reason="the blood-cell images (shared/data/bccd_voc.zip) are not here")
def test_the_blood_cell_images_go_in_with_their_two_boxes_without_area_named():
    with open_archive(BCCD) as archive:
        assert detect_format(archive).format == "voc"
        reading = read(archive)
        images = list(reading.images)
    assert reading.class_names == ("Platelets", "RBC", "WBC")
    assert (len(images), sum(len(image.boxes) for image in images)) == (364, 4886)
    assert told(reading) == [
        ("BCCD/Annotations/BloodImage_00338.xml", 158, "no_area"),
        ("BCCD/Annotations/BloodImage_00343.xml", 50, "no_area"),
    ]
