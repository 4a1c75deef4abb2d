"""The gate where models segment: masks are judged beside boxes, by the IoU of masks, as ultralytics does."""

import numpy as np
import pytest

from apps.annotations.services.labels import save_labels
from apps.inference.runtime.boxes import fit
from apps.inference.runtime.masks import outline
from apps.inference.services.mask_overlap import mask_iou, masks_of
from apps.inference.tests.fakes import Drawing
from apps.models.models import TrainedModel

SQUARE = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]]
CORNER = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.42], [0.42, 0.42], [0.42, 0.6], [0.4, 0.6]]  # the box is that of SQUARE


@pytest.fixture
def outlined(ready_dataset, alice):
    """`ready_dataset`, its validation images with outlines."""
    for image in ready_dataset.images.filter(split="val"):
        (label,) = image.annotations.all()
        save_labels(image, image.revision, [{"class_id": _class_of(ready_dataset, label), "points": SQUARE}], alice)


def _class_of(dataset, label):
    return dataset.class_keys.index(label.class_key)


@pytest.fixture
def segmenting(versions):
    TrainedModel.objects.filter(pk__in=[model.pk for model in versions]).update(task="segment")
    for model in versions:
        model.refresh_from_db()
    return versions


def test_iou_is_that_of_the_pixels_inside():
    square, half, corner = (
        [np.array(points) * 100] for points in (SQUARE, [[0.4, 0.4], [0.6, 0.4], [0.4, 0.6]], CORNER)
    )
    found = mask_iou(masks_of([square, half, corner], 100, 100), masks_of([square], 100, 100))[:, 0]
    assert found[0] == 1
    assert found[1:] == pytest.approx([231 / 441, 117 / 441])  # edges belong to it: 21 pixels a side
    parts = [np.array(points) * 100 for points in (SQUARE, SQUARE)]
    assert mask_iou(masks_of([parts], 100, 100), masks_of([square], 100, 100)) == [[1]]  # not the odd-even rule
    assert mask_iou(masks_of([], 9, 9), masks_of([square], 9, 9)).shape == (0, 1)


@pytest.mark.parametrize("size", [320, 640, 1280])
def test_a_perfect_mask_overlaps_wholly_at_every_size_of_a_model(size):
    """An object of 40 pixels of 1280 each way; what the model drew are the outlines that OpenCV makes of its mask."""
    place = fit(1280, 960, size, 32)
    drawn = np.full((place.canvas_height, place.canvas_width), -1.0, np.float32)
    low, high = 400 * size // 1280, 440 * size // 1280
    drawn[place.top + low : place.top + high, place.left + low : place.left + high] = 1
    found = outline(drawn, np.array([0, 0, place.canvas_width, place.canvas_height]), place)
    label = np.array([[400, 400], [440, 400], [440, 440], [400, 440]])
    ours, theirs = masks_of([found], 1280, 960, size), masks_of([[label]], 1280, 960)
    assert mask_iou(ours, theirs)[0, 0] > 0.9


def test_worse_masks_in_the_same_boxes_are_blocked_in_words(
    outlined, segmenting, deployment, switched, fake_runtimes, page_as, api_as, alice
):  # fmt: skip
    for model, points in zip(segmenting, (SQUARE, CORNER), strict=True):
        fake_runtimes[model.pk] = Drawing(points)
    switch = switched(deployment, segmenting[1])
    assert (switch.state, switch.judgement["difference"]) == ("blocked", 0)
    assert switch.reason.startswith("mAP50-95 of masks is ")
    masks = switch.judgement["masks"]
    assert (masks["images"], masks["labels"], masks["new"]["mAP50_95"]) == (2, 2, 0)
    assert masks["live"]["mAP50_95"] == switch.judgement["live"]["mAP50_95"] > 0.7
    assert {row["name"]: row["masks"]["new"] for row in switch.judgement["per_class"]} == {"red": 0, "white": 0}
    page = page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    for words in (
        "judged on all of these images",
        "mAP50-95</span> of boxes",
        "mAP50 of masks",
        "Masks, new",
    ):
        assert words in page
    rows = api_as(alice).get(f"/api/v1/deployments/{deployment.pk}/switches").json()["results"]
    assert rows[0]["judgement"]["masks"] == masks


def test_without_outlines_boxes_are_judged_and_the_page_says_so(
    segmenting, deployment, switched, fake_runtimes, page_as, alice
):  # fmt: skip
    for model, points in zip(segmenting, (SQUARE, CORNER), strict=True):
        fake_runtimes[model.pk] = Drawing(points)
    assert switched(deployment, segmenting[1]).state == "done"
    page = page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    assert "Masks could not be judged, boxes alone are" in page
    assert "mAP50 of masks" not in page


def test_a_version_that_no_longer_segments_is_judged_by_boxes(
    outlined, versions, deployment, switched, fake_runtimes
):  # fmt: skip
    TrainedModel.objects.filter(pk=versions[0].pk).update(task="segment")
    fake_runtimes[versions[0].pk] = Drawing(SQUARE)
    switch = switched(deployment, versions[1])
    assert switch.judgement["masks"] == {"why_not": "Only one of the two models segments, so boxes alone are judged."}


def test_a_judgement_of_boxes_alone_from_before_is_made_again(
    outlined, segmenting, deployment, switched, fake_runtimes
):  # fmt: skip
    for model, points in zip(segmenting, (SQUARE, CORNER), strict=True):
        fake_runtimes[model.pk] = Drawing(points)
    old = switched(deployment, segmenting[1])
    del old.judgement["masks"]
    old.save(update_fields=["judgement"])
    assert switched(deployment, segmenting[1]).judgement["masks"]["new"]["mAP50_95"] == 0
