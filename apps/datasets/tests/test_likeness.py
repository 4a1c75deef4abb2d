"""Which pictures look alike, on numbers: all near pairs and no others, at once, and groups to keep one of."""

import numpy as np
import pytest

from apps.datasets import likeness
from apps.datasets.likeness import NEAR, components, gather, near_pairs


def signatures(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 16), np.uint8)


def changed(signature, bits, seed=0):
    """The signature with so many bits changed."""
    flat = np.unpackbits(signature)
    flat[np.random.default_rng(seed).choice(128, bits, replace=False)] ^= 1
    return np.packbits(flat)


def pairs(rows, brightness=None, shapes=None):
    rows = np.asarray(rows, np.uint8)
    found = near_pairs(rows, brightness or [100] * len(rows), shapes or [1.5] * len(rows))
    return {(int(a), int(b)): int(bits) for a, b, bits in zip(*found, strict=True)}


@pytest.mark.parametrize("cost", [1e-9, 1e9], ids=["by bands", "all with all"])
@pytest.mark.parametrize("bits", [0, 1, 5, NEAR - 1, NEAR])
def test_every_near_pair_is_found_once(bits, cost, monkeypatch):
    monkeypatch.setattr(likeness, "BLOCK_COST", cost)
    rows = signatures(400)
    for n in range(40):
        rows[300 + n] = changed(rows[n], bits, seed=n)
    assert pairs(rows) == {(n, 300 + n): bits for n in range(40)}


@pytest.mark.parametrize("cost", [1e-9, 1e9], ids=["by bands", "all with all"])
def test_both_ways_find_the_same_as_comparing_each_with_each(cost, monkeypatch):
    monkeypatch.setattr(likeness, "BLOCK_COST", cost)
    monkeypatch.setattr(likeness, "CHUNK", 1000)
    monkeypatch.setattr(likeness, "BLOCK", 16)
    base = signatures(6, seed=4)
    rows = np.array([changed(base[n % 6], 4 + n % 9, seed=n) for n in range(90)])
    words = rows.view(np.uint64)
    apart = np.bitwise_count(words[:, None] ^ words[None]).sum(axis=2)
    expected = {(a, b): int(apart[a, b]) for a in range(90) for b in range(a + 1, 90) if apart[a, b] <= NEAR}
    assert len(expected) > 100
    assert pairs(rows) == expected


@pytest.mark.parametrize("bits", [NEAR + 1, 20, 64])
def test_pictures_further_apart_are_no_pair(bits):
    rows = signatures(50)
    rows[49] = changed(rows[0], bits)
    assert pairs(rows) == {}


@pytest.mark.parametrize(
    ("brightness", "shapes", "alike"),
    [
        ([100, 120], [1.5, 1.5], True), ([100, 160], [1.5, 1.5], False),
        ([100, 100], [1.5, 1.52], True), ([100, 100], [1.5, 0.67], False),
    ],
)  # fmt: skip
def test_a_pair_is_as_bright_and_of_one_shape(brightness, shapes, alike):
    row = signatures(1)[0]
    assert bool(pairs([row, changed(row, 3)], brightness, shapes)) == alike


def test_a_few_bits_of_nearly_flat_pictures_say_nothing():
    one, other = np.zeros(16, np.uint8), np.zeros(16, np.uint8)
    one[3], other[9] = 0b111, 0b11100  # a small thing here, and one there
    assert pairs([one, other]) == {}
    assert pairs([one, one]) == {(0, 1): 0}


@pytest.mark.parametrize("bits", [0, 3])
def test_frames_of_a_still_camera_are_one_group_and_their_pairs_are_bounded(bits):
    still = signatures(1)[0]
    rows = np.array([changed(still, bits, seed=n) for n in range(2500)])
    one, other, _ = near_pairs(rows, [9] * 2500, [1.0] * 2500)
    assert len(one) <= 2500 * likeness.MOST_OF_ONE
    assert not components(2500, one, other).any()


def test_nothing_and_one_picture_have_no_pairs():
    assert pairs(np.empty((0, 16))) == {}
    assert pairs(signatures(1)) == {}


def test_the_work_tells_how_far_it_is():
    said = []
    near_pairs(signatures(300), [9] * 300, [1.0] * 300, said.append)
    assert said == sorted(said)
    assert said[-1] == 1


def test_components_follow_chains_of_any_order():
    label = components(7, np.array([5, 1, 3]), np.array([3, 6, 1]))
    assert label.tolist() == [0, 1, 2, 1, 4, 1, 1]


def test_a_group_is_led_by_the_best_and_holds_only_what_is_like_it():
    one, other = np.array([0, 1, 2]), np.array([1, 2, 3])  # a chain 0-1-2-3
    assert gather([3, 0, 1, 2], one, other) == [[1, 2, 0]]
    assert gather([0, 1, 2, 3], one, other) == [[0, 1], [2, 3]]
    assert gather([0, 1, 2, 3], one, other, alike=lambda leader, member: (leader, member) != (0, 1)) == [[1, 2]]
