"""Sharing out, on numbers: groups whole, fractions and classes honoured, whatever the order."""

import random
from collections import Counter, defaultdict

import pytest

from apps.datasets.sharing import share_out, whole_numbers

SEVEN_TWO_ONE = {"train": 0.7, "val": 0.2, "test": 0.1}


def shares(sizes, classes=None, splits=None, fractions=SEVEN_TWO_ONE, **options):
    """The split of each image where group n has sizes[n] of them; `classes(n, k)` is on image k of group n."""
    groups = [n for n, size in enumerate(sizes) for _ in range(size)]
    hashes = [f"{n}-{k}" for n, size in enumerate(sizes) for k in range(size)]
    on = [classes(n, k) if classes else [] for n, size in enumerate(sizes) for k in range(size)]
    splits = splits or [""] * len(groups)
    return groups, share_out(groups, splits, hashes, on, fractions, **options)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "sizes", [[1] * 100, [2] * 60, [40, 30, 20, 10, *[1] * 50], [300, *[3] * 100], [7] * 20, [50] * 6]
)
def test_groups_stay_whole_and_fractions_are_near(sizes, seed):
    groups, result = shares(sizes, seed=seed)
    sides = defaultdict(set)
    for group, split in zip(groups, result, strict=True):
        sides[group].add(split)
    assert all(len(found) == 1 for found in sides.values())
    assert "" not in result
    for split, fraction in SEVEN_TWO_ONE.items():
        off = abs(result.count(split) - fraction * len(result))
        assert off <= 1 if sizes[-1] == 1 else off <= max(size for size in sizes if size < 300)


@pytest.mark.parametrize("number", range(1, 30))
def test_whole_numbers_are_within_one_of_their_fractions(number):
    for fractions in (SEVEN_TWO_ONE, {"train": 1 / 3, "val": 1 / 3, "test": 1 / 3}, {"train": 0, "val": 1, "test": 0}):
        counts = whole_numbers(fractions, number)
        assert sum(counts.values()) == number
        assert all(abs(counts[split] - fraction * number) < 1 for split, fraction in fractions.items())
        assert all(counts[split] == 0 for split, fraction in fractions.items() if not fraction)


def test_few_large_groups_leave_no_wanted_split_empty():
    assert Counter(shares([100] * 3)[1]) == {"train": 100, "val": 100, "test": 100}
    assert Counter(shares([100] * 2)[1]) == {"train": 100, "val": 100}
    assert Counter(shares([100])[1]) == {"train": 100}
    assert Counter(shares([1000, 10, 10])[1]) == {"train": 1000, "val": 10, "test": 10}


def test_a_split_without_a_share_gets_nothing():
    fractions = {"train": 0.8, "val": 0.2, "test": 0.0}
    assert Counter(shares([3] * 20, fractions=fractions)[1]) == {"train": 48, "val": 12}


def test_every_class_is_spread_within_two_images_or_a_tenth():
    random.seed(4)
    on = {n: sorted({min(int(random.expovariate(0.4)), 12) for _ in range(random.randrange(5))}) for n in range(3000)}
    _, result = shares([1] * 3000, lambda n, k: on[n])
    total = Counter(kind for kinds in on.values() for kind in kinds)
    for split, fraction in SEVEN_TWO_ONE.items():
        there = Counter(kind for n, kinds in on.items() if result[n] == split for kind in kinds)
        for kind, count in total.items():
            assert abs(there[kind] - fraction * count) <= max(2, 0.1 * fraction * count), (split, kind, count)


def test_a_rare_class_in_few_groups_reaches_every_split():
    _, result = shares([5] * 100, lambda n, k: [0, 1] if n % 20 == 0 else [0], fractions={"train": 0.6, "val": 0.4})
    assert Counter(result[n * 5] for n in range(0, 100, 20)) == {"train": 3, "val": 2}


def test_the_order_of_the_images_counts_nothing_and_the_seed_does():
    groups = [n // 3 for n in range(90)]
    hashes, on = [f"h{n}" for n in range(90)], [[n % 4] for n in range(90)]
    one = dict(zip(hashes, share_out(groups, [""] * 90, hashes, on, SEVEN_TWO_ONE, seed=5), strict=True))
    mixed = random.Random(1).sample(range(90), 90)
    again = share_out(
        [f"other {groups[n]}" for n in mixed], [""] * 90, [hashes[n] for n in mixed], [on[n] for n in mixed],
        SEVEN_TWO_ONE, seed=5,
    )  # fmt: skip
    assert dict(zip([hashes[n] for n in mixed], again, strict=True)) == one
    other = share_out(groups, [""] * 90, hashes, on, SEVEN_TWO_ONE, seed=6)
    assert dict(zip(hashes, other, strict=True)) != one


def test_assigned_images_stay_and_draw_their_group_to_their_side():
    splits = ["test", "", "", "val", "val", "train", "", "", ""]
    _, result = shares([3, 4, 1, 1], splits=splits)
    assert result[:3] == ["test"] * 3
    assert result[3:7] == ["val", "val", "train", "val"]


def test_what_is_new_fills_the_splits_up_to_their_share_of_all():
    splits = ["train"] * 50 + [""] * 50
    _, result = shares([1] * 100, splits=splits)
    assert Counter(result) == {"train": 70, "val": 20, "test": 10}
    assert result[:50] == ["train"] * 50


def test_anew_even_assigned_images_move():
    splits = ["test"] * 100
    assert Counter(shares([1] * 100, splits=splits, only_unassigned=False)[1]) == {"train": 70, "val": 20, "test": 10}
    assert Counter(shares([1] * 100, splits=splits)[1]) == {"test": 100}
