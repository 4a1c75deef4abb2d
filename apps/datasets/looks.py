"""A second look at two pictures whose signatures are close: are they the same, to the small things on them? Pure.

A signature sees 80 cells; the frames of a camera that stands still, or X-rays, differ in things that are smaller. Here
the thumbnails are compared at 80 × 60 cells. A cell differs by as much as it lies outside of what is around the same
place in the other picture, so that a shift by a cell counts nothing, and a small thing that came or went counts wholly.
"""

import numpy as np
from PIL import Image, ImageFilter

SIZE = (80, 60)
SAME = 32  # grey levels of 256 (docs/decisions/011): copies and refocused pictures stay below, things that come do not


def read_look(file):
    """What `difference` compares, of an open thumbnail; raises OSError or ValueError."""
    with Image.open(file) as picture:
        picture.draft("L", SIZE)
        grey = picture.convert("L").resize(SIZE, Image.Resampling.BOX)
    around = [np.asarray(grey.filter(kind(3)), np.int16) for kind in (ImageFilter.MinFilter, ImageFilter.MaxFilter)]
    return np.stack([np.asarray(grey, np.int16), *around])


def difference(one, other):
    """The largest difference of two looks, in grey levels 0..255; a difference of the whole picture does not count."""
    other = other + np.int16(round(float(one[0].mean() - other[0].mean())))
    return max(_outside(one[0], other), _outside(other[0], one))


def _outside(grey, around):
    return int(max((grey - around[2]).max(), (around[1] - grey).max(), 0))
