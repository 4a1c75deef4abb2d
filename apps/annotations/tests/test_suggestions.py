"""Predictions that wait as suggestions: what is offered, and what is forgotten."""

import pytest

from apps.annotations.models import Annotation, Suggestion
from apps.annotations.services.labels import save_labels
from apps.annotations.services.suggestions import SAME_OBJECT_IOU, iou, replace_suggestions, worth_offering
from conftest import box


def prediction(class_id=0, x=0.5, y=0.5, width=0.2, height=0.2, confidence=0.9):
    made = box(class_id, x, y, width, height, confidence=confidence)
    return {"class_key": made.pop("class_id"), **made}


@pytest.fixture
def address(image):
    return f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/suggestions"


def test_what_overlaps_a_label_of_its_class_is_not_offered(image, alice):
    save_labels(image, 0, [box(0)], alice)
    shifted = {0: 1.0, 0.03: 17 / 23, 0.036: 0.164 / 0.236, 0.05: 0.6, 0.3: 0.0}  # by so much: this IoU
    for shift, expected in shifted.items():
        one = prediction(x=0.5 + shift)
        corners = [(p["x_center"] - 0.1, 0.4, p["x_center"] + 0.1, 0.6) for p in (one, box(0))]
        assert iou(*corners) == pytest.approx(expected, abs=1e-9)
        assert worth_offering(image, [one]) == ([] if expected >= SAME_OBJECT_IOU else [one])
    assert SAME_OBJECT_IOU == 0.7


def test_another_class_on_the_same_place_is_offered(image, alice):
    save_labels(image, 0, [box(0)], alice)
    assert worth_offering(image, [prediction(1)]) == [prediction(1)]


def test_suggestions_come_strongest_first_and_change_no_label(owner, image, address):
    replace_suggestions(image, "m", [prediction(0, x=0.2, confidence=0.3), prediction(1, x=0.7, confidence=0.8)])
    found = owner.get(address).json()["predictions"]
    assert [(one["class_name"], one["confidence"], one["model"]) for one in found] == [
        ("white", 0.8, "m"), ("red", 0.3, "m"),
    ]  # fmt: skip
    assert not Annotation.objects.exists()
    image.refresh_from_db()
    assert (image.state, image.revision, image.num_boxes) == ("unlabelled", 0, 0)


def test_what_was_labelled_meanwhile_is_no_longer_offered(owner, image, address, alice):
    replace_suggestions(image, "m", [prediction(0, x=0.2), prediction(1, x=0.7)])
    save_labels(image, 0, [box(0, x=0.21)], alice)
    assert [one["class_name"] for one in owner.get(address).json()["predictions"]] == ["white"]


def test_a_newer_run_takes_the_place_of_the_older(image):
    replace_suggestions(image, "old", [prediction(x=0.2), prediction(x=0.8)])
    replace_suggestions(image, "new", [prediction(x=0.5)])
    assert [(one.model_name, one.x_center) for one in Suggestion.objects.all()] == [("new", 0.5)]


def test_those_decided_on_are_forgotten_and_only_of_this_image(owner, image, images, address):
    images[1].dataset = image.dataset
    replace_suggestions(image, "m", [prediction(x=0.2), prediction(x=0.8)])
    replace_suggestions(images[1], "m", [prediction()])
    first, second = Suggestion.objects.filter(image=image)
    strange = Suggestion.objects.get(image=images[1])
    assert owner.delete(address, {"ids": [first.pk, strange.pk]}, format="json").status_code == 204
    assert set(Suggestion.objects.all()) == {second, strange}
    assert owner.delete(address, {}, format="json").status_code == 204
    assert list(Suggestion.objects.all()) == [strange]


@pytest.mark.parametrize("ids", ["x", [0], [-1], ["a"], [1.5], [2**70]])
def test_ids_that_are_none_are_refused_and_nothing_is_forgotten(owner, image, address, ids):
    replace_suggestions(image, "m", [prediction()])
    assert owner.delete(address, {"ids": ids}, format="json").status_code == 400
    assert Suggestion.objects.count() == 1


def test_the_window_and_the_filter_know_of_waiting_suggestions(owner, images, dataset):
    images[1].dataset = dataset
    replace_suggestions(images[1], "m", [prediction(x=0.2), prediction(x=0.8)])
    window = owner.get(f"/api/v1/datasets/{dataset.pk}/workspace/window?image={images[0].pk}").json()["items"]
    assert [item["num_suggestions"] for item in window] == [0, 2, 0, 0, 0, 0]
    ask = f"/api/v1/datasets/{dataset.pk}/workspace/position?disagreement="
    assert (owner.get(f"{ask}true").json()["count"], owner.get(f"{ask}false").json()["count"]) == (1, 5)
    assert owner.get(f"{ask}perhaps").status_code == 400
