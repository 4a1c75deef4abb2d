"""How much outlines overlap as the masks that they enclose, in pixels of their image."""

import numpy as np

FINEST = 640  # pixels of the longer side that masks are painted at: finer than models draw them


class Mask:
    """The pixels inside of polygons (points, 2), at `scale` pixels for one of the image; only the part around them.

    The outline of a mask runs through its outermost pixels, the one of a label around its object: `grow` pixels, to the
    right and below, are what the former lacks.
    """

    def __init__(self, polygons, scale, grow=0):
        import cv2  # only where masks are judged: web processes start without it

        placed = [np.round(np.asarray(points, float) * scale).astype(np.int32) for points in polygons]
        every = np.concatenate(placed)
        self.left, self.top = every.min(0).tolist()
        self.right, self.bottom = (every.max(0) + 1 + grow).tolist()
        self.pixels = np.zeros((self.bottom - self.top, self.right - self.left), np.uint8)
        for points in placed:  # one by one: parts that overlap do not cancel each other
            cv2.fillPoly(self.pixels, [points - [self.left, self.top]], 1)
        if grow:
            self.pixels = cv2.dilate(self.pixels, np.ones((grow + 1, grow + 1), np.uint8), anchor=(grow, grow))
        self.area = int(np.count_nonzero(self.pixels))

    def shared(self, other):
        """Pixels that are inside of both."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        if right <= left or bottom <= top:
            return 0
        return int(np.count_nonzero(self.part(left, top, right, bottom) & other.part(left, top, right, bottom)))

    def part(self, left, top, right, bottom):
        return self.pixels[top - self.top : bottom - self.top, left - self.left : right - self.left]


def masks_of(objects, width, height, found_at=None):
    """A Mask of each object, which is a list of polygons (points, 2) in pixels of an image of this size.

    `found_at`: the longer side, in pixels, at which a model drew them; None for labels.
    """
    scale = min(1.0, FINEST / max(width, height))
    grow = round(max(width, height) * scale / found_at) if found_at else 0
    return [Mask(polygons, scale, grow) for polygons in objects]


def mask_iou(ours, theirs):
    """Intersection over union of masks (m) and (n) of one image, as (m, n)."""
    iou = np.zeros((len(ours), len(theirs)))
    for row, one in enumerate(ours):
        for column, other in enumerate(theirs):
            if shared := one.shared(other):
                iou[row, column] = shared / (one.area + other.area - shared)
    return iou
