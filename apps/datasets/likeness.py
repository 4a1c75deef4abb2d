"""Which of many pictures look alike, by their signatures (see `apps.core.signature`). Pure: numpy, no ORM.

100,000 signatures are compared in seconds: two that differ in at most 15 of 128 bits differ in at most one bit of one
of their eight 16-bit bands (the pigeonhole principle of multi-index hashing: Norouzi, Punjani, Fleet, CVPR 2012), so
only pictures that share a band but for one bit are compared. Where most share their bands, as the frames of a camera
that stands still do, all are compared with all, in blocks.
"""

import numpy as np

NEAR = 12  # bits of 128; unrelated pictures of BCCD, all of the same stained blood, are 32 and more apart
INFORMATIVE = 5  # times as many bits must be set as differ: a nearly flat picture says little by its few bits
BRIGHTNESS = 32  # mean grey levels of 256 that may lie between two copies
SHAPE = 0.05  # difference of the logarithms of width:height
MOST_OF_ONE = 50  # pairs kept of one picture: a thousand equal frames are one group by far fewer
BANDS, BAND_BITS = 8, 16
CHUNK = 1 << 20  # candidates that are looked at together: some 50 MB
BLOCK = 1024  # pictures of a block
BLOCK_COST = 32  # how much quicker a pair is looked at in a block than as a candidate

NO_PAIRS = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.uint8))


def near_pairs(signatures, brightness, shapes, report=lambda part: None):
    """The pairs of pictures that look alike: arrays (first, second, bits that differ), first < second.

    `signatures`: n × 16 bytes, `brightness`: mean grey 0..255, `shapes`: width:height. A picture that looks like very
    many others comes with the first MOST_OF_ONE of them. `report(part)` hears how much of the work is done (0..1).
    """
    words = np.ascontiguousarray(signatures, np.uint8).reshape(-1, 16).view(np.uint64)
    brightness, shapes = np.asarray(brightness, np.float32), np.log(np.asarray(shapes, np.float64))
    found, kept = [], np.zeros(len(words), np.int64)
    for one, other in _candidates(words, kept, report):
        low, high = np.minimum(one, other), np.maximum(one, other)
        pair = _second_look(low, high, words, brightness, shapes)
        if len(pair[0]):
            found.append(_first_of_each(pair, kept))
    return tuple(np.concatenate(column) for column in zip(NO_PAIRS, *found, strict=True))


def components(count, one, other):
    """For each of `count` things the smallest index that it hangs together with, by the pairs (one[k], other[k])."""
    label = np.arange(count)
    while True:
        low = np.minimum(label[one], label[other])
        before = label.copy()
        np.minimum.at(label, label[one], low)
        np.minimum.at(label, label[other], low)
        while not np.array_equal(label, label[label]):
            label = label[label]
        if np.array_equal(label, before):
            return label


def gather(order, one, other, alike=lambda leader, member: True, patience=8):
    """Groups to keep one of: lists of indices, the one to keep first.

    Whoever comes first in `order` (a rank for each index, 0 the best) leads a group of those paired with it for which
    `alike` holds, so that each member is like the one kept, not only like a neighbour of a neighbour. After `patience`
    leaders that it was not like, a picture leads.
    """
    order = np.asarray(order)
    starts, neighbours = _neighbours(len(order), one, other)
    groups, taken, refused = [], np.zeros(len(order), bool), {}
    paired = np.flatnonzero(np.diff(starts))
    for leader in paired[np.argsort(order[paired])].tolist():
        if taken[leader]:
            continue
        taken[leader] = True
        group, near = [leader], neighbours[starts[leader] : starts[leader + 1]]
        near = near[~taken[near]]
        for member in near[np.argsort(order[near])].tolist():
            if refused.get(member, 0) >= patience:
                continue
            if alike(leader, member):
                taken[member] = True
                group.append(member)
            else:
                refused[member] = refused.get(member, 0) + 1
        if len(group) > 1:
            groups.append(group)
    return groups


def _neighbours(count, one, other):
    """(where each begins, all of them): the neighbours of every picture, one after the other."""
    here = np.concatenate([one, other]).astype(np.int32)
    there = np.concatenate([other, one]).astype(np.int32)[np.argsort(here, kind="stable")]
    return np.concatenate([[0], np.cumsum(np.bincount(here, minlength=count))]), there


def _candidates(words, kept, report):
    """Arrays of pairs to be looked at; every pair at most NEAR bits apart is in exactly one of them."""
    bands = words.view(np.uint16).reshape(-1, BANDS)
    counts = [np.bincount(bands[:, band], minlength=1 << BAND_BITS) for band in range(BANDS)]
    expected = sum(_shared(count) for count in counts)
    if expected * BLOCK_COST > len(words) ** 2 / 2:
        yield from _all_pairs(words, kept, report)
        return
    for band in range(BANDS):
        yield from _banded(words, bands, band, counts[band])
        report((band + 1) / BANDS)


def _shared(count):
    """How many pairs share a value of one band, or differ in one bit of it."""
    values = np.arange(len(count))
    count = count.astype(np.float64)
    return (count @ count + sum(count @ count[values ^ (1 << bit)] for bit in range(BAND_BITS))) / 2


def _banded(words, bands, band, count):
    order = np.argsort(bands[:, band], kind="stable")
    value, first = bands[order, band].astype(np.int64), words[order, 0]
    starts = np.concatenate([[0], np.cumsum(count)])
    place = np.arange(len(order))
    for mask in (0, *(1 << bit for bit in range(BAND_BITS))):
        wanted = value ^ mask
        begin, end = starts[wanted], starts[wanted + 1]
        if mask == 0:
            begin = place + 1
        else:
            end = np.where(wanted > value, end, begin)
        for left, right in _ranges(begin, np.maximum(end - begin, 0)):
            maybe = np.flatnonzero(np.bitwise_count(first[left] ^ first[right]) <= NEAR)
            one, other = order[left[maybe]], order[right[maybe]]
            near = np.bitwise_count(words[one] ^ words[other]).sum(axis=1) <= NEAR
            one, other = one[near], other[near]
            earlier = np.bitwise_count(bands[one] ^ bands[other]) <= 1
            fresh = earlier.argmax(axis=1) == band
            yield one[fresh], other[fresh]


def _ranges(begin, length):
    """Pairs (k, begin[k] + 0…length[k]-1) as two arrays, about CHUNK at a time."""
    rows = np.flatnonzero(length)
    if not len(rows):
        return
    ends = np.cumsum(length[rows])
    cuts = np.searchsorted(ends, np.arange(CHUNK, ends[-1] + CHUNK, CHUNK), side="left") + 1
    for low, high in zip(np.concatenate([[0], cuts[:-1]]), np.minimum(cuts, len(rows)), strict=True):
        some = rows[low:high]
        if len(some):
            sizes = length[some]
            offset = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
            yield np.repeat(some, sizes), np.repeat(begin[some], sizes) + offset


def _all_pairs(words, kept, report):
    """Every pair, in blocks of pictures against more and more of those after them, while fewer than enough are kept."""
    first, second = np.ascontiguousarray(words[:, 0]), np.ascontiguousarray(words[:, 1])
    for start in range(0, len(words), BLOCK):
        rows, begin, width = np.arange(start, min(start + BLOCK, len(words))), start + 1, BLOCK // 4
        while len(rows) and begin < len(words):
            columns = np.arange(begin, min(begin + width, len(words)))
            near = np.bitwise_count(first[rows, None] ^ first[None, columns]) <= NEAR
            at = np.flatnonzero(near)
            one, other = rows[at // len(columns)], columns[at % len(columns)]
            apart = np.bitwise_count(first[one] ^ first[other]) + np.bitwise_count(second[one] ^ second[other])
            near = (apart <= NEAR) & (other > one)
            yield one[near], other[near]
            begin, width = begin + width, min(width * 2, CHUNK // len(rows))
            rows = rows[kept[rows] < MOST_OF_ONE]
        report(1 - (1 - min(start + BLOCK, len(words)) / len(words)) ** 2)


def _second_look(one, other, words, brightness, shapes):
    """Of candidates those that are alike: near by their bits, enough bits to say so, as bright, of the same shape."""
    bits = np.bitwise_count(words[one] ^ words[other]).sum(axis=1).astype(np.uint8)
    said = np.bitwise_count(words[one] | words[other]).sum(axis=1)
    alike = bits.astype(np.int64) * INFORMATIVE <= said
    alike &= np.abs(brightness[one] - brightness[other]) <= BRIGHTNESS
    alike &= np.abs(shapes[one] - shapes[other]) <= SHAPE
    return one[alike], other[alike], bits[alike]


def _first_of_each(pair, kept):
    """The pairs of which `kept` counts no more than MOST_OF_ONE for their first picture; counts them in."""
    order = np.argsort(pair[0], kind="stable")
    one, other, bits = (column[order] for column in pair)
    rank = np.arange(len(one)) - np.searchsorted(one, one, side="left")
    few = kept[one] + rank < MOST_OF_ONE
    np.add.at(kept, one[few], 1)
    return one[few], other[few], bits[few]
