"""What an image's labels are, for a model's answers to be matched with."""

from functools import cache

import numpy as np

from apps.inference.services.mask_overlap import masks_of


class Labels:
    """An image's labels: `classes` (n), `corners` (n, 4) in shares of the image.

    `has_outlines` where none of them is a box alone: a label without an outline has no mask.
    """

    def __init__(self, classes, corners, outlines):
        self.classes, self.corners = classes, corners
        self.has_outlines = all(points is not None for points in outlines)
        self._outlines = outlines
        self.masks = cache(self._masks)

    def __len__(self):
        return len(self.classes)

    def _masks(self, width, height):
        """A Mask of each in an image of this size; painted once, for all whose answers are matched with them."""
        return masks_of([[points * (width, height)] for points in self._outlines], width, height)


def labels_of(entry, places, known):
    """Labels of an entry of a version, of the classes that are `known`; `places` are {class key: class id}."""
    boxes = [box for box in entry["boxes"] if places.get(box[0]) in known]
    rows = np.array([(places[box[0]], *box[1:5]) for box in boxes], float).reshape(-1, 5)
    half = rows[:, 3:5] / 2
    return Labels(
        rows[:, 0].astype(int), np.concatenate((rows[:, 1:3] - half, rows[:, 1:3] + half), axis=1),
        [np.array(box[5], float) if box[5] else None for box in boxes],
    )  # fmt: skip
