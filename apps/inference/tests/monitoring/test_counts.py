"""Histograms that add up, and percentiles from them."""

import numpy as np
import pytest

from apps.inference.monitoring import counts as c


def histogram(milliseconds):
    counts = {}
    for one in milliseconds:
        c.tally(counts, c.latency_slot(one))
    return counts


@pytest.mark.parametrize("share", [0, 0.5, 0.95, 0.99, 0.999, 1])
@pytest.mark.parametrize(
    "times",
    [
        np.random.default_rng(1).lognormal(3, 0.6, 20_000),
        np.random.default_rng(2).uniform(0.02, 5000, 5_000),
        np.concatenate([np.full(990, 4.0), np.full(10, 900.0)]),
        np.array([12.5]),
        np.array([1.0, 1000.0]),
    ],
    ids=["lognormal", "uniform", "two humps", "one", "two"],
)
def test_percentiles_are_within_the_error_that_is_said_of_numpys(times, share):
    exact = np.percentile(times, share * 100, method="lower")
    assert c.percentile(histogram(times), share) == pytest.approx(exact, rel=c.LATENCY_ERROR * 1.000001)


def test_histograms_that_are_added_up_give_the_percentiles_of_all():
    one, other = np.random.default_rng(3).lognormal(2, 1, 3000), np.random.default_rng(4).lognormal(4, 1, 500)
    both = c.add(histogram(one), histogram(other))
    assert both == histogram(np.concatenate([one, other]))


def test_there_is_no_percentile_of_nothing():
    assert c.percentile({}, 0.5) is None


@pytest.mark.parametrize("milliseconds", [0, -1, 1e-9, 1e12, float("inf")])
def test_times_beyond_the_bounds_are_in_the_first_or_last_slot(milliseconds):
    assert c.latency_slot(c.LEAST_MS) <= c.latency_slot(milliseconds) <= c.latency_slot(c.MOST_MS)


def test_confidences_lie_in_twentieths():
    assert [c.confidence_bin(one) for one in (0, 0.049, 0.05, 0.5, 0.9999, 1)] == [0, 0, 1, 10, 19, 19]


def test_every_number_of_objects_has_one_slot_and_words():
    slots = [c.objects_slot(number) for number in range(500)]
    assert slots == sorted(slots)
    assert [c.objects_words(c.objects_slot(n)) for n in (0, 4, 5, 6, 9, 199, 10_000)] == [
        "0", "4", "5 to 6", "5 to 6", "7 to 9", "150 to 199", "200 or more",
    ]  # fmt: skip


def test_adding_changes_nothing_of_what_is_added():
    more = {"a": {"x": 1}}
    counts = c.add(c.add({}, more), more)
    assert (counts, more) == ({"a": {"x": 2}}, {"a": {"x": 1}})
