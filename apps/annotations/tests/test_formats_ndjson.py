import json

import pytest

from apps.annotations.formats import Code, FormatError

from .formats_helpers import box, export, labels, read_all, told

HEADER = {"format": "yolotrainer", "version": 1, "task": "detect", "classes": [{"key": 4, "name": "cat"}]}
ROW = {"class_index": 0, "x_center": 0.5, "y_center": 0.5, "width": 0.25, "height": 0.25}


def lines(*rows, header=HEADER):
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in (header, *rows))


def image(*boxes, file="images/a.jpg", **more):
    return {"file": file, "labelled": True, "boxes": list(boxes), **more}


def read_one(*rows, header=HEADER):
    return read_all({"dataset.ndjson": lines(*rows, header=header), "images/a.jpg": b"", "images/b.jpg": b""})


def test_export_then_import_gives_everything_back_to_the_last_bit():
    history = {
        "number": 1, "author": "alice", "time": "2026-01-02T03:04:05+00:00", "kind": "edit",
        "annotations": [{**ROW, "points": [[0.1, 0.2], [0.3, 0.1], [0.2, 0.4]], "confidence": 0.5, "source": "model"}],
    }  # fmt: skip
    extra = {
        "group": "film 1",
        "tags": ["night", "rain"],
        "state": "reviewed",
        "source": "a.zip",
        "revisions": [history],
    }
    triangle = box(1, 0.3, 0.4, 0.4, 0.4, points=(0.1, 0.2, 0.5, 0.2, 0.3, 0.6), source="imported")
    images = [
        labels(
            "z.jpg", box(1, 1 / 3, 0.1 + 0.2, 1 / 7, 1e-7, confidence=0.1, source="model"), split="val", extra=extra
        ),
        labels("a  b.jpg", triangle, box(0, source="manual"), split="train"),
        labels("z.jpg", split="test", width=None, height=None),
        labels("c.jpg", labelled=False),
    ]
    colors, ids = ["#ff0000", "#00ff00", ""], [8, 1, 3]
    files = export(
        "ndjson", ["dog", "Zelle: weiß", "unused"], images, task="segment", category_ids=ids, class_colors=colors
    )
    reading, found = read_all(files)
    assert reading.class_names == ("dog", "Zelle: weiß", "unused")
    assert (reading.category_ids, reading.colors, reading.task) == (tuple(ids), tuple(colors), "segment")
    assert not reading.problems.total
    for before, after in zip(images, [found[path] for path in files if path.startswith("images/")], strict=True):
        for field in ("filename", "boxes", "labelled", "split", "width", "height", "extra"):
            assert getattr(after, field) == getattr(before, field), field


def test_an_image_without_a_line_is_unlabelled_and_in_the_split_of_its_folder():
    _reading, images = read_all({"dataset.ndjson": lines(), "images/train/a.jpg": b""})
    assert [(i.labelled, i.split) for i in images.values()] == [(False, "train")]


def test_byte_order_mark_and_windows_line_ends():
    text = "\ufeff" + lines(image(ROW)).replace("\n", "\r\n")
    _reading, images = read_all({"dataset.ndjson": text, "images/a.jpg": b""})
    assert len(images["images/a.jpg"].boxes) == 1


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ("{", Code.UNREADABLE, "is not valid JSON"),
        ("[" * 100_000, Code.UNREADABLE, "nested"),
        ("[1]", Code.UNREADABLE, "no JSON object"),
        ({"boxes": []}, Code.BAD_VALUE, "names no file"),
        (image(file="gone.jpg"), Code.IMAGE_MISSING, "gone.jpg is not in the archive"),
        (image(file="images/a.jpg"), Code.DUPLICATE, "line 2 already"),
        (image(7, file="b.jpg"), Code.BAD_VALUE, "box 1 is no object: 7"),
        (image(ROW, {**ROW, "class_index": 1}, file="b.jpg"), Code.UNKNOWN_CLASS, "box 2: class 1 is unknown"),
        (image({**ROW, "class_index": "0"}, file="b.jpg"), Code.UNKNOWN_CLASS, "there are 1"),
        (image({**ROW, "width": None}, file="b.jpg"), Code.BAD_VALUE, "finite numbers"),
        (image({**ROW, "width": 0}, file="b.jpg"), Code.NO_AREA, "no area"),
        (image({**ROW, "x_center": 3}, file="b.jpg"), Code.OUTSIDE, "outside"),
        (image({**ROW, "x_center": 0.9}, file="b.jpg"), Code.CLIPPED, "2.5 % at the right"),
        (image({**ROW, "points": [[1, 2]]}, file="b.jpg"), Code.SIMPLIFIED, "no polygon"),
        (image({**ROW, "points": [[0.4, 0.4], [1.5, 0.5], [0.5, 0.6]]}, file="b.jpg"), Code.CLIPPED, "polygon"),
        (image({**ROW, "confidence": 7}, file="b.jpg"), Code.SIMPLIFIED, "confidence 7"),
        (image(file="b.jpg", tags="x"), Code.SIMPLIFIED, "tags"),
        (image(file="b.jpg", tags=["x", 7, {}]), Code.SIMPLIFIED, "tags"),
        (image(file="b.jpg", group=[1]), Code.SIMPLIFIED, "group"),
        (image(file="b.jpg", revisions=[{"number": "x"}]), Code.SIMPLIFIED, "revision"),
        (image(file="b.jpg", revisions=[{"number": 3, "annotations": [{}, ROW]}]), Code.SIMPLIFIED, "revision 3: 1"),
        ({"file": "b.jpg", "boxes": {}}, Code.BAD_VALUE, "boxes is no list"),
    ],
)
def test_what_cannot_go_in_as_it_is_is_named_with_its_line(row, code, words):
    reading, _images = read_one(image(ROW), row)
    assert told(reading) == [("dataset.ndjson", 3, code)]
    assert words in next(iter(reading.problems)).reason


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ({**HEADER, "version": 2}, "version 2"),
        ({**HEADER, "version": "1"}, "version 1"),
        ({**HEADER, "classes": {}}, "classes must be a list"),
        ({**HEADER, "classes": [7]}, "class 0 needs a name"),
        ({**HEADER, "classes": [{"name": "a", "key": -1}]}, "class 0 needs"),
        ({**HEADER, "classes": [{"name": "a"}, {"name": "a"}]}, "the same name"),
        ({**HEADER, "classes": [{"name": "a", "key": 1}, {"name": "b", "key": 1}]}, "the same key"),
    ],
)
def test_a_header_that_cannot_be_used_is_an_error_in_words(header, words):
    with pytest.raises(FormatError, match=words) as caught:
        read_one(header=header)
    assert (caught.value.file, caught.value.line) == ("dataset.ndjson", 1)


def test_a_second_data_set_in_the_archive_is_noted():
    reading, _images = read_all({"a/dataset.ndjson": lines(), "b/dataset.ndjson": lines(), "a/images/a.jpg": b""})
    assert [(problem.file, problem.code) for problem in reading.problems] == [("b/dataset.ndjson", Code.NOTE)]
