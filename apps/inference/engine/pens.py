"""The colours and letters that boxes are drawn with, in pictures and in videos."""

import functools
import importlib.util
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

# as the testing page has them
COLORS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c564b", "#9a6bff", "#2ed9c3",
)  # fmt: skip
DARK = {"#0072b2", "#8c564b", "#009e73", "#d55e00", "#9a6bff"}  # white letters on these
SMALL = 480  # pixels: a smaller picture is enlarged, for its labels would cover it


@functools.lru_cache(16)
def font_of(size):
    """DejaVu, which knows most alphabets, where matplotlib (of ultralytics) brings it; else Pillow's own."""
    matplotlib = importlib.util.find_spec("matplotlib")
    path = Path(matplotlib.origin).parent / "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf" if matplotlib else None
    return ImageFont.truetype(str(path), size) if path and path.exists() else ImageFont.load_default(size)


def ink_on(color):
    """The colour of letters on `color`."""
    return "white" if color in DARK else "#111"


def bgr(color):
    """A colour of COLORS as OpenCV takes it."""
    return ImageColor.getrgb(color)[::-1]


@functools.lru_cache(4096)
def label(words, color, size):
    """`words` on a ground of `color`, letters `size` pixels high, as BGR of shape (height, width, 3)."""
    font = font_of(size)
    width, height = round(font.getlength(words) + size * 0.6), round(size * 1.35)
    image = Image.new("RGB", (width, height), color)
    ImageDraw.Draw(image).text((size * 0.3, height / 2), words, fill=ink_on(color), font=font, anchor="lm")
    return np.ascontiguousarray(np.asarray(image)[..., ::-1])
