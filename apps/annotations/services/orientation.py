"""Labels that another tool drew on the picture as stored, moved onto the picture as people see it."""

from dataclasses import replace

# (x, y) of the stored picture → (x, y) of the upright one, both 0..1, by EXIF orientation (Exif 2.32, tag 0x0112).
TURNS = {
    2: lambda x, y: (1 - x, y),
    3: lambda x, y: (1 - x, 1 - y),
    4: lambda x, y: (x, 1 - y),
    5: lambda x, y: (y, x),
    6: lambda x, y: (1 - y, x),
    7: lambda x, y: (1 - y, 1 - x),
    8: lambda x, y: (y, 1 - x),
}
SIDEWAYS = {5, 6, 7, 8}


def turned(box, labels, image):
    """`box` in the upright frame. Only where the label file's own size says that it was drawn on the stored picture."""
    claimed = (labels.width, labels.height)
    upright = (image.width, image.height)
    if image.orientation not in SIDEWAYS or claimed != upright[::-1] or claimed == upright:
        return box
    turn = TURNS[image.orientation]
    x, y = turn(box.x_center, box.y_center)
    points = box.points and tuple(v for p in zip(box.points[::2], box.points[1::2], strict=True) for v in turn(*p))
    return replace(box, x_center=x, y_center=y, width=box.height, height=box.width, points=points)
