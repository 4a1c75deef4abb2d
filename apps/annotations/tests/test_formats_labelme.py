import json

import pytest

from apps.annotations.formats import Code, FormatError

from .formats_helpers import box, export, labels, png, read_all, told


def shape(label="cat", points=((160, 120), (480, 360)), kind="rectangle", **more):
    return {"label": label, "points": [list(point) for point in points], "shape_type": kind, **more}


def labelme(*shapes, image="a.jpg", size=(640, 480), **more):
    content = {"version": "5.0.1", "flags": {}, "shapes": list(shapes), "imagePath": image, "imageData": None, **more}
    return json.dumps(content | ({"imageWidth": size[0], "imageHeight": size[1]} if size else {}), indent=1)


def read_one(*shapes, **more):
    return read_all({"a.json": labelme(*shapes, **more), "a.jpg": png(640, 480)}, "labelme")


def test_rectangles_and_polygons():
    reading, images = read_one(
        shape(), shape("dog", [(160, 120), (480, 120), (480, 360)], "polygon"), shape(points=[(480, 60), (320, 30)])
    )
    assert (reading.format, reading.class_names) == ("labelme", ("cat", "dog"))
    plain, polygon, drawn_upwards = images["a.jpg"].boxes
    assert (plain.x_center, plain.width, plain.points) == (0.5, 0.5, None)
    assert polygon.points == pytest.approx((0.25, 0.25, 0.75, 0.25, 0.75, 0.75))
    assert (drawn_upwards.x_center, drawn_upwards.height) == pytest.approx((0.625, 0.0625))
    assert not reading.problems.total


def test_a_circle_becomes_a_polygon_and_a_mask_its_box():
    reading, images = read_one(
        shape(points=[(320, 240), (320, 288)], kind="circle"),
        shape(points=[(0, 0), (64, 48)], kind="mask", mask="iVBO"),
    )
    circle, mask = images["a.jpg"].boxes
    assert (circle.width, circle.height, len(circle.points)) == (pytest.approx(0.15), pytest.approx(0.2), 128)
    assert (mask.width, mask.points) == (pytest.approx(0.1), None)
    assert [code for _file, _line, code in told(reading)] == [Code.SIMPLIFIED] * 2


def test_a_turned_rectangle_of_its_successors_stays_a_polygon():
    _reading, images = read_one(shape(points=[(10, 0), (20, 10), (10, 20), (0, 10)], kind="rotation"))
    assert len(images["a.jpg"].boxes[0].points) == 8


def test_the_copy_of_the_image_is_passed_over_whatever_its_size():
    data = "A" * 20_000_000
    text = labelme(shape(), imageData=data).replace('"version"', f'"imageData": "{data}\\"\\\\",\n"version"', 1)
    reading, images = read_all({"a.json": text, "a.jpg": b""})
    assert len(images["a.jpg"].boxes) == 1
    assert not reading.problems.total


def test_the_file_beside_the_image_counts_even_where_its_path_is_left_over_from_a_copy():
    _reading, images = read_all(
        {"a.json": labelme(shape()), "b.json": labelme(shape(), shape("dog")), "a.jpg": b"", "b.jpg": b""}
    )
    assert [len(image.boxes) for image in images.values()] == [1, 2]


def test_of_two_extensions_the_written_one_is_meant():
    _reading, images = read_all({"a.json": labelme(shape(), image="..\\x\\a.png"), "a.jpg": b"", "a.png": b""})
    assert [image.labelled for image in images.values()] == [False, True]


def test_a_path_of_another_machine_finds_an_image_of_another_name():
    files = {"labels/1.json": labelme(shape(), image="..\\images\\a.jpg"), "images/a.jpg": b"", "images/b.jpg": b""}
    _reading, images = read_all(files)
    assert [image.labelled for image in images.values()] == [True, False]


def test_splits_are_folders_and_a_class_list_gives_the_order():
    reading, images = read_all(
        {
            "set/train/a.jpg": b"",
            "set/train/a.json": labelme(shape("cat")),
            "set/valid/a.jpg": b"",
            "set/valid/a.json": labelme(),
            "set/labels.txt": "__ignore__\n_background_\ndog\ncat\n",
        }
    )
    assert reading.class_names == ("dog", "cat")
    assert [(i.split, i.labelled, len(i.boxes)) for i in images.values()] == [("train", True, 1), ("val", True, 0)]


def test_the_size_of_an_image_is_looked_up_where_the_file_does_not_say():
    _reading, images = read_one(shape(), size=None)
    assert images["a.jpg"].boxes[0].width == 0.5


@pytest.mark.parametrize(
    ("entry", "code", "words"),
    [
        (shape(points=[(10, 10), (10, 20)]), Code.NO_AREA, "no area (0 × 10 px)"),
        (shape(points=[(700, 10), (720, 20)]), Code.OUTSIDE, "outside"),
        (shape(points=[(600, 10), (650, 20)]), Code.CLIPPED, "10 px at the right"),
        (shape(points=[(600, 10)]), Code.BAD_VALUE, "1 points are too few for a rectangle"),
        (shape(points=[("x", 10), (650, 20)]), Code.BAD_VALUE, "list of points"),
        (shape(points=[(1, float("nan")), (650, 20)]), Code.BAD_VALUE, "list of points"),
        (shape(points=[(1, 1), (2, 2)], kind="polygon"), Code.BAD_VALUE, "too few for a polygon"),
        (shape(label=""), Code.BAD_VALUE, "label"),
        (shape(label=None), Code.BAD_VALUE, "label"),
        (shape(kind="line"), Code.UNSUPPORTED, "type line is neither"),
        (shape(kind="point", points=[(1, 1)]), Code.UNSUPPORTED, "point"),
        (shape(kind=["x"]), Code.UNSUPPORTED, "neither"),
        (7, Code.BAD_VALUE, "label"),
        (shape(), Code.DUPLICATE, "the same box"),
    ],
)
def test_a_shape_that_cannot_go_in_as_it_is_is_named_with_its_line(entry, code, words):
    reading, _images = read_one(shape(), entry)
    (problem,) = reading.problems
    assert (problem.file, problem.code) == ("a.json", code)
    lines = labelme(shape(), entry).split("\n")
    assert lines[problem.line - 1].strip() in ("{", "7")
    assert problem.line > lines.index("  },")
    assert words in problem.reason


def test_labels_without_image_and_other_json_are_told():
    reading, images = read_all(
        {
            "gone.json": labelme(shape(), image="gone.jpg"),
            "a.json": labelme(shape()),
            "A.JSON": labelme(shape()),
            "a.jpg": b"",
            "package.json": '{"name": "x"}',
            "broken.json": labelme(shape())[:-9],
        }
    )
    assert sorted(told(reading)) == [
        ("a.json", None, Code.DUPLICATE),
        ("broken.json", 23, Code.UNREADABLE),
        ("gone.json", None, Code.IMAGE_MISSING),
    ]
    assert [(p.file, p.code) for p in reading.problems if p.effect == "note"] == [("package.json", Code.NOTE)]
    assert images["a.jpg"].labelled


def test_an_image_whose_size_nobody_knows_is_a_problem():
    reading, images = read_all({"a.json": labelme(shape(), size=None), "a.jpg": b"<html>"})
    assert told(reading) == [("a.jpg", None, Code.UNREADABLE)]
    assert not images["a.jpg"].labelled


def test_byte_order_mark_and_windows_line_ends():
    text = "\ufeff" + labelme(shape()).replace("\n", "\r\n")
    _reading, images = read_all({"a.json": text, "a.jpg": b""})
    assert len(images["a.jpg"].boxes) == 1


def test_an_export_lies_beside_its_images():
    files = export("labelme", ["cat", "dog"], [labels("a.jpg", box(1), split="val"), labels("b.jpg", labelled=False)])
    assert list(files) == ["val/a.jpg", "val/a.json", "unassigned/b.jpg", "classes.txt"]
    content = json.loads(files["val/a.json"])
    assert content["shapes"][0]["points"] == [[240.0, 180.0], [400.0, 300.0]]
    assert (content["imagePath"], content["imageData"]) == ("a.jpg", None)


def test_an_export_names_the_image_whose_size_is_missing():
    with pytest.raises(FormatError, match=r"a\.jpg"):
        export("labelme", ["cat"], [labels("a.jpg", width=None)])
