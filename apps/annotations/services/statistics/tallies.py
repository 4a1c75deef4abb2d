"""The figures of a dataset, gathered chunk by chunk. Pure numpy: knows no ORM, and holds no row after its chunk.

Splits are numbers here, the places in `SPLITS`; classes are places in the dataset's list, and the place after the
last one is for labels whose class is not in it.
"""

import base64
import zlib

import numpy as np

SPLITS = ("train", "val", "test", "")
# Box areas in square pixels, as COCO divides them, and finer below and above.
AREAS = [
    ("to 16²", 0, 16**2),
    ("to 32²", 16**2, 32**2),
    ("to 96²", 32**2, 96**2),
    ("to 256²", 96**2, 256**2),
    ("above", 256**2, None),
]
ASPECTS = [
    ("below 1:2", 0, 0.5),
    ("1:2 to 4:5", 0.5, 0.8),
    ("about square", 0.8, 1.25),
    ("5:4 to 2:1", 1.25, 2),
    ("above 2:1", 2, None),
]
SIDES = 2.0 ** np.arange(0, 12.5, 0.5)  # pixels, the square root of the area: 1 to 4096, half an octave a step
RATIOS = 2.0 ** np.arange(-4, 4.25, 0.25)  # width : height
GRID = 20  # cells a side of a map of positions
EDGE = 1e-6  # of a cell: a box that ends where a cell begins does not touch it, whatever floats say
BRIGHTNESS_STEP = 16  # of 0..255
MOST_BARS = 50  # of the histogram of boxes per image
MOST_SIZES = 300  # sizes of images that are kept one by one; beyond, they are put together by steps


class ImageTally:
    """What the rows of images say."""

    def __init__(self):
        self.images = np.zeros(len(SPLITS), np.int64)
        self.labeled = np.zeros(len(SPLITS), np.int64)
        self.empty = np.zeros(len(SPLITS), np.int64)
        self.brightness = np.zeros(256 // BRIGHTNESS_STEP, np.int64)
        self.states, self.sizes, self.boxes = Counts(), Counts(), Counts()

    def add(self, split, state, labeled, num_boxes, width, height, brightness):
        """Arrays of one length; pixels for the sizes, -1 for a brightness that is not known."""
        seen, bright = labeled.astype(bool), brightness[brightness >= 0]
        self.images += _count(split, len(SPLITS))
        self.labeled += _count(split[seen], len(SPLITS))
        self.empty += _count(split[seen & (num_boxes == 0)], len(SPLITS))
        self.brightness += _count(np.minimum(bright, 255) // BRIGHTNESS_STEP, len(self.brightness))
        self.states.add(state)
        self.boxes.add(num_boxes[seen])
        self.sizes.add(width.astype(np.int64) << 32 | height)

    def boxes_per_image(self):
        """`[{from, to, images}]` of the labelled images, both ends counted in; without gaps."""
        if not len(self.boxes.keys):
            return []
        most = int(self.boxes.keys[-1])
        step = -(-(most + 1) // MOST_BARS)
        bars = np.bincount(self.boxes.keys // step, self.boxes.counts, most // step + 1)
        return [{"from": i * step, "to": (i + 1) * step - 1, "images": int(n)} for i, n in enumerate(bars)]

    def image_sizes(self):
        """`{distinct, step, sizes: [{width, height, images}]}`, the most frequent first.

        Where there are very many, each stands for all that are nearest to it in steps of `step` pixels.
        """
        keys, counts, step = self.sizes.keys, self.sizes.counts, 1
        width, height = keys >> 32, keys & 0xFFFFFFFF
        if len(keys) > MOST_SIZES:
            step = max(int(max(width.max(), height.max()) // 160) * 10, 10)
            rounded = np.rint(width / step).astype(np.int64) << 32 | np.rint(height / step).astype(np.int64)
            near, place = np.unique(rounded, return_inverse=True)
            counts = np.bincount(place, counts).astype(np.int64)
            width, height = (near >> 32) * step, (near & 0xFFFFFFFF) * step
        order = np.lexsort((height, width, -counts))
        sizes = [{"width": int(width[i]), "height": int(height[i]), "images": int(counts[i])} for i in order]
        return {"distinct": len(keys), "step": step, "sizes": sizes}


class LabelTally:
    """What the rows of labels say. All labels of an image must come in one chunk."""

    def __init__(self, num_classes):
        self.num_classes = num_classes
        kinds = num_classes + 1
        self.boxes = np.zeros((kinds, len(SPLITS)), np.int64)
        self.images = np.zeros((kinds, len(SPLITS)), np.int64)
        self.areas = np.zeros(len(AREAS), np.int64)
        self.aspects = np.zeros(len(ASPECTS), np.int64)
        self.sides = np.zeros(len(SIDES) + 1, np.int64)
        self.ratios = np.zeros(len(RATIOS) + 1, np.int64)
        self._corners = np.zeros((kinds, GRID + 1, GRID + 1), np.int64)
        self.pairs = Counts()

    def add(self, image, split, kind, box, size):
        """`image`: any number that is the image's own; `box`: (n, 4) x, y, w, h in 0..1; `size`: (n, 2) pixels."""
        kinds = self.num_classes + 1
        self.boxes += _count(kind * len(SPLITS) + split, self.boxes.size).reshape(self.boxes.shape)
        self._add_images(image, split, kind, kinds)
        self._add_shapes(box[:, 2] * size[:, 0], box[:, 3] * size[:, 1])
        self._add_positions(kind, box)

    def _add_images(self, image, split, kind, kinds):
        once, first = np.unique(image.astype(np.int64) * kinds + kind, return_index=True)
        kind, image = once % kinds, once // kinds
        self.images += _count(kind * len(SPLITS) + split[first], self.images.size).reshape(self.images.shape)
        apart = 1
        while apart < len(once):  # an image's classes are neighbours and in order: each meets those that follow it
            together = image[apart:] == image[:-apart]
            if not together.any():
                return
            self.pairs.add(kind[:-apart][together] * kinds + kind[apart:][together])
            apart += 1

    def _add_shapes(self, width, height):
        area = width * height
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = width / height
        real = (width > 0) & (height > 0)
        self.areas += _between(area[real], AREAS)
        self.aspects += _between(ratio[real], ASPECTS)
        self.sides += _count(np.searchsorted(SIDES, np.sqrt(area[real]), "right"), len(self.sides))
        self.ratios += _count(np.searchsorted(RATIOS, ratio[real], "right"), len(self.ratios))

    def _add_positions(self, kind, box):
        """Note the four corners of the cells that a box touches; the sums over them say how many cover a cell."""
        low = np.floor((box[:, :2] - box[:, 2:] / 2) * GRID + EDGE)
        low = np.clip(low, 0, GRID - 1).astype(np.int64)
        high = np.ceil((box[:, :2] + box[:, 2:] / 2) * GRID - EDGE).astype(np.int64)
        high = np.clip(high, low + 1, GRID)
        side = GRID + 1
        start = kind * side * side
        total = np.zeros(self._corners.size, np.int64)
        for sign, x, y in ((1, low, low), (-1, high, low), (-1, low, high), (1, high, high)):
            total += sign * _count(start + y[:, 1] * side + x[:, 0], total.size)
        self._corners += total.reshape(self._corners.shape)

    def positions(self):
        """(classes + 1, GRID, GRID): how many boxes of each class touch each cell, rows from the top."""
        return self._corners.cumsum(axis=1).cumsum(axis=2)[:, :GRID, :GRID]

    def co_occurrence(self, most):
        """`(classes, matrix)`: images on which two classes are together, for the `most` classes with most boxes."""
        boxes = self.boxes[: self.num_classes].sum(axis=1)
        shown = np.sort(np.argsort(-boxes, kind="stable")[:most])
        place = np.full(self.num_classes + 1, -1)
        place[shown] = np.arange(len(shown))
        kinds = self.num_classes + 1
        a, b = place[self.pairs.keys // kinds], place[self.pairs.keys % kinds]
        wanted = (a >= 0) & (b >= 0)
        matrix = np.zeros((len(shown), len(shown)), np.int64)
        matrix[a[wanted], b[wanted]] = matrix[b[wanted], a[wanted]] = self.pairs.counts[wanted]
        np.fill_diagonal(matrix, self.images[shown].sum(axis=1))
        return shown.tolist(), matrix


class Counts:
    """How often each whole number came, over many chunks: `keys` in order, with their `counts`."""

    def __init__(self):
        self.keys, self.counts = np.zeros(0, np.int64), np.zeros(0, np.int64)

    def add(self, values):
        """Count an array of whole numbers."""
        keys, counts = np.unique(values, return_counts=True)
        both, place = np.unique(np.concatenate([self.keys, keys]), return_inverse=True)
        self.counts = np.bincount(place, np.concatenate([self.counts, counts]), len(both)).astype(np.int64)
        self.keys = both.astype(np.int64)

    def as_dict(self):
        """`{number: how often}`"""
        return dict(zip(self.keys.tolist(), self.counts.tolist(), strict=True))


def pack(cells):
    """A map of whole numbers as a short text, for a JSON document; `unpack` is its way back."""
    return base64.b64encode(zlib.compress(np.ascontiguousarray(cells, "<u4").tobytes())).decode()


def unpack(text):
    """The map that `pack` made a text of, as GRID lists of GRID numbers."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), "<u4").reshape(GRID, GRID).tolist()


def _count(places, length):
    return np.bincount(places, minlength=length)


def _between(values, ranges):
    edges = np.array([low for _, low, _ in ranges[1:]])
    return _count(np.searchsorted(edges, values, "right"), len(ranges))
