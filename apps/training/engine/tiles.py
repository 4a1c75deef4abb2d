"""Images with their boxes as tiles of a grid, as small pictures for people."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

COLUMNS, SIDE, GAP = 4, 240, 4  # pixels but for the columns
GREY = (127, 127, 127)


def tile(pixels: np.ndarray, classes: Iterable[float], boxes: Iterable[Sequence[float]], colors: list[str]) -> Any:
    """One image (height, width, 3; uint8) with its boxes (xywhn) as a picture of SIDE x SIDE pixels."""
    image = Image.fromarray(np.ascontiguousarray(pixels))
    scale = SIDE / max(image.size)
    width, height = (max(round(side * scale), 1) for side in image.size)
    image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    pen = ImageDraw.Draw(image)
    for label, (x, y, w, h) in zip(classes, boxes, strict=True):
        corners = [(x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height]
        pen.rectangle(corners, outline=colors[int(label) % len(colors)], width=2)
    return image


def grid(tiles: Sequence[Any]) -> Any:
    """Tiles side by side, COLUMNS a row."""
    columns = min(COLUMNS, len(tiles))
    rows = -(-len(tiles) // columns)
    size = columns * (SIDE + GAP) - GAP, rows * (SIDE + GAP) - GAP
    picture = Image.new("RGB", size, GREY)
    for number, image in enumerate(tiles):
        row, column = divmod(number, columns)
        free = (SIDE - image.width) // 2, (SIDE - image.height) // 2
        picture.paste(image, (column * (SIDE + GAP) + free[0], row * (SIDE + GAP) + free[1]))
    return picture
