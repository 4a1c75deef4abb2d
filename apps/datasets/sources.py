"""Which images are from one source and must not part: near duplicates, one group, one video, one burst. Pure.

Every rule gives links, pairs of images; what hangs together by links of any rule is one group.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from apps.datasets.likeness import components, near_pairs
from apps.datasets.names import sources_by_name

RULES = ("near", "group", "name", "time")
BURST_SECONDS = 2
MOST_AT_ONCE = 60  # images with one and the same time: above it the clock stood still
NO_SIGNATURE = bytes(16)


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


@dataclass
class Links:
    """Pairs of images by rule. A rule's pairs of one source are a chain; `kind` says what the source is."""

    count: int
    one: list = field(default_factory=list)
    other: list = field(default_factory=list)
    kind: list = field(default_factory=list)  # one of KINDS for each array

    def add(self, kind, one, other):
        if len(one):
            self.one.append(np.asarray(one, np.int64))
            self.other.append(np.asarray(other, np.int64))
            self.kind.append(np.full(len(one), KINDS.index(kind), np.int8))

    def add_chain(self, kind, members):
        self.add(kind, members[:-1], members[1:])

    def arrays(self):
        """(one, other, kind) as three arrays."""
        if not self.one:
            return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int8)
        return np.concatenate(self.one), np.concatenate(self.other), np.concatenate(self.kind)

    def groups(self):
        """For each image the number of the group that it hangs in: the index of its first image."""
        one, other, _ = self.arrays()
        return components(self.count, one, other)


KINDS = ("near", "group", "video", "burst", "original", "copy", "sequence", "time")
KIND_WORDS = {
    "near": "nearly the same picture",
    "group": "one group",
    "video": "frames of one video",
    "burst": "one burst, by the names",
    "original": "made from one picture",
    "copy": "a copy, by its name",
    "sequence": "one sequence, by the names",
    "time": "taken within 2 seconds by one camera",
}


def link(pictures, rules=RULES, before_number=False, report=lambda part: None):
    """The links between `pictures` by `rules`. `before_number`: what stands before a name's last number is a source."""
    links = Links(len(pictures))
    if "near" in rules:
        links.add("near", *_near(pictures, report))
    if "group" in rules:
        for members in _equal(pictures.group):
            links.add_chain("group", members)
    if "name" in rules:
        for (kind, _), members in sources_by_name(pictures.filename, before_number).items():
            links.add_chain(kind, members)
    if "time" in rules:
        links.add("time", *_together(pictures))
    return links


def _near(pictures, report):
    known = np.array([index for index, row in enumerate(pictures.signature) if row is not None], np.int64)
    if not len(known):
        return known, known
    signatures = np.frombuffer(b"".join(bytes(pictures.signature[index]) for index in known), np.uint8)
    brightness = [pictures.brightness[index] or 0 for index in known]
    one, other, _ = near_pairs(signatures.reshape(-1, 16), brightness, pictures.shape[known], report)
    return known[one], known[other]


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
