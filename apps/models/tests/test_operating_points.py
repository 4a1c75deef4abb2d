"""The operating point: what a rule gives on known curves, and who may store one."""

import pytest

from apps.models import services
from apps.models.models import Evaluation
from apps.models.services.operating_points import PointRefused, point_on

from .conftest import CURVE, X, curves


def patch(api, model, point):
    return api.patch(f"/api/v1/models/{model.pk}", {"operating_point": point}, format="json")


def test_best_f1_is_where_the_curve_is_highest():
    confidence, by_class = point_on(curves(), "best_f1")
    assert confidence == X[CURVE["f1"].index(max(CURVE["f1"]))]
    assert by_class["0"] == confidence


def never_right(found, place):
    for name in ("precision", "recall", "f1"):
        found[name]["per_class"][place]["y"] = [0.0] * len(X)
    return found


def test_a_class_that_is_never_right_has_the_overall_confidence_and_not_0():
    confidence, by_class = point_on(never_right(curves(), 1), "best_f1")
    assert by_class["1"] == confidence > 0


def test_where_many_confidences_are_the_best_the_middle_one_is_taken():
    found = curves()
    found["f1"]["per_class"][0]["y"] = [0.9] * 61 + [0.0] * 40
    assert point_on(found, "best_f1")[1]["0"] == 0.3


def test_a_model_that_is_never_right_is_refused_a_best_f1():
    found = curves()
    found["f1"]["overall"] = [0.0] * len(X)
    with pytest.raises(PointRefused, match="F1 is 0 throughout"):
        point_on(found, "best_f1")


def test_a_model_that_was_uploaded_is_judged_on_validation_before_a_newer_test_split(
    api_as, alice, evaluation, trained_model
):
    services.update_model(trained_model, dataset_version=None)
    newer = Evaluation.objects.get(pk=evaluation.pk)
    newer.pk, newer.split = None, "test"
    newer.save()
    point = patch(api_as(alice), trained_model, {"rule": "best_f1"}).json()["operating_point"]
    assert (point["evaluation_id"], point["split"]) == (evaluation.pk, "val")
    evaluation.delete()
    answer = patch(api_as(alice), trained_model, {"rule": "best_f1"})
    assert (answer.status_code, "evaluation_id" in str(answer.json())) == (400, True)


def test_a_wanted_precision_keeps_most_recall_and_a_wanted_recall_most_precision():
    assert point_on(curves(), "precision", 0.6)[0] == 0.5
    assert point_on(curves(), "recall", 0.45)[0] == 0.5


def test_a_class_that_never_gets_there_has_the_overall_confidence():
    confidence, by_class = point_on(curves(), "precision", 0.8)
    assert (confidence, by_class) == (0.75, {"0": 0.75, "1": 0.75})


def test_what_cannot_be_reached_is_refused_with_the_most_that_can():
    with pytest.raises(PointRefused, match=r"a recall of 0.95; the most that it reaches is 0.900"):
        point_on(curves(), "recall", 0.95)


def test_a_point_is_stored_with_the_model(api_as, alice, evaluation, trained_model):
    body = patch(api_as(alice), trained_model, {"rule": "precision", "target": 0.6, "per_class": True}).json()
    assert body["operating_point"] == {
        "confidence": 0.5, "rule": "precision", "target": 0.6, "per_class": {"0": 0.5, "1": 0.5},
        "evaluation_id": evaluation.pk, "split": "val",
    }  # fmt: skip
    body = patch(api_as(alice), trained_model, {"confidence": 0.33, "per_class": {"1": 0.6}}).json()
    assert body["operating_point"]["per_class"] == {"1": 0.6}
    assert patch(api_as(alice), trained_model, None).json()["operating_point"] == {}


@pytest.mark.parametrize(
    "point",
    [
        {"confidence": 2}, {"rule": "precision"}, {"rule": "odd"}, {"rule": "recall", "target": 0.99}, "x", [1], 5,
        {"confidence": 0.5, "per_class": {"7": 0.5}}, {"confidence": 0.5, "per_class": {"0": 3}},
        {"confidence": 0.5, "per_class": [1]}, {"confidence": 0.5, "per_class": {"0": [1]}}, {"per_class": True},
        {"rule": "best_f1", "evaluation_id": 999}, {"confidence": 0.5, "per_class": {"0": float("nan")}},
    ],
)  # fmt: skip
def test_a_point_that_makes_no_sense_is_refused(api_as, alice, evaluation, trained_model, point):
    import json

    answer = api_as(alice).patch(
        f"/api/v1/models/{trained_model.pk}", json.dumps({"operating_point": point}), content_type="application/json"
    )
    assert answer.status_code == 400, answer.json()
    trained_model.refresh_from_db()
    assert trained_model.operating_point == {}


def test_a_rule_needs_an_evaluation(api_as, alice, trained_model):
    answer = patch(api_as(alice), trained_model, {"rule": "best_f1"})
    assert answer.status_code == 400
    assert "Evaluate it first" in str(answer.json())


def test_only_the_owner_chooses(api_as, bob, carol, evaluation, trained_model):
    assert patch(api_as(carol), trained_model, {"confidence": 0.5}).status_code == 404
    services.update_model(trained_model, is_public=True)
    assert patch(api_as(bob), trained_model, {"confidence": 0.5}).status_code == 403
