"""Manifests on plain entries: hashing, reading every format, comparing."""

import gzip
import io
import json
import random

import pytest

from apps.annotations.manifests import ManifestWriter, compare, content_hash_of, read_entries, read_header
from apps.annotations.manifests.boxes import pair_boxes

CLASSES = [(0, "red"), (1, "white")]


def box(key=0, x=0.5, y=0.5, width=0.2, height=0.2, points=None, confidence=None, source="manual"):
    return [key, x, y, width, height, points, confidence, source]


def entry(sha="aa", *boxes, **more):
    return {
        "sha256": sha, "file": f"images/{sha}.png", "filename": f"{sha}.png", "plain": True, "width": 64, "height": 48,
        "split": "train", "labeled": True, "state": "labelled", "group": "", "tags": [], "source": "upload",
        "revision": 1, "boxes": list(boxes), **more,
    }  # fmt: skip


def written(*entries, names=("red", "white"), keys=(0, 1)):
    """(the manifest's bytes, its content hash)"""
    out = io.BytesIO()
    with ManifestWriter(out, "detect", list(names), list(keys)) as manifest:
        for one in entries:
            manifest.add(one)
    return out.getvalue(), manifest.content_hash


def hash_of(*entries, **classes):
    return written(*entries, **classes)[1]


# --- the file -----------------------------------------------------------------------------------------------
def test_what_is_written_is_read_back():
    entries = [entry("aa", box(), box(1, 1 / 3, points=[[0, 0], [1, 0], [0, 1]], confidence=0.1)), entry("bb")]
    data, content_hash = written(*entries)
    assert list(read_entries(io.BytesIO(data))) == entries
    header = read_header(io.BytesIO(data))
    assert header == {"format": 2, "task": "detect", "class_names": ["red", "white"], "class_keys": [0, 1]}
    assert content_hash_of(header, entries) == content_hash


def test_entries_out_of_order_or_twice_are_refused():
    for second in ("aa", "ab"):
        with pytest.raises(ValueError, match="order"):
            written(entry("ab"), entry(second))


BASE = entry("aa", box(), box(1, 0.25))


@pytest.mark.parametrize(
    "same",
    [
        entry("aa", box(1, 0.25), box()),
        entry("aa", box(confidence=0.5, source="model"), box(1, 0.25)),
        BASE | {"filename": "other.png", "file": "elsewhere", "group": "g", "tags": ["t"], "state": "reviewed"},
        BASE | {"revision": 9, "source": "cells.zip"},
    ],
)
def test_hash_is_of_the_content_only(same):
    assert hash_of(same) == hash_of(BASE)


@pytest.mark.parametrize(
    "other",
    [
        entry("ab", box(), box(1, 0.25)),
        entry("aa", box()),
        entry("aa", box(), box(1, 0.25), box()),
        entry("aa", box(), box(1, 0.25000001)),
        entry("aa", box(), box(0, 0.25)),
        entry("aa", box(points=[[0.4, 0.4], [0.6, 0.4], [0.6, 0.6]]), box(1, 0.25)),
        BASE | {"split": "val"},
        BASE | {"labeled": False},
    ],
)
def test_hash_changes_with_the_content(other):
    assert hash_of(other) != hash_of(BASE)


def test_hash_changes_with_names_order_and_numbers_of_the_classes():
    found = {
        hash_of(BASE), hash_of(BASE, names=("red", "blue")), hash_of(BASE, names=("white", "red"), keys=(1, 0)),
        hash_of(BASE, keys=(0, 2)), hash_of(BASE, names=("red", "white", "x"), keys=(0, 1, 2)),
    }  # fmt: skip
    assert len(found) == 5


def old_manifest(entries, names):
    """As the first writer wrote it: in the order of the rows, class ids as positions, nothing else known."""
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=5) as lines:
        for one in ({"format": 1, "task": "detect", "class_names": names}, *entries):
            lines.write(json.dumps(one, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    return io.BytesIO(out.getvalue())


def test_format_1_is_read_in_todays_shape():
    triangle = [[0.25, 0], [0.75, 0], [0.25, 0.5]]
    plain = {"file": "f", "filename": "f.png", "plain": True, "width": 64, "height": 48, "split": "", "labeled": True}
    rows = [[1, 0.3, 0.5, 0.2, 0.2], [0, 0.5, 0.25, 0.5, 0.5, triangle]]
    old = old_manifest(
        [{"sha256": "bb", "boxes": []} | plain, {"sha256": "aa", "boxes": rows} | plain], ["red", "white"]
    )
    assert read_header(old)["class_keys"] == [0, 1]
    old.seek(0)
    first, second = read_entries(old)
    assert (first["sha256"], second["sha256"]) == ("aa", "bb")
    assert first["boxes"] == [[1, 0.3, 0.5, 0.2, 0.2, None, None, ""], [0, 0.5, 0.25, 0.5, 0.5, triangle, None, ""]]
    assert (first["group"], first["tags"], first["split"]) == ("", [], "")


# --- boxes --------------------------------------------------------------------------------------------------
def counts(before, after):
    return tuple(map(len, pair_boxes(before, after)))


def test_same_boxes_in_another_order_are_no_difference():
    assert counts([box(), box(1, 0.1)], [box(1, 0.1), box()]) == (0, 0, 0, 0)


def test_who_drew_a_box_is_no_difference():
    assert counts([box()], [box(confidence=0.3, source="model")]) == (0, 0, 0, 0)


def test_one_of_two_equal_boxes_that_goes_is_removed():
    assert counts([box(), box()], [box()]) == (0, 1, 0, 0)
    assert counts([box()], [box(), box()]) == (1, 0, 0, 0)


def test_shifted_box_is_changed_and_one_far_away_is_another():
    assert counts([box(x=0.5)], [box(x=0.52)]) == (0, 0, 1, 0)
    assert counts([box(x=0.3)], [box(x=0.7)]) == (1, 1, 0, 0)


def test_iou_of_just_a_half_is_a_change_and_less_is_not():
    wide = {"height": 0.25}
    assert counts([box(width=0.25, **wide)], [box(width=0.5, **wide)]) == (0, 0, 1, 0)
    assert counts([box(width=0.25, **wide)], [box(width=0.51, **wide)]) == (1, 1, 0, 0)


def test_other_class_at_the_same_place_is_reclassed():
    added, removed, changed, reclassed = pair_boxes([box(0)], [box(1)])
    assert (added, removed, changed) == ([], [], [])
    assert [(was[0], now[0]) for was, now in reclassed] == [(0, 1)]
    assert counts([box(0)], [box(1, x=0.51)]) == (0, 0, 0, 1)


def test_same_class_is_preferred_to_another_class_that_overlaps_more():
    added, removed, changed, reclassed = pair_boxes([box(0, x=0.50)], [box(0, x=0.54), box(1, x=0.51)])
    assert [now[:2] for _, now in changed] == [[0, 0.54]]
    assert [one[:2] for one in added] == [[1, 0.51]]
    assert not removed
    assert not reclassed


def test_new_points_in_the_same_box_are_a_change():
    triangle, other = [[0.4, 0.4], [0.6, 0.4], [0.6, 0.6]], [[0.4, 0.4], [0.6, 0.4], [0.4, 0.6]]
    assert counts([box(points=triangle)], [box(points=other)]) == (0, 0, 1, 0)


def test_thousands_of_boxes_on_one_image_are_paired():
    chance = random.Random(3)
    before = [box(0, chance.random(), chance.random(), 0.01, 0.01) for _ in range(3000)]
    after = [box(0, one[1] + 0.0001, *one[2:5]) for one in before]
    assert counts(before, after) == (0, 0, 3000, 0)


def test_every_box_is_in_one_list_or_the_same():
    chance = random.Random(5)
    for _ in range(200):
        before = [box(chance.randrange(3), *(chance.choice([0.3, 0.32, 0.5]) for _ in range(2))) for _ in range(6)]
        after = [box(chance.randrange(3), *(chance.choice([0.3, 0.32, 0.5]) for _ in range(2))) for _ in range(5)]
        added, removed, changed, reclassed = map(len, pair_boxes(before, after))
        assert len(before) - removed == len(after) - added
        assert changed + reclassed <= len(before) - removed


# --- whole manifests ----------------------------------------------------------------------------------------
def compared(before, after, classes_before=CLASSES, classes_after=CLASSES):
    kept = []
    summary = compare(before, after, classes_before, classes_after, lambda kind, item: kept.append((kind, item)))
    return summary, kept


def test_same_manifests_are_identical():
    summary, kept = compared([entry("aa", box()), entry("bb")], [entry("aa", box()), entry("bb")])
    assert summary["identical"]
    assert summary["images"] == {"added": 0, "removed": 0, "moved": 0, "relabelled": 0, "same": 2}
    assert kept == []


def test_images_added_removed_moved_and_relabelled_are_told_apart():
    before = [entry("aa", box()), entry("bb", box()), entry("cc", box()), entry("dd")]
    after = [entry("aa", box(1)), entry("cc", box(), split="val"), entry("dd"), entry("ee", box(), box())]
    summary, kept = compared(before, after)
    assert summary["images"] == {"added": 1, "removed": 1, "moved": 1, "relabelled": 1, "same": 1}
    assert summary["boxes"] == {"added": 2, "removed": 1, "changed": 0, "reclassed": 1}
    assert summary["moves"] == [{"from": "train", "to": "val", "images": 1}]
    assert [(kind, item["sha256"]) for kind, item in kept] == [
        ("relabelled", "aa"), ("removed", "bb"), ("moved", "cc"), ("added", "ee"),
    ]  # fmt: skip
    assert kept[0][1]["marks"] == [["c", 1, 0.5, 0.5, 0.2, 0.2, 0]]
    assert kept[2][1]["split_before"] == "train"


def test_image_moved_and_relabelled_is_both():
    summary, kept = compared([entry("aa", box())], [entry("aa", split="test")])
    assert [kind for kind, _ in kept] == ["moved", "relabelled"]
    assert summary["boxes"]["removed"] == 1


def test_image_that_is_not_labelled_any_more_is_relabelled():
    summary, _ = compared([entry("aa")], [entry("aa", labeled=False)])
    assert summary["images"]["relabelled"] == 1
    assert not summary["identical"]


def test_boxes_are_counted_for_their_classes():
    before = [entry("aa", box(0), box(0, 0.1))]
    after = [entry("aa", box(1), box(0, 0.11)), entry("bb", box(1))]
    red, white = compared(before, after)[0]["classes"]
    assert (red["changed"], red["left"], red["joined"], red["added"]) == (1, 1, 0, 0)
    assert (white["changed"], white["left"], white["joined"], white["added"]) == (0, 0, 1, 1)


def test_classes_are_followed_by_their_numbers():
    after = [(2, "blue"), (1, "bright"), (0, "red"), (5, "new")]
    summary, _ = compared([], [], [(0, "red"), (1, "white"), (2, "blue"), (3, "gone")], after)
    assert {row["key"]: row["what"] for row in summary["classes"]} == {
        2: "moved", 1: "renamed", 0: "moved", 5: "added", 3: "removed",
    }  # fmt: skip
    assert not summary["identical"]


def test_class_that_only_shifts_because_one_before_it_went_is_the_same():
    summary, _ = compared([], [], [(0, "red"), (1, "white")], [(1, "white")])
    assert {row["key"]: row["what"] for row in summary["classes"]} == {1: "same", 0: "removed"}


def test_what_was_added_one_way_is_removed_the_other_way():
    chance = random.Random(7)

    def manifest():
        shas = sorted(chance.sample(range(100, 160), 30))
        return [
            entry(str(sha), *(box(chance.randrange(2), chance.choice([0.2, 0.5])) for _ in range(3))) for sha in shas
        ]

    one, other = manifest(), manifest()
    there, back = compared(one, other)[0], compared(other, one)[0]
    assert there["images"]["added"] == back["images"]["removed"] > 0
    assert there["boxes"]["added"] == back["boxes"]["removed"] > 0
    assert there["boxes"]["reclassed"] == back["boxes"]["reclassed"]
