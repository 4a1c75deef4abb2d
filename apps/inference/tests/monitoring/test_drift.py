"""The population stability index on distributions whose drift is known, and when it is too early to say."""

import math

import numpy as np
import pytest

from apps.inference.monitoring.drift import chance_of, drift, population_stability

EVEN = [0.25, 0.25, 0.25, 0.25]


def sample(shares, number, seed=1):
    counts = np.random.default_rng(seed).multinomial(number, shares)
    return {str(cell): int(count) for cell, count in enumerate(counts)}


def test_psi_is_that_of_the_definition():
    """0.5 and 0.5 against 0.75 and 0.25: 0.25 ln 1.5 - 0.25 ln 0.5."""
    exact = 0.25 * math.log(1.5) - 0.25 * math.log(0.5)
    assert population_stability([500_000, 500_000], [750_000, 250_000]) == pytest.approx(exact, abs=1e-5)


@pytest.mark.parametrize(("free", "quantile"), [(1, 3.841), (4, 9.488), (9, 16.919), (15, 24.996)])
def test_chance_is_the_quantile_of_chi_squared(free, quantile):
    assert chance_of(free + 1, 1000, 1000) == pytest.approx(quantile * 2 / 1000, rel=0.03)


def test_samples_of_one_distribution_stay_below_chance_in_about_nineteen_of_twenty():
    below = 0
    for seed in range(400):
        found = drift(sample([0.1, 0.2, 0.3, 0.4], 400, seed), sample([0.1, 0.2, 0.3, 0.4], 900, seed + 1000))
        below += found.psi < found.chance
    assert 360 <= below <= 396  # 380 are expected; the seeds are fixed


@pytest.mark.parametrize(
    ("now", "verdict"), [(EVEN, "same"), ([0.36, 0.30, 0.20, 0.14], "some"), ([0.7, 0.1, 0.1, 0.1], "much")]
)
def test_known_drifts_are_called_by_their_names(now, verdict):
    assert drift(sample(EVEN, 3000), sample(now, 5000, 2)).verdict == verdict


def test_few_are_too_few_to_say_and_many_are_not():
    few, many = ([3, 2], [4, 1]), ([3000, 2000], [3100, 1900])
    assert [drift(*({"0": a, "1": b} for a, b in pair)).verdict for pair in (few, many)] == ["unknown", "same"]


def test_a_difference_beyond_chance_is_said_of_few_as_well():
    assert drift({"0": 40, "1": 1}, {"0": 1, "1": 40}).verdict == "much"


def test_too_few_images_are_too_few_whatever_their_boxes_say():
    assert drift(sample(EVEN, 9000), sample([0.7, 0.1, 0.1, 0.1], 9000), enough=False).verdict == "unknown"


@pytest.mark.parametrize(("then", "now"), [({}, {}), ({"0": 5}, {}), ({}, {"0": 5})])
def test_nothing_on_a_side_is_too_few(then, now):
    assert (drift(then, now).verdict, drift(then, now).psi) == ("unknown", None)


def test_one_class_only_cannot_drift():
    assert drift({"0": 500}, {"0": 900}).verdict == "same"


def test_a_class_that_was_never_seen_before_is_drift_and_is_named():
    found = drift({"0": 500, "1": 500}, {"0": 500, "1": 500, "2": 500})
    assert (found.verdict, found.most_moved[0]) == ("much", "2")


def test_a_crowd_of_rare_classes_is_no_drift():
    """80 classes, of which 60 come once in a while: put together they are one cell, and chance stays small."""
    then = {"0": 5000, "1": 5000} | {str(rare): 1 for rare in range(2, 62)}
    now = {"0": 5000, "1": 5000} | {str(rare): 1 for rare in range(20, 80)}
    assert drift(then, now).verdict == "same"
