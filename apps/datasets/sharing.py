"""Sharing groups of images out to splits: groups stay whole, classes are spread, the same content gives the same. Pure.

Greedy, after Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-label Data" (ECML 2011), for whole groups:
the largest group first, among equals the one with the rarest class, and each goes where the squared relative distance
from what every split should have, of images and of each class's images, grows least. Without groups this is
Sainte-Laguë's apportionment. A split takes no more than its share while another has room.
"""

import hashlib
from collections import Counter, defaultdict

UNLABELLED = -1  # images without labels are spread like a class


def share_out(groups, splits, sha256, classes, fractions, seed=0, stratify=True, only_unassigned=True):
    """The split of each image, in lists of one length: `groups` (any labels), `splits` ("" for none), `sha256`.

    `classes[i]` is what is on image i, each class once. `fractions`: {split: 0..1}, in order of preference, sum 1.
    With `only_unassigned`, images that have a split keep it, and draw the others of their group to them.
    """
    members = defaultdict(list)
    for index, group in enumerate(groups):
        members[group].append(index)
    result = list(splits) if only_unassigned else [""] * len(splits)
    _draw_to_their_group(members.values(), result, list(fractions))
    left = [indices for indices in members.values() if not result[indices[0]]]
    on = [(kinds or [UNLABELLED]) if stratify else () for kinds in classes]
    shares = _Shares(result, on, fractions)
    rank = [hashlib.sha256(f"{seed}:{name}".encode()).digest() for name in sha256]
    rarity = Counter(kind for kinds in on for kind in kinds)

    def order(indices):
        rarest = min((rarity[kind] for index in indices for kind in on[index]), default=0)
        return -len(indices), rarest, min(rank[index] for index in indices)

    left.sort(key=order)
    for position, indices in enumerate(left):
        split = shares.choose(indices, len(left) - position)
        for index in indices:
            result[index] = split
    return result


def whole_numbers(fractions, total):
    """{split: how many of `total`}, each within one of its fraction, together `total` (largest remainders)."""
    counts = {split: int(fraction * total + 1e-9) for split, fraction in fractions.items()}
    by_remainder = sorted(fractions, key=lambda split: counts[split] - fractions[split] * total)
    wanted = [split for split in by_remainder if fractions[split] > 0]
    for place in range(total - sum(counts.values())):
        counts[wanted[place % len(wanted)]] += 1
    return counts


def _draw_to_their_group(groups, result, order):
    """Put images without a split where most of their group are; the first in `order` where as many are."""
    for indices in groups:
        there = Counter(result[index] for index in indices if result[index])
        if there and len(indices) > 1:
            most = max(there, key=lambda split: (there[split], -order.index(split)))
            for index in indices:
                result[index] = result[index] or most


class _Shares:
    """What each split has and should have: images, and images of each class."""

    def __init__(self, result, on, fractions):
        self.on, self.fractions = on, fractions
        self.wanted = [split for split, fraction in fractions.items() if fraction > 0]
        self.targets = whole_numbers(fractions, len(result))
        self.images = Counter(split for split in result if split)
        self.total = len(result)
        self.of_class = Counter(kind for kinds in on for kind in kinds)
        self.has = {split: Counter() for split in fractions}
        for split, kinds in zip(result, on, strict=True):
            if split:
                self.has[split].update(kinds)

    def choose(self, indices, groups_left):
        """The split for a group, which is counted in; `groups_left` says how many there still are, this one too."""
        size, kinds = len(indices), Counter(kind for index in indices for kind in self.on[index])
        empty = [split for split in self.wanted if not self.images[split] and self.targets[split]]
        if empty and groups_left <= len(empty):  # no split that should have images stays empty
            split = max(empty, key=self.fractions.get)
        else:
            room = [split for split in self.wanted if self.images[split] + size <= self.targets[split]]
            split = min(room or self.wanted, key=lambda split: self._cost(split, size, kinds))
        self.images[split] += size
        self.has[split].update(kinds)
        return split

    def _cost(self, split, size, kinds):
        fraction, has = self.fractions[split], self.has[split]
        should = fraction * self.total
        cost = size * (2 * (self.images[split] - should) + size) / should
        for kind, count in kinds.items():
            should = fraction * self.of_class[kind]
            cost += count * (2 * (has[kind] - should) + count) / should
        return round(cost, 9), self.images[split] / fraction
