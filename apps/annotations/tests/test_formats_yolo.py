import pytest

from apps.annotations.formats import Code, FormatError

from .formats_helpers import box, export, labels, read_all, told

ROW = "0 0.5 0.5 0.25 0.25\n"


def only_box(files):
    reading, images = read_all(files, "yolo")
    boxes = [box for image in images.values() for box in image.boxes]
    assert len(boxes) == 1, list(reading.problems)
    return boxes[0]


def test_roboflow_layout_with_names_as_a_list():
    reading, images = read_all(
        {
            "data.yaml": "train: ../train/images\nval: ../valid/images\ntest: ../test/images\n"
            "nc: 2\nnames: ['cat', 'dog']\n",
            "train/images/a.jpg": b"",
            "train/labels/a.txt": ROW,
            "valid/images/b.jpg": b"",
            "valid/labels/b.txt": "1 0.5 0.5 0.1 0.1\n",
            "test/images/c.jpg": b"",
            "README.roboflow.txt": "cells - v1\n",
        }
    )
    assert reading.class_names == ("cat", "dog")
    assert [image.split for image in images.values()] == ["test", "train", "val"]
    assert images["valid/images/b.jpg"].boxes[0].class_index == 1
    assert not images["test/images/c.jpg"].labelled
    assert not list(reading.problems)


def test_ultralytics_layout_in_a_folder_with_path_and_names_as_a_map():
    reading, images = read_all(
        {
            "shapes/data.yaml": "path: /home/me/shapes\ntrain: images/one\nval: images/two\n"
            "names:\n  0: no\n  1: 1.0\n",
            "shapes/images/one/sub/a.jpg": b"",
            "shapes/labels/one/sub/a.txt": "1 0.5 0.5 0.25 0.25\n",
            "shapes/images/two/b.jpg": b"",
            "shapes/labels/two/b.txt": "",
            "__MACOSX/shapes/images/one/sub/._a.jpg": b"",
        }
    )
    assert reading.class_names == ("no", "1.0")  # as written, not False and a number
    a, b = images.values()
    assert (a.filename, a.boxes[0].class_index) == ("a.jpg", 1)
    assert (b.split, b.labelled, list(b.boxes)) == ("val", True, [])


def test_darknet_layout_with_obj_names_and_lists_of_images():
    reading, images = read_all(
        {
            "obj.data": "train = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n",
            "obj.names": "cat\r\ndog\r\n",
            "train.txt": "data/obj_train_data/a.jpg\ndata/obj_train_data/gone.jpg\n",
            "valid.txt": "data\\obj_train_data\\b.png\n",
            "obj_train_data/a.jpg": b"",
            "obj_train_data/a.txt": ROW,
            "obj_train_data/b.png": b"",
            "obj_train_data/b.txt": "",
        }
    )
    assert reading.class_names == ("cat", "dog")
    assert [image.split for image in images.values()] == ["train", "val"]
    assert told(reading) == [("train.txt", 2, Code.IMAGE_MISSING)]


def test_classes_txt_and_labels_in_a_folder_of_their_own():
    reading, images = read_all(
        {"pictures/a.jpg": b"", "txt/a.txt": ROW, "txt/classes.txt": "\ufeffcat\n", "pictures/b.jpg": b""}
    )
    assert reading.class_names == ("cat",)
    assert [image.labelled for image in images.values()] == [True, False]


def test_labels_of_another_split_are_not_taken_for_an_image_of_the_same_name():
    reading, images = read_all(
        {"names.yaml": "names: [cat]", "images/train/a.jpg": b"", "labels/val/a.txt": ROW}, "yolo"
    )
    assert not images["images/train/a.jpg"].labelled
    assert told(reading) == [("labels/val/a.txt", None, Code.LABEL_WITHOUT_IMAGE)]


def test_two_images_of_one_stem_share_their_labels_and_complaints_come_once():
    reading, images = read_all(
        {"classes.txt": "cat", "images/a.jpg": b"", "images/a.png": b"", "labels/a.txt": ROW + "7 0 0 1 1\n"}
    )
    assert [len(image.boxes) for image in images.values()] == [1, 1]
    assert told(reading) == [("labels/a.txt", 2, Code.UNKNOWN_CLASS)]


def test_byte_order_mark_and_windows_line_ends():
    text = "\ufeff0 0.5 0.5 0.25 0.25\r\n\r\n0 0.2 0.2 0.1 0.1\r\n"
    _reading, images = read_all({"classes.txt": "cat", "a.jpg": b"", "a.txt": text})
    assert len(images["a.jpg"].boxes) == 2


def test_classes_that_nothing_names_are_called_by_their_numbers():
    reading, _images = read_all({"a.jpg": b"", "a.txt": "2 0.5 0.5 0.1 0.1\n"})
    assert reading.class_names == ("class_0", "class_1", "class_2")
    assert reading.problems.counts[Code.NOTE] == 1


def test_the_same_class_name_at_two_numbers_becomes_one_class():
    reading, images = read_all({"data.yaml": "names: [a, b, a]", "a.jpg": b"", "a.txt": "2 0.5 0.5 0.1 0.1"})
    assert reading.class_names == ("a", "b")
    assert images["a.jpg"].boxes[0].class_index == 0


def test_a_gap_in_the_names_is_filled():
    reading, _images = read_all({"data.yaml": "names: {0: a, 2: c}", "a.jpg": b""}, "yolo")
    assert reading.class_names == ("a", "class_1", "c")


def test_a_polygon_becomes_its_enclosing_box_and_keeps_its_points():
    found = only_box({"classes.txt": "cat", "a.jpg": b"", "a.txt": "0 0.1 0.2 0.5 0.2 0.3 0.6\n"})
    assert found.points == (0.1, 0.2, 0.5, 0.2, 0.3, 0.6)
    assert (found.x_center, found.y_center) == pytest.approx((0.3, 0.4))
    assert (found.width, found.height) == pytest.approx((0.4, 0.4))


def test_an_oriented_box_becomes_its_enclosing_box():
    found = only_box({"classes.txt": "cat", "a.jpg": b"", "a.txt": "0 0.5 0.1 0.9 0.5 0.5 0.9 0.1 0.5\n"})
    assert (found.width, found.height) == pytest.approx((0.8, 0.8))


def test_a_confidence_in_the_sixth_column_is_kept():
    assert only_box({"classes.txt": "c", "a.jpg": b"", "a.txt": "0 .5 .5 .2 .2 0.75"}).confidence == 0.75


@pytest.mark.parametrize(
    ("yaml", "row"),
    [
        ("kpt_shape: [2, 2]\n", "0 0.5 0.5 0.2 0.2 0.45 0.45 0.55 0.55"),
        ("kpt_shape: [1, 3]\n", "0 0.5 0.5 0.2 0.2 0.45 0.45 2"),
        ("", "0 0.5 0.5 0.2 0.2 0.45 0.45 1"),
        ("", "0 0.5 0.5 0.2 0.2 0.45 0.45 2 0.1 0.1 0"),
    ],
)
def test_of_a_pose_row_the_box_is_kept(yaml, row):
    reading, images = read_all({"data.yaml": f"{yaml}names: [person]", "a.jpg": b"", "a.txt": row})
    (found,) = images["a.jpg"].boxes
    assert (found.width, found.height, found.points) == (pytest.approx(0.2), pytest.approx(0.2), None)
    assert told(reading) == [("a.txt", 1, Code.SIMPLIFIED)]


@pytest.mark.parametrize(
    ("row", "code", "words"),
    [
        ("0 0.5 0.5 0 0.2", Code.NO_AREA, "no area"),
        ("0 0.5 0.5 -0.1 0.2", Code.NO_AREA, "no area"),
        ("0 nan 0.5 0.1 0.2", Code.BAD_VALUE, "finite"),
        ("0 1e999 0.5 0.1 0.2", Code.BAD_VALUE, "finite"),
        ("0 1.7e308 0.5 1.7e308 0.2", Code.BAD_VALUE, "finite"),
        ("cat 0.5 0.5 0.1 0.2", Code.BAD_VALUE, "class is not a number"),
        ("0.5 0.5 0.5 0.1 0.2", Code.BAD_VALUE, "whole number"),
        ("0 0.5 0.5 0.1", Code.BAD_VALUE, "at least 5"),
        ("0 0.5 0.5 0.1 0.1 7", Code.BAD_VALUE, "confidence"),
        ("1 0.5 0.5 0.1 0.1", Code.UNKNOWN_CLASS, "there are 1"),
        ("-1 0.5 0.5 0.1 0.1", Code.UNKNOWN_CLASS, "class -1"),
        ("0 320 240 50 60", Code.OUTSIDE, "are they pixels"),
        ("0 1.5 0.5 0.5 0.1", Code.OUTSIDE, "outside"),
    ],
)
def test_a_row_that_cannot_go_in_is_named_with_its_line(row, code, words):
    reading, images = read_all({"classes.txt": "cat", "a.jpg": b"", "a.txt": f"\n{ROW}{row}\n"})
    (problem,) = reading.problems
    assert (problem.file, problem.line, problem.code, problem.effect) == ("a.txt", 3, code, "left out")
    assert words in problem.reason
    assert len(images["a.jpg"].boxes) == 1


def test_a_box_over_the_edge_is_clipped_and_told_by_how_much():
    reading, images = read_all({"classes.txt": "cat", "a.jpg": b"", "a.txt": "0 0.9 0.5 0.3 0.2"})
    (found,) = images["a.jpg"].boxes
    assert (found.x_center, found.width) == pytest.approx((0.875, 0.25))
    (problem,) = reading.problems
    assert (problem.code, problem.effect) == (Code.CLIPPED, "changed")
    assert "5 % at the right" in problem.reason


def test_rounding_over_the_edge_is_clipped_without_a_word():
    reading, images = read_all({"classes.txt": "cat", "a.jpg": b"", "a.txt": "0 0.9003 0.5 0.2 0.2"})
    assert images["a.jpg"].boxes[0].x_center + images["a.jpg"].boxes[0].width / 2 <= 1
    assert not reading.problems.total


def test_the_same_row_twice_is_one_box():
    reading, images = read_all({"classes.txt": "cat", "a.jpg": b"", "a.txt": ROW + ROW})
    assert len(images["a.jpg"].boxes) == 1
    assert told(reading) == [("a.txt", 2, Code.DUPLICATE)]


def test_a_label_file_that_is_no_text_leaves_its_image_unlabelled():
    reading, images = read_all(
        {"classes.txt": "c", "a.jpg": b"", "a.txt": b"0 1\n\xff\xfa", "b.jpg": b"", "b.txt": ROW}
    )
    assert not images["a.jpg"].labelled
    assert told(reading) == [("a.txt", 2, Code.UNREADABLE)]


@pytest.mark.parametrize(
    ("yaml", "line"),
    [
        ("names: [a\nval: x", 2),
        ("names: {x: a}", None),
        ("names: {99999999: a}", None),
        ("[" * 5000, None),
        ("- a", None),
        ("names: !!python/object/apply:os.system [echo]\n\t", 2),
    ],
)
def test_a_broken_data_yaml_is_an_error_in_words(yaml, line):
    with pytest.raises(FormatError) as caught:
        read_all({"data.yaml": yaml, "a.jpg": b"", "a.txt": ROW}, "yolo")
    assert (caught.value.file, caught.value.line) == ("data.yaml", line)


def test_python_objects_in_yaml_are_only_text():
    reading, _images = read_all({"data.yaml": "names: !!python/tuple [a, b]", "a.jpg": b""}, "yolo")
    assert reading.class_names == ("a", "b")


def test_export_then_import_gives_the_same_labels():
    images = [
        labels("a.jpg", box(1, 0.123456789, 1 / 3, 0.2, 0.1), box(0), split="train"),
        labels("a.png", split="train"),
        labels("b.jpg", box(1), split="val"),
        labels("c.jpg", box(0), split="test"),
        labels("d.jpg", box(0)),
        labels("e.jpg", labelled=False, split="train"),
    ]
    files = export("yolo", ["yes", "Zelle: weiß"], images)
    reading, found = read_all(files)
    assert reading.class_names == ("yes", "Zelle: weiß")
    assert not reading.problems.total
    by_name = {files[path]: image for path, image in found.items()}
    for image in images:
        again = by_name[image.filename]
        assert (again.split, again.labelled, len(again.boxes)) == (
            image.split,
            image.labelled,
            len(image.boxes),
        )
        for before, after in zip(image.boxes, again.boxes, strict=True):
            assert after.class_index == before.class_index
            for side in ("x_center", "y_center", "width", "height"):
                assert getattr(after, side) == pytest.approx(getattr(before, side), abs=1e-6)


def test_polygons_survive_an_export_for_segmentation_and_boxes_become_polygons():
    triangle = box(0, 0.3, 0.4, 0.4, 0.4, points=(0.1, 0.2, 0.5, 0.2, 0.3, 0.6))
    files = export("yolo", ["cat"], [labels("a.jpg", triangle, box(), split="train")], task="segment")
    _reading, images = read_all(files)
    first, second = images["images/train/a.jpg"].boxes
    assert first.points == pytest.approx(triangle.points, abs=1e-6)
    assert second.points == pytest.approx((0.375, 0.375, 0.625, 0.375, 0.625, 0.625, 0.375, 0.625))


def test_data_yaml_stands_in_for_splits_that_are_missing_and_says_so():
    files = export("yolo", ["cat"], [labels("a.jpg", box())])
    text = files["data.yaml"].decode()
    assert "train: images/unassigned" in text
    assert "val: images/unassigned" in text
    assert text.startswith("# No image is in the train split")
    _reading, images = read_all(files)
    assert images["images/unassigned/a.jpg"].split == ""


def test_file_names_that_no_system_takes_are_made_safe():
    files = export("yolo", ["cat"], [labels("../x:y?.jpg", box(), split="train"), labels("", split="train")])
    assert {"images/train/_x_y_.jpg", "images/train/image"} < set(files)


def test_images_called_like_lists_and_class_files_keep_their_labels():
    names = ["train.jpg", "test.jpg", "classes.jpg", ".jpg", "obj.png"]
    files = export("yolo", ["cat"], [labels(name, box(), split="train") for name in names])
    reading, images = read_all(files)
    assert [len(image.boxes) for image in images.values()] == [1] * 5
    assert reading.class_names == ("cat",)
    assert not reading.problems.total
