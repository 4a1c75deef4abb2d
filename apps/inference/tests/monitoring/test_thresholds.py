"""Which answers may be held against the validation images, and what of them counts."""

import pytest

from apps.inference.monitoring.counting import counts_of
from apps.inference.monitoring.thresholds import asked_thresholds, default_thresholds, thresholds

USUAL = thresholds(0.4, {"1": 0.2})


@pytest.mark.parametrize(
    ("options", "takes_part"),
    [
        ({}, True), ({"conf": None, "per_class": None, "classes": None}, True),
        ({"conf": 0.4}, False), ({"conf": 0.2}, True), ({"conf": 0.1}, True), ({"conf": 0.9}, False),
        ({"conf": 0.4, "per_class": {"1": 0.2}}, True), ({"conf": 0.4, "per_class": {"1": 0.3}}, False),
        ({"classes": [0]}, False), ({"conf": 0.1, "classes": [0, 1]}, False),
    ],
)  # fmt: skip
def test_only_answers_that_hide_nothing_take_part(options, takes_part):
    assert asked_thresholds(options, USUAL).hides_nothing_of(USUAL) is takes_part


def test_of_what_a_lower_threshold_shows_only_what_the_defaults_show_is_compared(asked):
    found = ((0, 0.9), (0, 0.3), (1, 0.3), (1, 0.1), (2, 0.41))
    compared = counts_of(asked(found, conf=0.05), USUAL)["compared"][USUAL.key]
    assert compared["classes"] == {"0": 1, "1": 1, "2": 1}
    assert (compared["images"], compared["objects"]) == (1, {"3": 1})


def test_all_that_was_found_is_counted_but_a_cut_answer_is_not_compared(asked):
    counts = counts_of(asked(((0, 0.9), (0, 0.8)), max_det=2), USUAL)
    assert (counts["classes"], "compared" in counts) == ({"0": 2}, False)


def test_a_refused_question_counts_its_status_only(asked):
    assert counts_of(asked(status=503), USUAL) == {"statuses": {"503": 1}}


def test_a_deployments_defaults_come_before_the_models_operating_point():
    point = {"confidence": 0.35, "per_class": {"0": 0.5}}
    assert default_thresholds(point, {}) == thresholds(0.35, {"0": 0.5})
    assert default_thresholds(point, {"conf": 0.6}) == thresholds(0.6)
    assert default_thresholds(point, {"classes": [1, 0]}) == thresholds(0.35, {"0": 0.5}, [0, 1])
    assert default_thresholds({}, None) == thresholds(0.25)


def test_defaults_that_show_some_classes_are_met_by_calls_that_say_nothing():
    usual = default_thresholds({}, {"classes": [1]})
    assert asked_thresholds({}, usual).hides_nothing_of(usual)
    assert usual.shown([(0, 0.9), (1, 0.9)]) == [(1, 0.9)]


def test_a_key_is_the_same_for_the_same_thresholds_only():
    assert thresholds(0.4, {"1": 0.2}).key == USUAL.key != thresholds(0.4, {"1": 0.21}).key
