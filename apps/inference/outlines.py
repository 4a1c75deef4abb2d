"""The outline of an answer as labels have it."""

# The stairs of a mask's edge become lines that people can take hold of; they leave it by no more than
FINEST = 1 / 400  # of the longer side of the picture,
OF_ITSELF = 0.02  # of the longer side of the object, and
OF_THICKNESS = 0.35  # of how thick it is; its area
AREA = 0.15  # changes by no more than so much of itself
LEAST = 0.25  # pixels: what is finer is kept as it is


def parts_of(found):
    """The outlines of one object of an answer, [[[x, y], …], …] in 0..1: `parts`, or `points` where there is one."""
    return found.get("parts") or ([found["points"]] if "points" in found else [])


def outline_of(box, width, height):
    """The largest outline of a box of the runtime's as [[x, y], …] in 0..1; None where there is none with an area."""
    if not box.polygons:
        return None

    from apps.inference.runtime.masks import area_of

    points = box.polygons[0]
    if not area_of(points):  # it lies on the picture's edge: labels need an area
        return None
    longest = max(box.x2 - box.x1, box.y2 - box.y1)
    return (simpler(points, min(FINEST * max(width, height), OF_ITSELF * longest)) / (width, height)).round(6).tolist()


def simpler(points, tolerance):
    """A polygon (points, 2) with fewer points, each edge at most `tolerance` beside it; less where it is thin.

    A strip's area is its length times its thickness, and its outline goes along it twice. The area alone would not do:
    what is cut off at a bend may be added at the next.
    """
    import cv2
    import numpy as np

    from apps.inference.runtime.masks import area_of

    area, outline = area_of(points), points.astype(np.float32)
    tolerance = min(tolerance, OF_THICKNESS * 2 * area / cv2.arcLength(outline, True))
    while tolerance >= LEAST:
        fewer = cv2.approxPolyDP(outline, tolerance, True).reshape(-1, 2)
        if len(fewer) > 2 and abs(area_of(fewer) - area) <= AREA * area:
            return fewer
        tolerance /= 2
    return points
