import json

import pytest

from apps.annotations.formats import Code, FormatError

from .formats_helpers import box, export, labels, png, read_all, told

CATEGORIES = [{"id": 7, "name": "dog"}, {"id": 3, "name": "cat"}]


def image(number, file_name, **more):
    return {"id": number, "file_name": file_name, "width": 640, "height": 480, **more}


def annotation(image_id, category_id=3, bbox=(160, 120, 320, 240), **more):
    return {"id": 1, "image_id": image_id, "category_id": category_id, "bbox": list(bbox), **more}


def coco(images, annotations, categories=CATEGORIES, indent=0):
    return json.dumps({"images": images, "annotations": annotations, "categories": categories}, indent=indent)


def read_one(*annotations, size=True, **more):
    listed = image(1, "a.jpg") if size else {"id": 1, "file_name": "a.jpg"}
    return read_all({"a.json": coco([listed], list(annotations), **more), "a.jpg": png(640, 480)}, "coco")


def test_classes_stand_in_the_order_of_their_ids_and_boxes_point_at_them():
    reading, images = read_one(annotation(1, 7))
    assert reading.class_names == ("cat", "dog")
    (found,) = images["a.jpg"].boxes
    assert (found.class_index, found.x_center, found.y_center) == (1, 0.5, 0.5)
    assert (found.width, found.height) == (0.5, 0.5)


def test_one_file_per_split_with_images_in_folders():
    reading, images = read_all(
        {
            "coco/annotations/instances_train2017.json": coco([image(1, "0001.jpg")], [annotation(1)]),
            "coco/annotations/instances_val2017.json": coco([image(1, "0001.jpg")], []),
            "coco/annotations/person_keypoints_val2017.json": coco([image(1, "0001.jpg")], [annotation(1)]),
            "coco/train2017/0001.jpg": b"",
            "coco/val2017/0001.jpg": b"",
            "coco/test2017/0002.jpg": b"",
        }
    )
    assert [(i.split, i.labelled, len(i.boxes)) for i in images.values()] == [
        ("test", False, 0),
        ("train", True, 1),
        ("val", True, 0),
    ]
    assert [problem.effect for problem in reading.problems] == ["note"]


def test_roboflow_layout_and_its_grouping_category():
    categories = [
        {"id": 0, "name": "cells", "supercategory": "none"},
        {"id": 1, "name": "RBC", "supercategory": "cells"},
    ]
    reading, images = read_all(
        {
            "train/_annotations.coco.json": coco([image(0, "a.jpg")], [annotation(0, 1)], categories),
            "train/a.jpg": b"",
            "valid/_annotations.coco.json": coco([image(0, "a.jpg")], [annotation(0, 1)], categories),
            "valid/a.jpg": b"",
        }
    )
    assert reading.class_names == ("RBC",)
    assert [image.split for image in images.values()] == ["train", "val"]
    assert all(image.boxes for image in images.values())


def test_windows_paths_of_another_machine_find_their_images():
    files = {
        "labels.json": coco([image(1, "C:\\data\\x\\b.jpg"), image(2, "/data/y/b.jpg")], [annotation(2)]),
        "x/b.jpg": b"",
        "y/b.jpg": b"",
    }
    _reading, images = read_all(files)
    assert [len(image.boxes) for image in images.values()] == [0, 1]


def test_of_two_extensions_the_written_one_is_meant():
    _reading, images = read_all({"l.json": coco([image(1, "a.png")], [annotation(1)]), "a.jpg": b"", "a.png": b""})
    assert [image.labelled for image in images.values()] == [False, True]


def test_an_image_that_could_be_several_files_is_not_guessed():
    reading, images = read_all({"l/l.json": coco([image(1, "a.jpg")], [annotation(1)]), "x/a.jpg": b"", "y/a.jpg": b""})
    assert not any(image.labelled for image in images.values())
    assert [problem.code for problem in reading.problems] == [Code.IMAGE_AMBIGUOUS]


def test_ids_as_text_and_as_numbers_are_the_same():
    _reading, images = read_one(annotation("1", "3"))
    assert len(images["a.jpg"].boxes) == 1


def test_the_size_of_an_image_is_looked_up_where_the_file_does_not_say():
    _reading, images = read_one(annotation(1), size=False)
    assert (images["a.jpg"].width, images["a.jpg"].boxes[0].width) == (640, 0.5)


def test_an_image_whose_size_nobody_knows_is_a_problem():
    listed = {"id": 1, "file_name": "a.jpg"}
    reading, images = read_all({"a.json": coco([listed], [annotation(1)]), "a.jpg": b"<html>"})
    assert told(reading) == [("a.jpg", None, Code.UNREADABLE)]
    assert not images["a.jpg"].boxes


def test_files_of_images_alone_label_nothing():
    text = json.dumps({"images": [image(1, "a.jpg")], "categories": CATEGORIES})
    _reading, images = read_all({"image_info_test2017.json": text, "a.jpg": b""})
    assert not images["a.jpg"].labelled


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (annotation(1, bbox=(10, 10, 0, 5)), Code.NO_AREA),
        (annotation(1, bbox=(10, 10, -4, 5)), Code.NO_AREA),
        (annotation(1, bbox=(700, 10, 20, 5)), Code.OUTSIDE),
        (annotation(1, bbox=(630, 10, 20, 5)), Code.CLIPPED),
        (annotation(1, bbox=(1, 2, 3)), Code.BAD_VALUE),
        (annotation(1, bbox=(float("nan"), 2, 3, 4)), Code.BAD_VALUE),
        (annotation(1, bbox=(10**400, 2, 3, 4)), Code.BAD_VALUE),
        (annotation(1, bbox=({}, [], None, True)), Code.BAD_VALUE),
        (annotation(1, 99), Code.UNKNOWN_CLASS),
        (annotation(1, None), Code.UNKNOWN_CLASS),
        (annotation(1, iscrowd=1), Code.CROWD),
        (annotation(55), Code.LABEL_WITHOUT_IMAGE),
        (annotation([1]), Code.BAD_VALUE),
        (annotation(1, segmentation={"counts": "abc", "size": [1, 1]}), Code.SIMPLIFIED),
        ("nonsense", Code.BAD_VALUE),
        (7, Code.BAD_VALUE),
    ],
)
def test_a_box_that_cannot_go_in_as_it_is_is_named_with_its_line(entry, code):
    reading, _images = read_one(annotation(1, 7), entry, indent=None)
    (problem,) = reading.problems
    assert (problem.file, problem.line, problem.code) == ("a.json", 1, code)


def test_the_line_is_that_of_the_annotation():
    reading, _images = read_one(annotation(1), annotation(1, 99), indent=0)
    text = coco([image(1, "a.jpg")], [annotation(1), annotation(1, 99)])
    line = next(iter(reading.problems)).line
    assert '"category_id": 99' in "".join(text.split("\n")[line - 1 : line + 4])


def test_a_clipped_box_says_by_how_many_pixels():
    reading, images = read_one(annotation(1, bbox=(630, 10, 20, 5)))
    assert "10 px at the right" in next(iter(reading.problems)).reason
    assert images["a.jpg"].boxes[0].width == pytest.approx(10 / 640)


def test_of_several_polygons_the_largest_is_kept():
    small, large = [0, 0, 1, 0, 1, 1], [160, 120, 480, 120, 480, 360]
    reading, images = read_one(annotation(1, segmentation=[small, large]))
    assert images["a.jpg"].boxes[0].points == (0.25, 0.25, 0.75, 0.25, 0.75, 0.75)
    assert told(reading)[0][2] == Code.SIMPLIFIED


def test_an_image_that_is_not_there_is_named_with_the_number_of_its_boxes():
    reading, images = read_all({"a.json": coco([image(1, "gone.jpg")], [annotation(1)]), "b.jpg": b""}, "coco")
    (problem,) = reading.problems
    assert problem.code == Code.IMAGE_MISSING
    assert "gone.jpg is not in the archive; its 1 boxes" in problem.reason
    assert not images["b.jpg"].labelled


@pytest.mark.parametrize(
    ("end", "line"),
    [
        ("", 2),
        ('\n"more": [{]}', 3),
        ('\n\n"more": [', 4),
        ('\n"more": ' + "[" * 100_000, 3),
        ('"more": ' + "9" * 5000 + "}", 2),
        ('"more" [', 2),
        ("7: 8}", 2),
    ],
)
def test_a_broken_json_file_is_an_error_with_its_line(end, line):
    good = coco([image(1, "a.jpg")], [annotation(1)], indent=None)
    with pytest.raises(FormatError) as caught:
        read_all({"a.json": f"{good[:-1]},\n{end}", "a.jpg": b""}, "coco")
    assert (caught.value.file, caught.value.line) == ("a.json", line)


def test_a_file_longer_than_the_window_is_read_whole_with_its_lines():
    images = [image(number, f"{number}.jpg", license="x" * 900) for number in range(3000)]
    boxes = [annotation(number) for number in range(3000)] + [annotation(5, 99)]
    text = "\ufeff" + json.dumps({"images": images, "annotations": boxes, "categories": CATEGORIES}, indent=0)
    reading, found = read_all({"a.json": text, **{f"{number}.jpg": b"" for number in range(3000)}})
    assert sum(len(image.boxes) for image in found.values()) == 3000
    (problem,) = reading.problems
    assert text.split("\n")[problem.line - 1] == "{"
    assert '"category_id": 99' in "".join(text.split("\n")[problem.line : problem.line + 4])


def test_export_then_import_gives_the_same_labels():
    polygon = box(0, 0.3, 0.4, 0.4, 0.4, points=(0.1, 0.2, 0.5, 0.2, 0.3, 0.6))
    images = [
        labels("a.jpg", box(1, 0.123456789, 1 / 3, 0.2, 0.1), polygon, split="train"),
        labels("a.jpg", box(1, confidence=0.5), split="val", width=17, height=11),
        labels("b.jpg", split="test"),
        labels("c.jpg", box(0)),
        labels("d.jpg", labelled=False, split="train"),
    ]
    files = export("coco", ["dog", "cat", "unused"], images)
    reading, found = read_all(files)
    assert reading.class_names == ("dog", "cat", "unused")
    assert not reading.problems.total
    ordered = [found[path] for path in files if path.startswith("images/")]
    for before, after in zip(images, ordered, strict=True):
        assert (after.split, after.labelled) == (before.split, before.labelled)
        for one, other in zip(before.boxes, after.boxes, strict=True):
            assert (other.class_index, other.confidence) == (one.class_index, one.confidence)
            for side in ("x_center", "y_center", "width", "height"):
                assert getattr(other, side) == pytest.approx(getattr(one, side), abs=1e-6)
            assert other.points == (pytest.approx(one.points, abs=1e-6) if one.points else None)


def test_an_export_names_the_image_whose_size_is_missing():
    with pytest.raises(FormatError, match=r"a\.jpg"):
        export("coco", ["cat"], [labels("a.jpg", width=None)])


def test_category_ids_stay_with_their_classes_however_those_are_ordered():
    images = [labels("a.jpg", box(0), box(2), split="train"), labels("b.jpg", box(1), split="val")]
    files = export("coco", ["dog", "cat", "cow"], images, category_ids=[9, 2, 5])
    listed = json.loads(files["annotations/instances_train.json"])
    assert [(category["id"], category["name"]) for category in listed["categories"]] == [
        (9, "dog"),
        (2, "cat"),
        (5, "cow"),
    ]
    assert [annotation["category_id"] for annotation in listed["annotations"]] == [9, 5]
    reading, found = read_all(files)
    assert (reading.class_names, reading.category_ids) == (("dog", "cat", "cow"), (9, 2, 5))
    assert [box.class_index for box in found["images/train/a.jpg"].boxes] == [0, 2]


def test_category_ids_are_given_out_as_the_file_has_them():
    reading, _images = read_one(annotation(1, 7), categories=[*CATEGORIES, {"id": "x", "name": "cow"}])
    assert (reading.class_names, reading.category_ids) == (("cat", "dog", "cow"), (3, 7, None))


@pytest.mark.parametrize("ids", [[1], [1, 1]])
def test_an_export_needs_a_category_id_for_each_class(ids):
    with pytest.raises(FormatError, match="a category id of its own"):
        export("coco", ["cat", "dog"], [labels("a.jpg")], category_ids=ids)


def test_a_category_without_a_name_is_called_by_its_id_whatever_that_is():
    categories = [{"id": 3}, {"id": "\ud800x", "name": ""}]
    reading, _images = read_one(annotation(1), categories=categories)
    assert reading.class_names == ("class_3", "class_ x")
