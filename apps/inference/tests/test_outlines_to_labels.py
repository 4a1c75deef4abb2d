"""Outlines of models that segment on their way to labels: as suggestions, by capture and by pre-labelling."""

import cv2
import numpy as np
import pytest

from apps.annotations.models import Suggestion
from apps.annotations.services.versions import create_version
from apps.datasets import services as datasets
from apps.inference import after, outlines
from apps.inference.capture import storing, waiting
from apps.inference.capture.settings import set_capture
from apps.inference.models import CaptureWaiting
from apps.inference.runtime import Segment
from apps.inference.services.mask_overlap import mask_iou, masks_of
from apps.inference.tests.fakes import Outlining
from conftest import box, upload

OUTLINE = [[0.4, 0.4], [0.6, 0.4], [0.5, 0.6]]


@pytest.fixture
def outlining(deployment, fake_runtimes):
    """Alice's deployment “Cells”, whose model finds two objects with this outline."""
    fake_runtimes[deployment.model_id] = Outlining(OUTLINE)
    return deployment


def target(alice, task):
    return datasets.create_dataset(alice, f"To {task}", class_names=["red", "white"], task=task)


@pytest.mark.parametrize(("task", "points"), [("segment", OUTLINE), ("detect", None)])
def test_a_captured_picture_has_its_outlines_as_suggestions_where_outlines_are_labelled(
    outlining, alice, api_as, monkeypatch, task, points
):
    dataset = target(alice, task)
    capture = set_capture(outlining, alice, dataset, mode="all")
    monkeypatch.setattr(after, "tell", lambda one: waiting.capture_questions([one]))
    api = api_as(alice)
    api.post("/api/v1/predictions/infer", {"image": upload(seed=5), "model": "Cells"}, format="multipart")
    storing.store_waiting(capture.pk)
    image = dataset.images.get()
    offered = api.get(f"/api/v1/datasets/{dataset.pk}/images/{image.pk}/suggestions").json()["predictions"]
    assert [(one["class_name"], one["points"]) for one in offered] == [("red", points), ("white", points)]
    if points:  # as the workspace accepts one: it is the label, and its box is worked out
        at, label = f"/api/v1/datasets/{dataset.pk}/images/{image.pk}/annotations", box(0, points=offered[0]["points"])
        saved = api.put(at, {"revision": 0, "annotations": [label]}, format="json").json()["annotations"]
        assert (saved[0]["points"], round(saved[0]["height"], 6)) == (OUTLINE, 0.2)
        version, _ = create_version(dataset, alice)
        assert version.num_boxes == 1


def test_what_waits_since_an_older_release_has_boxes_alone(outlining, alice):
    capture = set_capture(outlining, alice, target(alice, "segment"), mode="all")
    row = CaptureWaiting(capture=capture, answer=[["red", 0.9, 0.5, 0.5, 0.2, 0.2]])
    (found,) = storing.suggested(row, {"red": 7}, outlines=True)
    assert (found["class_key"], found["points"]) == (7, None)


@pytest.mark.parametrize(("task", "points"), [("segment", OUTLINE), ("detect", None)])
def test_pre_labelling_offers_outlines_where_outlines_are_labelled(
    outlining, alice, api_as, run_tasks_at_once, django_capture_on_commit_callbacks, task, points
):
    dataset, api = target(alice, task), api_as(alice)
    (image,) = datasets.add_images(dataset, [upload(seed=1)])["created"]
    address, asked = f"/api/v1/datasets/{dataset.pk}", {"model_id": outlining.model_id, "conf": 0.1}
    at_once = api.post(f"{address}/images/{image.pk}/prelabel", asked, format="json").json()["predictions"]
    assert [one["points"] for one in at_once] == [points, points]
    with django_capture_on_commit_callbacks(execute=True):
        assert api.post(f"{address}/prelabel", asked, format="json").status_code == 202
    assert [row.points for row in Suggestion.objects.filter(image=image)] == [points, points]


def drawn(draw, width, height):
    """The box of a runtime's with the outline of what `draw(pixels)` paints, and that outline."""
    pixels = np.zeros((height, width), np.uint8)
    draw(pixels)
    contours, _ = cv2.findContours(pixels, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    points = max((one.reshape(-1, 2) for one in contours), key=len)
    found = Segment(0, 0.9, *points.min(0).tolist(), *points.max(0).tolist())
    found.polygons = [points]
    return found, points


WAVE = np.array([[x, 800 + 300 * np.sin(x / 200)] for x in range(200, 3800, 20)], np.int32)
THIN = {
    "line": lambda pixels, thick: cv2.line(pixels, (200, 300), (3800, 1400), 1, thick),
    "arc": lambda pixels, thick: cv2.ellipse(pixels, (2000, 1500), (1500, 1200), 0, 0, 250, 1, thick),
    "wave": lambda pixels, thick: cv2.polylines(pixels, [WAVE], False, 1, thick),
}


@pytest.mark.parametrize("thick", [4, 6, 10, 30])
@pytest.mark.parametrize("kind", THIN)
def test_a_thin_long_outline_keeps_its_shape_and_area_in_a_large_picture(kind, thick):
    found, points = drawn(lambda pixels: THIN[kind](pixels, thick), 4000, 3000)
    label = np.array(outlines.outline_of(found, 4000, 3000)) * (4000, 3000)
    before, after = masks_of([[points], [label]], 640, 640)  # of so small a picture: at their own size
    assert mask_iou([before], [after])[0, 0] > 0.75
    assert after.area == pytest.approx(before.area, rel=0.25)  # pixels of its edge belong to it
    assert len(label) < len(points) / 2


def test_a_disc_has_as_few_points_as_before():
    found, points = drawn(lambda pixels: cv2.circle(pixels, (300, 300), 100, 1, -1), 640, 640)
    label = outlines.outline_of(found, 640, 640)
    assert len(points) > 100
    assert 12 <= len(label) <= 30


def test_an_outline_of_a_few_pixels_is_kept_as_it_is():
    found, points = drawn(lambda pixels: cv2.circle(pixels, (300, 300), 2, 1, -1), 640, 640)
    assert len(outlines.outline_of(found, 640, 640)) == len(points)
