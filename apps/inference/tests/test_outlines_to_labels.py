"""Outlines of models that segment on their way to labels: as suggestions, by capture and by pre-labelling."""

import pytest

from apps.annotations.models import Suggestion
from apps.annotations.services.versions import create_version
from apps.datasets import services as datasets
from apps.inference import after
from apps.inference.capture import storing, waiting
from apps.inference.capture.settings import set_capture
from apps.inference.models import CaptureWaiting
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
