import base64
import json

import pytest

from apps.annotations.formats import Code, FormatError

from .formats_helpers import box, export, labels, png, read_all, told

SIZE = {"original_width": 640, "original_height": 480, "image_rotation": 0}


def rectangle(label="cat", x=25, y=25, width=50, height=50, rotation=0, **more):
    value = {"x": x, "y": y, "width": width, "height": height, "rotation": rotation, "rectanglelabels": [label]}
    return {"id": "r", "type": "rectanglelabels", "from_name": "l", "to_name": "i", "value": value, **SIZE, **more}


def region(kind, value, **more):
    return {"id": "x", "type": kind, "value": value, **SIZE, **more}


def task(*result, image="/data/upload/1/0123abcd-a.jpg", **more):
    return {"id": 1, "data": {"image": image}, "annotations": [{"id": 1, "result": list(result)}], **more}


def read_tasks(*tasks, **files):
    files = files or {"a.jpg": png(640, 480)}
    return read_all({"export.json": json.dumps(tasks, indent=1), **files})


def only_image(*tasks):
    reading, images = read_tasks(*tasks)
    return reading, images["a.jpg"]


def test_rectangles_and_polygons_in_percent():
    points = {"points": [[25, 25], [75, 25], [75, 75]], "closed": True, "polygonlabels": ["dog"]}
    reading, image = only_image(task(rectangle(score=0.5), region("polygonlabels", points)))
    assert (reading.format, reading.class_names) == ("labelstudio", ("cat", "dog"))
    assert (image.width, image.height) == (640, 480)
    assert image.boxes == [
        box(0, 0.5, 0.5, 0.5, 0.5, confidence=0.5),
        box(1, 0.5, 0.5, 0.5, 0.5, points=(0.25, 0.25, 0.75, 0.25, 0.75, 0.75)),
    ]
    assert not reading.problems.total


def test_a_turned_rectangle_is_turned_about_its_corner_in_pixels():
    _reading, image = only_image(task(rectangle(x=50, y=50, width=10, height=10, rotation=90)))
    (found,) = image.boxes
    corners = [(round(x * 640), round(y * 480)) for x, y in zip(found.points[::2], found.points[1::2], strict=True)]
    assert corners == [(320, 240), (320, 304), (272, 304), (272, 240)]  # 64 × 48 px, now 48 × 64


def test_a_turned_rectangle_without_a_size_has_it_looked_up():
    turned = rectangle(x=50, y=50, width=10, height=10, rotation=90, original_width=None)
    _reading, image = only_image(task(turned))
    assert image.boxes[0].width == pytest.approx(48 / 640)


def test_an_ellipse_becomes_a_polygon():
    value = {"x": 50, "y": 50, "radiusX": 10, "radiusY": 20, "rotation": 0, "ellipselabels": ["cat"]}
    reading, image = only_image(task(region("ellipselabels", value)))
    assert (image.boxes[0].width, image.boxes[0].height) == pytest.approx((0.2, 0.4))
    assert told(reading) == [("export.json", 2, Code.SIMPLIFIED)]


@pytest.mark.parametrize(
    "reference",
    [
        "/data/upload/1/0123abcd-a.jpg",
        "upload/1/0123abcd-a.jpg",
        "0123abcd-a.jpg",
        "a.jpg",
        "/data/local-files/?d=photos/2024/a.jpg",
        "/data/local-files/?d=photos%5Ca.jpg",
        "s3://bucket/some/folder/a.jpg",
        "gs://bucket/0123abcd-a.jpg",
        "https://host:8080/x/a.jpg?X-Amz-Signature=abc&v=1",
        "http://host/x/%61.jpg",
        "/tasks/7/resolve/?fileuri=" + base64.urlsafe_b64encode(b"s3://bucket/x/a.jpg").decode().rstrip("="),
        "C:\\photos\\a.jpg",
    ],
)
def test_images_are_found_by_the_name_in_what_refers_to_them(reference):
    reading, image = only_image(task(rectangle(), image=reference))
    assert len(image.boxes) == 1, list(reading.problems)


def test_a_name_that_has_the_hash_in_the_archive_too_is_found_first():
    _reading, images = read_tasks(task(rectangle()), **{"a.jpg": b"", "images/0123abcd-a.jpg": b""})
    assert [image.labelled for image in images.values()] == [False, True]


def test_names_with_percent_and_question_marks_are_found_as_they_are():
    _reading, images = read_tasks(task(rectangle(), image="50% a?.jpg"), **{"50% a?.jpg": b""})
    assert all(image.labelled for image in images.values())


def test_the_image_may_stand_under_any_key():
    entry = {"data": {"text": "hello", "photo": "s3://b/a.jpg"}, "annotations": [{"result": [rectangle()]}]}
    _reading, image = only_image(entry)
    assert len(image.boxes) == 1


def annotation(*result, **more):
    return {"result": list(result), **more}


@pytest.mark.parametrize(
    ("annotations", "boxes", "words"),
    [
        (
            [
                annotation(rectangle(), updated_at="2024-02-01T00:00:00Z", completed_by={"email": "a@b.c"}),
                annotation(created_at="2024-01-01T00:00:00Z"),
            ],
            1,
            "2 annotations: the newest, by a@b.c, is taken",
        ),
        (
            [annotation(created_at="2024-02-01"), annotation(rectangle(), ground_truth=True, completed_by=7)],
            1,
            "the ground truth, by user 7",
        ),
        ([annotation(), annotation(rectangle(), was_cancelled=True)], 0, None),
    ],
)
def test_of_several_annotations_one_is_taken_and_said_so(annotations, boxes, words):
    reading, image = only_image({"data": {"image": "a.jpg"}, "annotations": annotations})
    assert (image.labelled, len(image.boxes)) == (True, boxes)
    reasons = [problem.reason for problem in reading.problems]
    assert (words in reasons[0]) if words else not reasons


def test_where_nobody_annotated_the_prediction_gives_boxes_by_a_model():
    predictions = [
        annotation(rectangle(), model_version="v2", score=0.75, created_at="2024-02"),
        annotation(model_version="v1", created_at="2024-01"),
    ]
    reading, image = only_image({"data": {"image": "a.jpg"}, "annotations": [], "predictions": predictions})
    assert image.boxes == [box(0, 0.5, 0.5, 0.5, 0.5, confidence=0.75, source="model")]
    assert "the prediction by v2 is taken" in next(iter(reading.problems)).reason


def test_predictions_are_not_read_where_somebody_annotated():
    _reading, image = only_image(task(predictions=[annotation(rectangle())]))
    assert (image.labelled, list(image.boxes)) == (True, [])


@pytest.mark.parametrize(
    ("more", "notes"), [({"annotations": []}, 0), ({"annotations": [annotation(rectangle(), was_cancelled=True)]}, 1)]
)
def test_a_task_that_nobody_finished_is_unlabelled(more, notes):
    reading, image = only_image({"data": {"image": "a.jpg"}, **more})
    assert not image.labelled
    assert reading.problems.counts[Code.NOTE] == notes


def test_json_min_is_read():
    value = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0, "rectanglelabels": ["cat"], **SIZE}
    entry = {"image": "/data/upload/0123abcd-a.jpg", "id": 1, "label": [value], "annotator": 1, "annotation_id": 1}
    _reading, image = only_image({**entry, "created_at": "x", "updated_at": "y", "lead_time": 3.1})
    assert image.boxes == [box(0, 0.5, 0.5, 0.5, 0.5)]


def test_shapes_and_labels_in_two_results_of_one_id_are_one_box():
    value = {"x": 25, "y": 25, "width": 50, "height": 50, "rotation": 0}
    reading, image = only_image(
        task(
            region("rectangle", value),
            region("labels", {**value, "labels": ["cat"]}),
            region("textarea", {**value, "text": ["an old one"]}),
        )
    )
    assert len(image.boxes) == 1
    assert not reading.problems.total


@pytest.mark.parametrize(
    ("entry", "code", "words"),
    [
        (rectangle(width=0), Code.NO_AREA, "no area"),
        (rectangle(x=120), Code.OUTSIDE, "outside"),
        (rectangle(x=75), Code.CLIPPED, "160 px at the right"),
        (rectangle(x="x"), Code.BAD_VALUE, "no usable coordinates"),
        (region("polygonlabels", {"points": [[1, 2]], "polygonlabels": ["a"]}), Code.BAD_VALUE, "no usable"),
        (region("keypointlabels", {"x": 1, "y": 2, "width": 1, "keypointlabels": ["a"]}), Code.UNSUPPORTED, "neither"),
        (region("brushlabels", {"format": "rle", "rle": [1], "brushlabels": ["a"]}), Code.UNSUPPORTED, "neither"),
        (region("choices", {"choices": ["indoor"]}, id="y"), Code.UNSUPPORTED, "choices is neither"),
        (region("rectangle", {"x": 1, "y": 1, "width": 5, "height": 5}, id="y"), Code.BAD_VALUE, "no label"),
        (region("rectanglelabels", {"rectanglelabels": ["a", "b"], "x": 1, "y": 1, "width": 5, "height": 5}),
         Code.SIMPLIFIED, "a, b the first"),
        (rectangle(), Code.DUPLICATE, "the same box"),
        (7, Code.BAD_VALUE, "no object"),
    ],
)  # fmt: skip
def test_a_region_that_cannot_go_in_as_it_is_is_named_with_its_line(entry, code, words):
    reading, images = read_tasks(task(image="b.jpg"), task(rectangle(), entry), **{"a.jpg": b"", "b.jpg": b""})
    (problem,) = [problem for problem in reading.problems if problem.effect != "note"]
    lines = json.dumps([task(image="b.jpg"), task(rectangle(), entry)], indent=1).split("\n")
    assert (problem.file, problem.line, problem.code) == ("export.json", lines.index(" },") + 2, code)
    assert words in problem.reason
    assert images["a.jpg"].boxes


def test_tasks_without_an_image_in_the_archive_are_told():
    reading, images = read_tasks(
        task(rectangle(), image="gone.jpg"),
        task(rectangle()),
        task(rectangle()),
        {"data": {"text": "hello"}, "annotations": []},
        task(rectangle(), image="data:image/png;base64," + "A" * 9000),
        7,
    )
    assert [code for _file, _line, code in told(reading)] == [
        Code.IMAGE_MISSING, Code.DUPLICATE, Code.BAD_VALUE, Code.IMAGE_MISSING, Code.BAD_VALUE
    ]  # fmt: skip
    assert "gone.jpg is not in the archive; its 1 shapes" in next(iter(reading.problems)).reason
    assert len(images["a.jpg"].boxes) == 1


def test_the_labelling_interface_gives_order_and_colours():
    choices = '<Label value="dog" background="#00ff00"/><Label value="cat" background="red"/>'
    interface = f'<View><RectangleLabels name="l" toName="i">{choices}</RectangleLabels></View>'
    reading, _images = read_tasks(task(rectangle("zebra")), **{"config.xml": interface, "a.jpg": b""})
    assert (reading.class_names, reading.colors) == (("dog", "cat", "zebra"), ("#00ff00", "", ""))


def test_a_class_list_gives_the_order_where_there_is_no_interface():
    reading, _images = read_tasks(task(rectangle("cat")), **{"classes.txt": "dog\r\ncat\r\n", "a.jpg": b""})
    assert reading.class_names == ("dog", "cat")


def test_a_broken_file_is_an_error_with_its_line():
    with pytest.raises(FormatError) as caught:
        read_all({"a.json": json.dumps([task(), task()], indent=1)[:-3], "a.jpg": b""}, "labelstudio")
    assert caught.value.file == "a.json"
    assert caught.value.line > 12


def test_an_export_can_be_imported_as_local_files_with_its_interface():
    triangle = box(0, 0.3, 0.4, 0.4, 0.4, points=(0.1, 0.2, 0.5, 0.2, 0.3, 0.6), source="model", confidence=0.5)
    images = [
        labels("a b%.jpg", box(1), triangle, split="val"),
        labels("b.jpg", labelled=False, split="train"),
        labels("c.jpg", width=None),
    ]
    files = export("labelstudio", ["x", 'y"<'], images, class_colors=["#102030", ""])
    tasks = json.loads(files["tasks.json"])
    assert tasks[0]["data"] == {"image": "/data/local-files/?d=images/val/a%20b%25.jpg", "split": "val"}
    assert tasks[1]["annotations"] == []
    assert '<Label value="x" background="#102030"/>' in files["label_config.xml"].decode()
    reading, found = read_all(files)
    assert (reading.class_names, reading.colors) == (("x", 'y"<'), ("#102030", ""))
    first, second, third = (found[path] for path in files if path.startswith("images/"))
    assert first.boxes[0] == box(1)
    assert (first.boxes[1].source, first.boxes[1].confidence) == ("model", 0.5)
    assert (first.split, second.split, second.labelled, third.labelled) == ("val", "train", False, True)
    assert not reading.problems.total
