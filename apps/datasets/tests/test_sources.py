"""What hangs together, and what of it lies on two sides."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from apps.datasets.sources import KINDS, MOST_AT_ONCE, Pictures, leaks, link, near_links

NOON = datetime(2024, 5, 6, 12, tzinfo=UTC)


def pictures(*rows):
    """Pictures with these values; what is not given is empty. Without a signature each is like none."""
    plain = {"group": "", "split": "train", "camera": "", "taken_at": None, "signature": None, "brightness": None}
    rows = [{**plain, "filename": f"{n}.jpg", **row} for n, row in enumerate(rows)]
    names = ("filename", *plain)
    return Pictures(
        pk=np.arange(len(rows)) + 10, sha256=[f"{n:064}" for n in range(len(rows))], shape=np.full(len(rows), 1.5),
        **{name: [row[name] for row in rows] for name in names},
    )  # fmt: skip


def groups(found, **options):
    return link(found, near_links(found), **options).groups().tolist()


def shot(seconds, camera="Canon"):
    return {"camera": camera, "taken_at": NOON + timedelta(seconds=seconds)}


LIKE = {"signature": bytes(range(16)), "brightness": 100}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"group": "a"}, {"group": "b"}, {"group": "a"}], [0, 1, 0]),
        ([LIKE, {}, LIKE], [0, 1, 0]),
        ([{"filename": "v_frame_1.jpg"}, {}, {"filename": "V_frame_2.png"}], [0, 1, 0]),
        ([shot(0), shot(1.5), shot(3.4), shot(6)], [0, 0, 0, 3]),
        ([shot(0), shot(1, "Nikon")], [0, 1]),
        ([shot(0, ""), shot(1, "")], [0, 1]),
        ([shot(0)] * (MOST_AT_ONCE + 1), list(range(MOST_AT_ONCE + 1))),
        ([shot(0)] * 3, [0, 0, 0]),
        ([{"group": "a"}, {"group": "a", **LIKE}, LIKE, {}], [0, 0, 0, 3]),
    ],
)
def test_images_of_one_source_are_one_group(rows, expected):
    assert groups(pictures(*rows)) == expected


@pytest.mark.parametrize(
    ("rule", "rows"),
    [
        ("group", [{"group": "a"}] * 2), ("near", [LIKE, LIKE]), ("time", [shot(0), shot(1)]),
        ("name", [{"filename": "v_frame_1.jpg"}, {"filename": "v_frame_2.jpg"}]),
    ],
)  # fmt: skip
def test_each_rule_can_be_left_out(rule, rows):
    every = {"group", "near", "time", "name"}
    assert groups(pictures(*rows), rules={rule}) == [0, 0]
    assert groups(pictures(*rows), rules=every - {rule}) == [0, 1]


def test_dumped_frames_hang_together_only_where_asked():
    rows = [{"filename": f"cam1_{n}.jpg"} for n in range(3)] + [{"filename": "cam2_1.jpg"}]
    assert groups(pictures(*rows)) == [0, 1, 2, 3]
    assert groups(pictures(*rows), before_number=True) == [0, 0, 0, 3]


def test_a_leak_names_its_images_its_kinds_and_pairs_across_the_sides():
    found = pictures(
        {"group": "a"}, {"group": "a", "split": "val"}, {"group": "a"}, {"group": "b"}, {"group": "b"},
        {**LIKE, "filename": "v_frame_1.jpg"}, {**LIKE, "filename": "v_frame_2.jpg", "split": "test"},
    )  # fmt: skip
    told = leaks(link(found, near_links(found)), found.split)
    assert [leak["members"] for leak in told] == [[0, 1, 2], [5, 6]]
    assert [leak["kinds"] for leak in told] == [["group"], ["near", "video"]]
    assert set(told[0]["pairs"]) == {(0, 1, "group"), (1, 2, "group")}
    assert set(told[1]["pairs"]) == {(5, 6, "near"), (5, 6, "video")}
    assert all(kind in KINDS for leak in told for _, _, kind in leak["pairs"])


def test_without_links_nothing_leaks():
    found = pictures({}, {"split": "val"})
    links = link(found, near_links(found))
    assert leaks(links, found.split) == []
    assert leaks(link(pictures(), near_links(pictures())), []) == []


def test_a_leak_names_few_pairs_however_large_it_is():
    rows = [{"group": "a", "split": ("train", "val")[n % 2]} for n in range(500)]
    (leak,) = leaks(link(pictures(*rows), near_links(pictures(*rows))), [row["split"] for row in rows])
    assert (len(leak["members"]), len(leak["pairs"])) == (500, 12)
