"""Which images are from one source and must not part: near duplicates, one group, one video, one burst. Pure.

Every rule gives links, pairs of images; what hangs together by links of any rule is one group.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from apps.datasets.likeness import components, near_pairs
from apps.datasets.names import sources_by_name

RULES = {
    "near": "Pictures that are nearly the same",
    "group": "Images of one group, given by people or an import",
    "name": "Frames of one video, bursts, copies and augmentations, by file names",
    "time": "Pictures that one camera took within 2 seconds",
}
KINDS = {  # what a link says of two images, in the order of how plain it is to see
    "near": "nearly the same picture",
    "group": "of one group",
    "video": "frames of one video, by their names",
    "burst": "of one burst, by their names",
    "original": "made from one picture, by their names",
    "copy": "a copy, by its name",
    "sequence": "of one sequence, by their names",
    "time": "taken within 2 seconds by one camera",
}
BURST_SECONDS = 2
MOST_AT_ONCE = 60  # images with one and the same time: above it the clock stood still
MOST_PAIRS = 12  # pairs named of one leak


@dataclass
class Pictures:
    """What is known of a dataset's images, in columns of one length, in the order of their sha256."""

    pk: np.ndarray
    sha256: list
    filename: list
    group: list
    split: list
    camera: list
    taken_at: list  # aware datetimes or None
    signature: list  # 16 bytes or None
    brightness: list  # mean grey, 0..255, or None
    shape: np.ndarray  # width:height

    def __len__(self):
        return len(self.pk)

    def only(self, indices):
        """Those at these places."""
        columns = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return Pictures(**{
            name: column[indices] if isinstance(column, np.ndarray) else [column[index] for index in indices]
            for name, column in columns.items()
        })  # fmt: skip


@dataclass
class Links:
    """Pairs of images (indices), each with its kind. The images of one source are a chain of pairs."""

    count: int
    one: np.ndarray
    other: np.ndarray
    kind: np.ndarray  # places in KINDS

    def groups(self):
        """For each image the number of the group that it hangs in: the index of its first image."""
        return components(self.count, self.one, self.other)


def near_links(pictures, report=lambda part: None):
    """(one, other): the pairs of pictures that look alike; the costly part of `link`."""
    known = np.array([index for index, row in enumerate(pictures.signature) if row is not None], np.int64)
    if not len(known):
        return known, known
    signatures = np.frombuffer(b"".join(bytes(pictures.signature[index]) for index in known), np.uint8)
    brightness = [pictures.brightness[index] or 0 for index in known]
    one, other, _ = near_pairs(signatures.reshape(-1, 16), brightness, pictures.shape[known], report)
    return known[one], known[other]


def link(pictures, near, rules=tuple(RULES), before_number=False):
    """The links between `pictures` by `rules`; `near` are their `near_links`.

    `before_number`: whatever stands before the last number of a file's name is a source.
    """
    found = []
    if "near" in rules:
        found.append(("near", *near))
    if "group" in rules:
        found += [("group", members[:-1], members[1:]) for members in _equal(pictures.group)]
    if "name" in rules:
        for (kind, _), members in sources_by_name(pictures.filename, before_number).items():
            found.append((kind, members[:-1], members[1:]))
    if "time" in rules:
        found.append(("time", *_together(pictures)))
    order = list(KINDS)
    kinds = [np.full(len(one), order.index(kind), np.int8) for kind, one, _ in found]
    columns = ([one for _, one, _ in found], [other for _, _, other in found])
    return Links(len(pictures), *(_joined(column, np.int64) for column in columns), _joined(kinds, np.int8))


def leaks(links, splits):
    """The groups that lie in more than one split: `[{members: [index], kinds: [kind], pairs: [(one, other, kind)]}]`.

    `splits`: each image's split; all of them have one. The largest first; of pairs the first MOST_PAIRS across sides.
    """
    splits = np.asarray(splits)
    crossing = np.flatnonzero(splits[links.one] != splits[links.other])
    if not len(crossing):
        return []
    groups, order = links.groups(), list(KINDS)
    found = {}
    for one, other, kind in zip(
        links.one[crossing].tolist(), links.other[crossing].tolist(), links.kind[crossing].tolist(), strict=True
    ):
        leak = found.setdefault(int(groups[one]), {"members": [], "kinds": set(), "pairs": []})
        leak["kinds"].add(kind)
        if len(leak["pairs"]) < MOST_PAIRS:
            leak["pairs"].append((one, other, order[kind]))
    for index in np.flatnonzero(np.isin(groups, list(found))).tolist():
        found[int(groups[index])]["members"].append(index)
    for leak in found.values():
        leak["kinds"] = [order[kind] for kind in sorted(leak["kinds"])]
    return sorted(found.values(), key=lambda leak: (-len(leak["members"]), leak["members"][0]))


def _joined(arrays, kind):
    return np.concatenate([np.empty(0, kind), *(np.asarray(array, kind) for array in arrays)])


def _equal(values):
    """Lists of the indices of equal values that are not empty."""
    members = {}
    for index, value in enumerate(values):
        if value:
            members.setdefault(value, []).append(index)
    return [indices for indices in members.values() if len(indices) > 1]


def _together(pictures):
    """Pairs taken by one camera within BURST_SECONDS, each with the one after it."""
    zero = datetime(1970, 1, 1, tzinfo=UTC)
    times = sorted(
        (camera, (time - zero).total_seconds(), index)
        for index, (camera, time) in enumerate(zip(pictures.camera, pictures.taken_at, strict=True))
        if camera and time is not None
    )
    at_once = {}
    for camera, seconds, _ in times:
        at_once[camera, seconds] = at_once.get((camera, seconds), 0) + 1
    times = [row for row in times if at_once[row[:2]] <= MOST_AT_ONCE]
    pairs = [(a[2], b[2]) for a, b in pairwise(times) if a[0] == b[0] and b[1] - a[1] <= BURST_SECONDS]
    return tuple(np.array(pairs, np.int64).reshape(-1, 2).T)
