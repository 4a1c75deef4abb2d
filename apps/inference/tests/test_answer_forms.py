"""The ways in and the forms of the answer of `predictions/infer`."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from apps.inference import services
from apps.models.tests.tiny_weights import drawn_pixels
from conftest import upload

ADDRESS = "/api/v1/predictions/infer"
pytestmark = pytest.mark.once  # about pictures and words of an answer; test_api.py asks on every database


@pytest.fixture(autouse=True)
def one_graph(deployed):
    """All calls run on the same graph, so that the same question has the same answer to the last digit."""
    services.runtime_of(deployed).warm(200, 150)


def image_bytes(format="PNG", **options):
    out = io.BytesIO()
    Image.fromarray(drawn_pixels(3)).save(out, format, **options)
    return out.getvalue()


def post(api, data, query, kind="image/png", **headers):
    return api.generic("POST", f"{ADDRESS}?{query}", data, content_type=kind, headers=headers)


def test_every_way_in_gives_the_same_answer(deployed, api_as, alice):
    api, data, options = api_as(alice), image_bytes(), {"model_id": deployed.pk, "conf": 0.05, "classes": "0,2"}
    by_form = api.post(ADDRESS, {"image": upload("a.png", data), **options}, format="multipart").json()
    text, by_name = base64.b64encode(data).decode(), {"model": "Discs", "classes": "0,2"}
    answers = [
        post(api, data, f"model_id={deployed.pk}&conf=0.05&classes=0,2").json(),
        post(api, data, f"model_id={deployed.pk}&conf=0.05&classes=0,2", "application/octet-stream").json(),
        api.post(ADDRESS, {"image": text, "model_id": deployed.pk, "conf": 0.05, "classes": [0, 2]}).json(),
        api.post(f"{ADDRESS}?conf=0.05", {"image": f"data:image/png;base64,{text}", **by_name}).json(),
    ]  # fmt: skip
    assert by_form["predictions"]
    assert [one["predictions"] for one in answers] == [by_form["predictions"]] * 4


def test_the_form_of_the_answer_may_stand_beside_the_picture(deployed, api_as, alice):
    api, data = api_as(alice), image_bytes()
    asked = {"model_id": deployed.pk, "format": "coco"}
    by_form = api.post(ADDRESS, {"image": upload("a.png", data), **asked}, format="multipart")
    by_json = api.post(ADDRESS, {"image": base64.b64encode(data).decode(), **asked})
    assert set(by_form.json()) == set(by_json.json()) >= {"annotations", "categories"}
    wrong = api.post(ADDRESS, {"image": base64.b64encode(data).decode(), **asked, "format": ["xml"]})
    assert (wrong.status_code, list(wrong.json())) == (400, ["format"])


@pytest.mark.parametrize("option", ["confidence", "imgsz", "iou_threshold"])
def test_what_is_no_option_is_refused_with_those_that_there_are(deployed, api_as, alice, option):
    api, data = api_as(alice), image_bytes()
    answers = [
        post(api, data, f"model_id={deployed.pk}&{option}=0.9"),
        api.post(ADDRESS, {"image": upload("a.png", data), "model_id": deployed.pk, option: 0.9}, format="multipart"),
        api.post(ADDRESS, {"image": base64.b64encode(data).decode(), "model_id": deployed.pk, option: 0.9}),
    ]
    assert [(one.status_code, list(one.json())) for one in answers] == [(400, [option])] * 3
    assert "conf, format, " in answers[0].json()[option][0]


def test_an_image_is_answered_upright(deployed, api_as, alice):
    turned = Image.Exif()
    turned[0x0112] = 6
    answer = post(api_as(alice), image_bytes("JPEG", exif=turned), f"model_id={deployed.pk}", "image/jpeg").json()
    assert answer["image"] == {"width": 150, "height": 200}


def test_classes_get_the_confidence_that_the_call_says(deployed, api_as, alice):
    api, data = api_as(alice), image_bytes()
    every = post(api, data, f"model_id={deployed.pk}&conf=0.02").json()["predictions"]
    strict = every[0]["class_id"]
    asked = {"image": base64.b64encode(data).decode(), "model_id": deployed.pk, "conf": 0.02}
    found = api.post(ADDRESS, asked | {"per_class": {str(strict): 1}}).json()["predictions"]
    assert found == [one for one in every if one["class_id"] != strict]
    assert found


def test_what_is_transparent_lies_on_white_as_in_training(deployed, api_as, alice):
    from apps.core.images import upright_bytes
    from apps.inference.runtime.images import decode

    image = Image.fromarray(drawn_pixels(3)).convert("RGBA")
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    out = io.BytesIO()
    image.save(out, "PNG")
    seen = decode(out.getvalue(), 10**6).astype(int)
    assert np.abs(seen - decode(upright_bytes(out.getvalue()), 10**6)).max() <= 1


@pytest.mark.parametrize(("accept", "kind"), [("*/*", "JPEG"), ("image/png", "PNG"), ("text/html", "JPEG")])
def test_the_picture_comes_with_its_boxes_drawn(deployed, api_as, alice, accept, kind):
    api, data = api_as(alice), image_bytes()
    answer = post(api, data, f"model_id={deployed.pk}&conf=0.02&format=image", Accept=accept)
    assert (answer.status_code, answer["Content-Type"]) == (200, f"image/{kind.lower()}")
    drawn = Image.open(io.BytesIO(answer.content)).convert("RGB")
    factor = drawn.width // 200  # a small picture is enlarged for its labels
    plain = Image.open(io.BytesIO(data)).resize(drawn.size, Image.Resampling.NEAREST)
    changed = np.abs(np.asarray(drawn).astype(int) - np.asarray(plain)).max(2) > 60
    best = post(api, data, f"model_id={deployed.pk}&conf=0.02").json()["predictions"][0]["box"]
    middle = round((best["y1"] + best["y2"]) / 2 * factor)
    edge = min(round(best["x1"] * factor) + 1, drawn.width - 1)
    assert changed[middle, edge - 1 : edge + 2].any()


def test_coco_and_yolo_say_the_same_as_json(deployed, api_as, alice):
    api, data, query = api_as(alice), image_bytes(), f"model_id={deployed.pk}&conf=0.05"
    found = post(api, data, query).json()["predictions"]
    coco = post(api, data, f"{query}&format=coco").json()
    assert coco["images"] == [{"id": 1, "file_name": "image", "width": 200, "height": 150}]
    assert [one["name"] for one in coco["categories"]] == ["disc", "square", "cross"]
    assert [(row["category_id"] - 1, row["score"]) for row in coco["annotations"]] == [
        (one["class_id"], one["confidence"]) for one in found
    ]
    rows = [line.split() for line in post(api, data, f"{query}&format=yolo").content.decode().splitlines()]
    assert len(rows) == len(found)
    for row, one in zip(rows, found, strict=True):
        values = [one[name] for name in ("x_center", "y_center", "width", "height", "confidence")]
        assert (int(row[0]), pytest.approx(values, abs=2e-4)) == (one["class_id"], [float(word) for word in row[1:]])


@pytest.mark.parametrize("size", [(1, 1), (8, 400), (64, 48), (3000, 40)])
def test_labels_are_drawn_into_pictures_of_any_size(size):
    from apps.inference import drawing

    objects = [(3, "Zellkörper Ж 0.93", (0, 0, *size)), (12, "x" * 80, (size[0] - 1, size[1] - 1, *size))]
    drawn = drawing.draw(Image.new("RGB", size), objects)
    assert max(drawn.size) >= 480
    assert drawn.width * size[1] == drawn.height * size[0]
