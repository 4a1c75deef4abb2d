"""The tallies behind a dataset's statistics: numbers in, figures out, whatever the chunks."""

import numpy as np
import pytest

from apps.annotations.services.statistics import tallies
from apps.annotations.services.statistics.tallies import GRID, Counts, ImageTally, LabelTally, pack, unpack

TRAIN, VAL, TEST, NONE = range(4)


def labels(rows, size=(100, 100), num_classes=3):
    """A tally of rows (image, split, class, x, y, w, h)."""
    tally = LabelTally(num_classes)
    add_labels(tally, rows, size)
    return tally


def add_labels(tally, rows, size=(100, 100)):
    table = np.array(rows, float).reshape(-1, 7)
    image, split, kind = table[:, :3].astype(np.int64).T
    tally.add(image, split, kind, table[:, 3:], np.tile(size, (len(table), 1)))


def images(rows):
    """A tally of rows (split, state, labelled, boxes, width, height, brightness)."""
    tally = ImageTally()
    tally.add(*np.array(rows, np.int64).reshape(-1, 7).T)
    return tally


def test_boxes_and_images_are_counted_by_class_and_split():
    tally = labels([
        (7, TRAIN, 0, 0.5, 0.5, 0.1, 0.1), (7, TRAIN, 0, 0.2, 0.5, 0.1, 0.1), (7, TRAIN, 2, 0.5, 0.5, 0.1, 0.1),
        (9, VAL, 0, 0.5, 0.5, 0.1, 0.1),
    ])  # fmt: skip
    assert tally.boxes.tolist() == [[2, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]
    assert tally.images.tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_a_class_that_is_not_in_the_list_has_a_place_of_its_own():
    tally = labels([(1, NONE, 3, 0.5, 0.5, 0.1, 0.1)])
    assert tally.boxes[3].tolist() == [0, 0, 0, 1]


@pytest.mark.parametrize(
    ("side", "name"),
    [(15.9, "to 16²"), (16, "to 32²"), (31.9, "to 32²"), (32, "to 96²"), (96, "to 256²"), (256, "above")],
)
def test_a_box_is_of_the_size_that_its_area_in_pixels_says(side, name):
    tally = labels([(1, TRAIN, 0, 0.5, 0.5, side / 1000, side / 1000)], size=(1000, 1000))
    assert [row[0] for row, n in zip(tallies.AREAS, tally.areas, strict=True) if n] == [name]


@pytest.mark.parametrize(
    ("ratio", "name"),
    [(0.49, "below 1:2"), (0.5, "1:2 to 4:5"), (1, "about square"), (1.26, "5:4 to 2:1"), (2, "above 2:1")],
)
def test_a_shape_is_width_to_height_in_pixels(ratio, name):
    tally = labels([(1, TRAIN, 0, 0.5, 0.5, 0.1 * ratio, 0.05)], size=(100, 200))
    assert [row[0] for row, n in zip(tallies.ASPECTS, tally.aspects, strict=True) if n] == [name]


def test_boxes_without_area_are_counted_but_have_neither_size_nor_shape():
    tally = labels([(1, TRAIN, 0, 0.5, 0.5, 0, 0.1)])
    assert (tally.boxes.sum(), tally.areas.sum(), tally.aspects.sum()) == (1, 0, 0)
    assert (tally.sides.sum(), tally.ratios.sum()) == (0, 0)


def test_a_map_counts_each_cell_that_a_box_touches():
    cell = 1 / GRID
    tally = labels([(1, TRAIN, 1, 2 * cell, 1.5 * cell, 2 * cell, cell), (1, TRAIN, 1, 0.5, 0.5, 1, 1)])
    found = tally.positions()[1]
    assert found[1, 1:3].tolist() == [2, 2]
    assert (found == 1).sum() == GRID * GRID - 2


def test_a_box_that_sticks_out_is_on_the_cells_inside():
    found = labels([(1, TRAIN, 0, 1.2, 0.5, 0.2, 0.01), (1, TRAIN, 0, -3, 0.5, 0.2, 0.01)]).positions()[0]
    assert np.argwhere(found.sum(axis=0)).ravel().tolist() == [0, GRID - 1]


def test_classes_meet_on_images():
    tally = labels([
        (1, TRAIN, 0, 0.5, 0.5, 0.1, 0.1), (1, TRAIN, 1, 0.5, 0.5, 0.1, 0.1), (1, TRAIN, 2, 0.5, 0.5, 0.1, 0.1),
        (1, TRAIN, 1, 0.4, 0.5, 0.1, 0.1), (2, TRAIN, 1, 0.5, 0.5, 0.1, 0.1), (2, TRAIN, 2, 0.5, 0.5, 0.1, 0.1),
        (3, TRAIN, 0, 0.5, 0.5, 0.1, 0.1),
    ])  # fmt: skip
    shown, matrix = tally.co_occurrence(40)
    assert shown == [0, 1, 2]
    assert matrix.tolist() == [[2, 1, 1], [1, 2, 2], [1, 2, 2]]


def test_the_matrix_is_of_the_classes_with_most_boxes_in_their_order():
    rows = [(n, TRAIN, kind, 0.5, 0.5, 0.1, 0.1) for kind, count in enumerate((2, 1, 3)) for n in range(count)]
    shown, matrix = labels(rows).co_occurrence(2)
    assert shown == [0, 2]
    assert matrix.tolist() == [[2, 2], [2, 3]]


def test_chunks_give_what_the_whole_gives():
    rng = np.random.default_rng(1)
    rows = [(n // 7, n // 7 % 4, rng.integers(4), *rng.random(4)) for n in range(700)]
    whole, parts = labels(rows), LabelTally(3)
    for start in range(0, 700, 70):
        add_labels(parts, rows[start : start + 70])
    for name in ("boxes", "images", "areas", "aspects", "sides", "ratios"):
        assert (getattr(whole, name) == getattr(parts, name)).all()
    assert (whole.positions() == parts.positions()).all()
    assert (whole.co_occurrence(9)[1] == parts.co_occurrence(9)[1]).all()


def test_an_empty_chunk_changes_nothing():
    tally = labels([])
    assert tally.boxes.sum() == 0
    assert tally.co_occurrence(9)[1].sum() == 0


def test_images_are_counted_by_split_state_and_brightness():
    tally = images([(TRAIN, 1, 1, 2, 10, 10, 0), (VAL, 1, 1, 0, 10, 10, 255), (NONE, 0, 0, 0, 10, 10, -1)])
    assert tally.images.tolist() == [1, 1, 0, 1]
    assert tally.labeled.tolist() == [1, 1, 0, 0]
    assert tally.empty.tolist() == [0, 1, 0, 0]
    assert tally.states.as_dict() == {0: 1, 1: 2}
    assert (tally.brightness[0], tally.brightness[-1], tally.brightness.sum()) == (1, 1, 2)


def test_boxes_per_image_are_of_labelled_images_and_have_no_gaps():
    tally = images([(TRAIN, 1, 1, n, 10, 10, -1) for n in (0, 2, 2)] + [(TRAIN, 0, 0, 0, 10, 10, -1)])
    assert tally.boxes_per_image() == [
        {"from": 0, "to": 0, "images": 1}, {"from": 1, "to": 1, "images": 0}, {"from": 2, "to": 2, "images": 2},
    ]  # fmt: skip
    assert images([]).boxes_per_image() == []


def test_many_boxes_per_image_are_put_together_in_few_bars():
    found = images([(TRAIN, 1, 1, n, 10, 10, -1) for n in (1, 9_999)]).boxes_per_image()
    assert len(found) == 50
    assert (found[0]["images"], found[-1]["images"], found[-1]["to"]) == (1, 1, 9_999)


def test_sizes_of_images_come_with_their_counts_the_most_frequent_first():
    found = images([(TRAIN, 0, 0, 0, *size, -1) for size in ((640, 480), (320, 240), (320, 240))]).image_sizes()
    assert found == {
        "distinct": 2, "step": 1,
        "sizes": [{"width": 320, "height": 240, "images": 2}, {"width": 640, "height": 480, "images": 1}],
    }  # fmt: skip


def test_very_many_sizes_are_put_together_by_steps_and_none_is_lost():
    found = images([(TRAIN, 0, 0, 0, 600 + n, 400 + n, -1) for n in range(900)]).image_sizes()
    assert (found["distinct"], found["step"]) == (900, 90)
    assert len(found["sizes"]) < 300
    assert sum(row["images"] for row in found["sizes"]) == 900


def test_counts_add_up_over_chunks():
    counts = Counts()
    counts.add(np.array([3, 1, 3]))
    counts.add(np.array([], np.int64))
    counts.add(np.array([2, 3]))
    assert counts.as_dict() == {1: 1, 2: 1, 3: 3}


def test_a_packed_map_comes_back_as_it_was():
    cells = np.arange(GRID * GRID).reshape(GRID, GRID) * 9_999
    assert unpack(pack(cells)) == cells.tolist()
