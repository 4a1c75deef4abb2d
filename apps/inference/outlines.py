"""The outline of an answer as labels have it."""

# The stairs of a mask's edge become lines that people can take hold of; they leave it by no more than
FINEST = 1 / 400  # of the longer side of the picture, and
OF_ITSELF = 0.02  # of the longer side of the object


def parts_of(found):
    """The outlines of one object of an answer, [[[x, y], …], …] in 0..1: `parts`, or `points` where there is one."""
    return found.get("parts") or ([found["points"]] if "points" in found else [])


def outline_of(box, width, height):
    """The largest outline of a box of the runtime's as [[x, y], …] in 0..1; None where there is none with an area."""
    if not box.polygons:
        return None
    import cv2  # only where something segments: web processes start without it
    import numpy as np

    from apps.inference.runtime.masks import area_of

    points = box.polygons[0]
    if not area_of(points):  # it lies on the picture's edge: labels need an area
        return None
    tolerance = min(FINEST * max(width, height), OF_ITSELF * max(box.x2 - box.x1, box.y2 - box.y1))
    fewer = cv2.approxPolyDP(points.astype(np.float32), tolerance, True).reshape(-1, 2)
    return ((fewer if len(fewer) > 2 else points) / (width, height)).round(6).tolist()
