import math
import random

import pytest

from apps.annotations.services.shapes import BadLabels, clean_label
from apps.datasets.models import Dataset
from conftest import box

CLASSES = Dataset(class_names=["red", "white"], class_keys=[4, 7])
TRIANGLE = [[0.1, 0.1], [0.5, 0.1], [0.1, 0.7]]


def edges(label):
    half_width, half_height = label["width"] / 2, label["height"] / 2
    x, y = label["x_center"], label["y_center"]
    return x - half_width, y - half_height, x + half_width, y + half_height


def test_box_that_sticks_out_by_rounding_is_clipped():
    label = clean_label(CLASSES, box(x=0.05, width=0.10008, y=0.95, height=0.10008))
    assert edges(label) == pytest.approx((0, 0.89996, 0.10004, 1), abs=1e-12)


def test_box_that_is_cleaned_again_stays_the_same_to_the_last_bit():
    pick = random.Random(7).random
    for _ in range(2000):
        x1, x2 = sorted((pick() * 1.0001 - 0.00005, pick()))
        first = clean_label(CLASSES, box(x=(x1 + x2) / 2, width=x2 - x1, y=pick() * 0.2, height=1e-5))
        assert clean_label(CLASSES, first) == first


def test_box_inside_the_image_is_kept_as_it_came():
    item = box(x=0.1, width=0.2, y=0.9, height=0.2)
    label = clean_label(CLASSES, item)
    assert {name: label[name] for name in item if name != "class_id"} == {
        n: v for n, v in item.items() if n != "class_id"
    }


def test_polygon_gets_its_box():
    label = clean_label(CLASSES, {"class_id": 1, "points": TRIANGLE, "x_center": 9})
    assert edges(label) == pytest.approx((0.1, 0.1, 0.5, 0.7))
    assert label["points"] == TRIANGLE
    assert label["class_key"] == 7


def test_label_says_nothing_of_its_source_and_is_manual():
    assert clean_label(CLASSES, box(source=None))["source"] == "manual"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (box(width=0), "width 0 must be more than 0"),
        (box(height=-0.1), "height -0.1 must be more than 0"),
        (box(x=1.2), "reaches from 1.1 to 1.3 in width"),
        (box(x=0.0998), "the image is 0 to 1"),
        (box(y=0.95), "reaches from 0.85 to 1.05 in height"),
        (box(x=-0.00005, width=0.00001), "no area inside the image"),
        (box(x=math.nan), "x_center nan is not a finite number"),
        (box(y=math.inf), "y_center inf is not a finite number"),
        (box(width=10**400), "is not a finite number"),
        (box(width=None), "width None is not a finite number"),
        (box(width="0.2"), "width '0.2' is not a finite number"),
        (box(width=True), "width True is not a finite number"),
        (box(height=[0.2]), "height [0.2] is not a finite number"),
        (box(2), "class_id 2 is not a class of this dataset (0 to 1)"),
        (box(-1), "class_id -1 is not a class"),
        (box(True), "class_id True is not a class"),
        (box("1"), "class_id '1' is not a class"),
        (box(1.5), "class_id 1.5 is not a class"),
        (box(1.0), "class_id 1.0 is not a class"),
        (box(10**400), "is not a class"),
        (box(None), "class_id None is not a class"),
        (box({"a": 1}), "is not a class"),
        ({}, "class_id None is not a class"),
        (box(points=TRIANGLE[:2]), "points is a list of 3 to 5000"),
        (box(points=[]), "points is a list of 3 to 5000"),
        (box(points=[[0.5, 0.5]] * 5001), "points is a list of 3 to 5000"),
        (box(points="abc"), "points is a list of 3 to 5000"),
        (box(points=[1, 2, 3]), "each of the points is [x, y]"),
        (box(points=[[0.1, 0.1, 0.1]] * 3), "each of the points is [x, y]"),
        (box(points=[*TRIANGLE, [1.2, 0.5]]), "a point at 1.2 is outside the image"),
        (box(points=[*TRIANGLE, [0.5, math.nan]]), "a point nan is not a finite number"),
        (box(points=[*TRIANGLE, ["0.1", 0.5]]), "a point '0.1' is not a finite number"),
        (box(points=[[0.2, 0.1], [0.2, 0.5], [0.2, 0.9]]), "no area"),
        (box(points=[[0.1, 0.1], [0.5, 0.5], [0.9, 0.9], [0.3, 0.3]]), "no area"),
        (box(points=[[0.1, 0.1]] * 4), "no area"),
        (box(confidence=1.1), "confidence 1.1 is not between 0 and 1"),
        (box(confidence="high"), "confidence 'high' is not a finite number"),
        (box(source="magic"), "source 'magic' is none of manual, imported, model"),
        (box(source=[]), "source [] is none of"),
        (box(source=0), "source 0 is none of"),
        (box(id="7"), "id '7' is not an id"),
        (box(id=True), "id True is not an id"),
        (box(id=-7), "id -7 is not an id"),
        (box(id=2**63), "is not an id"),
        (box(id=[7]), "id [7] is not an id"),
        (None, "None is not an object"),
        (7, "7 is not an object"),
        ([0, 0.5, 0.5, 0.1, 0.1], "is not an object"),
    ],
)
def test_bad_label_is_refused_with_the_reason(item, reason):
    with pytest.raises(BadLabels) as bad:
        clean_label(CLASSES, item)
    assert reason in str(bad.value)
    assert len(str(bad.value)) < 200
