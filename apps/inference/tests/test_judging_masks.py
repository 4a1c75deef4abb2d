"""The gate where models segment: masks are judged beside boxes, by the IoU of masks, as ultralytics does."""

from pathlib import Path

import numpy as np
import pytest
from django.core.files.storage import default_storage

from apps.annotations.services.entries import version_entries
from apps.annotations.services.labels import save_labels
from apps.core.work import WorkFailed
from apps.inference.runtime.boxes import fit
from apps.inference.runtime.masks import outline
from apps.inference.services import Choice, chosen_builds, quantizing, truth
from apps.inference.services.mask_overlap import mask_iou, masks_of
from apps.inference.services.proving import Way, choose, why_not
from apps.inference.services.quantizing import Ground
from apps.inference.tests.fakes import Drawing
from apps.models.models import ServingBuild, TrainedModel

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


@pytest.fixture
def answers_of(outlined, segmenting):
    """`answers_of(points)`: (model, version, entries, what is answered on each where all outlines are `points`)."""
    model = segmenting[0]
    version = model.dataset_version
    entries = [entry for entry in version_entries(version) if entry["split"] == "val"]

    def answers(points):
        return [Drawing(points).predict(default_storage.open(entry["file"]).read()) for entry in entries]

    return model, version, entries, answers


@pytest.fixture
def quantized(answers_of, monkeypatch):
    """`quantized(points)`: what is kept of an int8 that draws its outlines so, where the weights draw SQUARE."""
    model, version, entries, answers = answers_of
    ground = Ground(version, "val", entries, ["a.png"] * len(entries))
    monkeypatch.setattr(chosen_builds, "ground_to_judge_on", lambda given: ground)
    exported = {"reference": {"seconds_per_image": 0.01}}
    monkeypatch.setattr(chosen_builds, "export", lambda *args, **more: exported)
    monkeypatch.setattr(chosen_builds, "weights_answers", lambda *args: iter(answers(SQUARE)))

    def build(points):
        def try_all(ways, *args, **more):
            ways[0].answers, ways[0].seconds, ways[0].imgsz = answers(points), [0.01], 64

        monkeypatch.setattr(quantizing, "try_all", try_all)
        _, kept = chosen_builds._int8(model, Path("."), lambda *args: None, (version, "val"), Choice(precision="int8"))
        return kept["int8"]

    return build


def test_int8_whose_masks_are_as_good_is_kept_with_both_figures(quantized):
    judged = quantized(SQUARE)
    assert judged["masks"]["weights"] == judged["masks"]["int8"] > 0.7
    assert (judged["masks"]["images"], judged["masks"]["labels"]) == (2, 2)
    assert judged["weights"] == judged["int8"]


def test_int8_of_worse_masks_in_the_same_boxes_is_refused_with_both_figures(quantized):
    words = r"int8 is not served: its mAP50-95 of masks is 0\.000 where the weights have 0\.\d+, on 2 labelled images: "
    with pytest.raises(chosen_builds.BuildRefused, match=words) as refused:
        quantized(CORNER)
    assert str(refused.value).count("where the weights have") == 1  # boxes are as good


def test_int8_of_a_time_when_masks_were_not_judged_is_judged_again(answers_of):
    model, version, *_ = answers_of
    ground, choice = (version, "val"), Choice(precision="int8")
    judged = {"version_id": version.pk, "split": "val"}
    known = ServingBuild(model=model, serving={"int8": judged})
    assert not chosen_builds._was_judged(known, choice, ground)
    judged["masks"] = {"why_not": "…"}
    assert chosen_builds._was_judged(known, choice, ground)


def test_the_page_and_the_api_show_both_figures_of_masks(
    segmenting, deployment, page_as, api_as, alice
):  # fmt: skip
    masks = {"images": 2, "labels": 3, "weights": 0.512, "int8": 0.508}
    judged = {"version_id": None, "version": None, "split": "val", "images": 4, "weights": 0.61, "int8": 0.62}
    kept = {"compared": "labels", "precision": "int8", "int8": judged | {"labels": 5, "masks": masks}}
    TrainedModel.objects.filter(pk=segmenting[0].pk).update(serving=kept)
    page = page_as(alice)
    said = page.get(f"/deployments/{deployment.pk}").content.decode()
    assert "of masks it is 0.508, that of the weights 0.512 (on the 2 images whose labels all have outlines)" in said
    told = api_as(alice).get(f"/api/v1/deployments/{deployment.pk}").json()["served"]["proof"]
    assert told["int8"]["masks"] == masks
    masks.clear()
    masks["why_not"] = "Masks could not be judged."
    TrainedModel.objects.filter(pk=segmenting[0].pk).update(serving=kept)
    assert "Masks could not be judged." in page.get(f"/deployments/{deployment.pk}").content.decode()


def test_masks_of_labels_are_painted_once_for_both_versions(
    outlined, segmenting, deployment, switched, fake_runtimes, monkeypatch
):  # fmt: skip
    painted = []
    monkeypatch.setattr(truth, "masks_of", lambda *args: painted.append(args) or masks_of(*args))
    for model in segmenting:
        fake_runtimes[model.pk] = Drawing(SQUARE)
    assert switched(deployment, segmenting[1]).judgement["masks"]["images"] == 2
    assert len(painted) == 2


def test_of_two_ways_whose_boxes_agree_one_with_other_masks_does_not_serve(answers_of):
    *_, answers = answers_of
    good, other = (Way(program, Path("."), imgsz=64) for program in ("openvino", "onnxruntime"))
    good.answers, good.seconds = answers(SQUARE), [1.0]
    other.answers, other.seconds = answers(CORNER), [0.1]
    expected = [answer.boxes for answer in answers(SQUARE)]
    assert choose([good, other], expected, "They differ") is good
    assert (good.figures["agreement"], other.figures["agreement"]) == (1, 1)
    assert good.figures["masks_overlap"] == 1
    assert why_not(other).startswith("Its masks overlap those that it is held against by ")
    with pytest.raises(WorkFailed, match="and their masks overlap by"):
        choose([other], expected, "They differ")
