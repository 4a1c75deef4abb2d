"""Matching by hand: small cases whose answer can be counted on fingers."""

import numpy as np

from apps.models.engine.matching import Seen, ap_by_size, match_image

PERFECT = 0.995  # ultralytics' curve falls from the last recall to 0 within its last hundredth


def seen(labels, found, iou):
    """labels: [(class, area)], found: [(class, area, confidence)], iou: a row per prediction."""
    return Seen(
        np.array([c for c, _ in labels], int), np.array([a for _, a in labels], float),
        np.array([c for c, _, _ in found], int), np.array([a for _, a, _ in found], float),
        np.array([c for _, _, c in found], float), np.array(iou, float).reshape(len(found), len(labels)),
    )  # fmt: skip


def test_the_most_confident_takes_the_label_and_a_second_one_finds_nothing():
    image = seen([(0, 100)], [(0, 100, 0.9), (0, 100, 0.8)], [[0.6], [0.9]])
    assert match_image(image) == [(0, -1), (-1, -1)]


def test_a_prediction_on_a_label_of_another_class_says_so():
    image = seen([(0, 100), (1, 100)], [(1, 100, 0.9)], [[0.8, 0.3]])
    assert match_image(image) == [(-1, 0)]


def test_overlap_below_a_half_is_no_match():
    assert match_image(seen([(0, 100)], [(0, 100, 0.9)], [[0.499]])) == [(-1, -1)]


def test_an_image_without_labels_or_predictions_is_no_trouble():
    assert match_image(seen([], [(0, 100, 0.9)], [])) == [(-1, -1)]
    assert match_image(seen([(0, 100)], [], [])) == []


def test_all_found_exactly_is_an_average_precision_of_one():
    image = seen([(0, 100), (0, 5000)], [(0, 100, 0.9), (0, 5000, 0.8)], [[1, 0], [0, 1]])
    found = ap_by_size([image])
    assert (found["small"]["mAP50_95"], found["medium"]["mAP50_95"]) == (PERFECT, PERFECT)
    assert found["large"] == {"labels": 0, "mAP50": None, "mAP50_95": None, "recall50": None}


def test_a_large_object_missed_costs_the_small_ones_nothing():
    image = seen([(0, 100), (0, 20_000)], [(0, 100, 0.9)], [[1, 0]])
    found = ap_by_size([image])
    assert (found["small"]["mAP50"], found["large"]["mAP50"]) == (PERFECT, 0.0)
    assert (found["all"]["labels"], found["all"]["recall50"]) == (2, 0.5)


def test_a_prediction_of_another_size_that_matches_nothing_is_ignored():
    image = seen([(0, 100)], [(0, 20_000, 0.95), (0, 100, 0.9)], [[0], [1]])
    found = ap_by_size([image])
    assert found["small"]["mAP50"] == PERFECT
    assert found["all"]["mAP50"] < PERFECT
