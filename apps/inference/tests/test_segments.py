"""Models that segment: the masks of ultralytics, as outlines in the answer, in COCO and YOLO, and in the picture."""

import io
import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from apps.core.models import Job
from apps.inference import drawing, services
from apps.inference.engine import draw
from apps.inference.runtime import load
from apps.inference.tests.segment_answers import KINDS
from apps.models.services import register_model
from apps.models.tests.tiny_weights import ROOT, drawn_pixels, engine_environment, tiny_weights
from conftest import picture, upload

FINE = 4  # a pixel of the picture is so many of those in which outlines are compared
LEAST_AREA = 30  # pixels; the IoU of a sliver says nothing


@pytest.fixture(scope="module")
def segmented(tmp_path_factory):
    """(folder with the exports and pictures, {kind: what ultralytics finds on each picture})."""
    folder = tmp_path_factory.mktemp("segments")
    for number, (width, height) in enumerate(((200, 150), (150, 200), (96, 96), (301, 90))):
        cv2.imwrite(str(folder / f"{number}.png"), drawn_pixels(number, width, height))
    command = [sys.executable, "-m", "apps.inference.tests.segment_answers", str(tiny_weights()), str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "masks.json").read_text())


def painted(outlines, width, height):
    canvas = np.zeros((height * FINE, width * FINE), np.uint8)
    for points in outlines:
        cv2.fillPoly(canvas, [np.round(np.asarray(points, float) * FINE).astype(np.int32)], 1)
    return canvas


@pytest.mark.parametrize(("file", "program"), [("", "openvino"), ("-onnx", "onnxruntime")])
@pytest.mark.parametrize("kind", KINDS)
def test_masks_are_those_of_ultralytics(segmented, kind, file, program):
    folder, expected = segmented
    runtime = load(folder / f"{kind}{file}", program=program, precision="f32")
    compared = []
    for path, theirs in zip(sorted(folder.glob("*.png")), expected[kind], strict=True):
        answer = runtime.predict(path, conf=0.2)
        assert abs(len(answer.boxes) - len(theirs)) <= 1 + len(theirs) * 0.02
        for one in theirs:
            twins = [
                box
                for box in answer.boxes
                if np.allclose(box[1:], one["row"][1:], atol=0.3) and box[0] == one["row"][0]
            ]
            masks = [painted(box.polygons, answer.width, answer.height) for box in twins]
            wanted = painted(one["outlines"], answer.width, answer.height)
            if wanted.sum() < LEAST_AREA * FINE**2:
                continue
            assert twins, one["row"]
            compared.append(max((mask & wanted).sum() / (mask | wanted).sum() for mask in masks))
    assert len(compared) >= 5
    assert min(compared) > 0.9  # ours leave out specks of one or two pixels, of which random masks are full
    assert np.mean(compared) > 0.985


@pytest.fixture
def deployed_segments(segmented, alice, ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks):
    """A model that segments, uploaded and deployed through its job."""
    from apps.annotations.services.versions import create_version

    version, _ = create_version(ready_dataset, alice)
    model = register_model(
        owner=alice, name="Outlines", model_type="yolov8n-seg", weights=tiny_weights() / "yolov8n-seg.pt",
        task="segment", class_names=["disc", "square", "cross"], img_size=160, metrics={}, origin="uploaded",
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        services.deploy_model(model, alice, version)
    model.refresh_from_db()
    assert model.is_deployed, Job.objects.latest("pk").error_message
    yield model
    services.runtimes.drop(model.pk)


@pytest.mark.once
def test_masks_are_held_against_those_of_the_weights_when_it_is_deployed(deployed_segments, page_as, alice):
    kept = deployed_segments.serving
    assert kept["boxes_found"] > 0
    assert kept["masks_overlap"] > 0.95
    assert all(row["masks_overlap"] <= 1 for row in kept["tried"] if row["precision"] == "f32")
    page = page_as(alice).get(f"/models/{deployed_segments.pk}/deployment").content.decode()
    assert "and their masks overlap by" in page
    assert "Same masks" in page


@pytest.mark.once
def test_outlines_come_in_every_form_of_the_answer(deployed_segments, api_as, alice):
    def ask(form):
        data = {
            "image": upload("a.jpg", seed=5, width=200, height=150),
            "model": "Outlines",
            "conf": 0.01,
            "max_det": 20,
        }
        return api_as(alice).post(f"/api/v1/predictions/infer?format={form}", data, format="multipart")

    found = ask("json").json()["predictions"]
    assert found
    for one in found:
        points = np.array(one["points"])
        assert points.shape[1:] == (2,)
        assert ((points >= 0) & (points <= 1)).all()
        x, y, width, height = (one[name] for name in ("x_center", "y_center", "width", "height"))
        assert (abs(points - [x, y]) <= np.array([width, height]) / 2 + 0.02).all()
        assert one.get("parts", [one["points"]])[0] == one["points"]
    rows = ask("coco").json()["annotations"]
    assert [len(row["segmentation"]) for row in rows] == [len(one.get("parts", [0])) for one in found]
    assert rows[0]["segmentation"][0][0] == pytest.approx(found[0]["points"][0][0] * 200, abs=0.01)
    assert all(row["area"] <= row["bbox"][2] * row["bbox"][3] * 1.1 for row in rows)
    lines = ask("yolo").content.decode().splitlines()
    assert len(lines[0].split()) == 2 + 2 * len(found[0]["points"])
    picture = Image.open(io.BytesIO(ask("image").content))
    assert min(picture.size) >= 150


@pytest.mark.once
def test_pictures_of_a_batch_have_outlines_drawn(deployed_segments, api_as, alice, django_capture_on_commit_callbacks):
    api, sent = api_as(alice), picture(96, 96, seed=5)
    asked = {"images": upload("a.png", sent), "model": "Outlines", "conf": 0.01, "max_det": 3}
    with django_capture_on_commit_callbacks(execute=True):
        pk = api.post("/api/v1/predictions/batch", asked, format="multipart").json()["id"]
    at = f"/api/v1/predictions/batch/{pk}"
    (found,) = api.get(f"{at}/results").json()["results"]
    predictions = found["answer"]["predictions"]
    assert predictions[0]["points"]
    image, boxes = drawing.opened(sent), drawing.answered(predictions, 1)
    outlines = drawing.answered_outlines(predictions, image.size)
    drawn = drawing.encoded(drawing.draw(drawing.fill(image.copy(), outlines), boxes), "JPEG")
    assert api.get(f"{at}/images/1").content == drawn
    assert drawing.encoded(drawing.draw(image.copy(), boxes), "JPEG") != drawn
    x, y = predictions[0]["points"][0]
    assert outlines[0][1][0][0] == (x * 96, y * 96)


def test_a_picture_is_tinted_in_bands_as_it_would_be_as_a_whole(monkeypatch):
    rng = np.random.default_rng(3)
    objects = [(one, [(rng.random((9, 2)) * [300, 700]).tolist() for _ in range(2)]) for one in range(6)]
    objects += [(6, [[(-20.5, -30.2), (500.7, 20.5), (40, 900)]]), (7, [[(3, 255.5), (200, 256), (100, 511.9)]])]
    image = Image.fromarray(rng.integers(0, 255, (700, 300, 3), np.uint8))
    in_bands = drawing.fill(image.copy(), objects)
    monkeypatch.setattr(drawing, "BAND", 1000)
    whole = drawing.fill(image.copy(), objects)
    assert in_bands.tobytes() == whole.tobytes() != image.tobytes()


def test_frames_of_a_video_have_outlines_drawn():
    pixels = np.full((90, 120, 3), 100, np.uint8)
    square = [[0.25, 0.25], [0.75, 0.25], [0.75, 0.75], [0.25, 0.75]]
    box = [0.25, 0.25, 0.75, 0.75, 0, "a 0.9", None]
    without = draw.paint(pixels.copy(), [[*box, []]], draw.Trails(25))
    drawn = draw.paint(pixels.copy(), [[*box, [square]]], draw.Trails(25))
    assert without[45, 60].tolist() == [100, 100, 100]
    assert np.abs(drawn[45, 60].astype(int) - 100).max() > 20
    assert drawn[5, 60].tolist() == [100, 100, 100]


def test_weights_that_segment_pass_the_check_of_uploads(tmp_path):
    from apps.inference.tests.test_onnx_models import Report
    from apps.models.services.checks import check_weights

    path = tmp_path / "weights.pt"
    path.write_bytes((tiny_weights() / "yolov8n-seg.pt").read_bytes())
    found = check_weights(path, "pt", [], Report())
    assert (found["task"], found["architecture"]) == ("segment", "yolov8n-seg")
