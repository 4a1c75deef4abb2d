"""What a picture looks like, in 16 bytes: a difference hash of its small grey picture, across and down.

The method is the "dHash" of Neal Krawetz (hackerfactor.com, "Kind of Like That", 2013): a bit says whether a cell is
brighter than the one before it. Two grids are taken, of 9 × 8 and 8 × 9 cells, so that edges of every direction count.
Two pictures are as far apart as bits differ (0 to 128): copies in another size or format 0 to 6, others 30 and more.
"""

import numpy as np
from PIL import Image

SIDE = 72  # pixels; 9 × 8, so that the cells of both grids are whole


def signature_and_brightness(picture):
    """(16 bytes, mean grey 0..255) of an upright Pillow picture; a thumbnail is enough: a bit or two differ."""
    grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX), np.uint32)
    across = grey.reshape(8, 9, 9, 8).sum(axis=(1, 3))  # 8 rows of 9 cells
    down = grey.reshape(9, 8, 8, 9).sum(axis=(1, 3))  # 9 rows of 8 cells
    bits = np.concatenate([(across[:, 1:] > across[:, :-1]).ravel(), (down[1:] > down[:-1]).ravel()])
    return np.packbits(bits).tobytes(), round(float(grey.mean()))
