"""Boxes and their names drawn into a picture. Only who asks for a picture pays for importing this."""

import functools
import importlib.util
from io import BytesIO
from pathlib import Path

from django.conf import settings
from PIL import Image, ImageDraw, ImageFont

# as the testing page has them
COLORS = (
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c564b", "#9a6bff", "#2ed9c3",
)  # fmt: skip
DARK = {"#0072b2", "#8c564b", "#009e73", "#d55e00", "#9a6bff"}  # white letters on these
SMALL = 480  # pixels: a smaller picture is enlarged, for its labels would cover it


def opened(data):
    """The picture of image bytes that were answered on, upright, in RGB."""
    from apps.inference.runtime.images import decode

    return Image.fromarray(decode(data, settings.MAX_IMAGE_PIXELS)[..., ::-1])


def shown(boxes, class_names):
    """The runtime's boxes as `draw` takes them: (class id, words, (x1, y1, x2, y2))."""
    return [(box.class_id, f"{class_name(class_names, box.class_id)} {box.confidence:.2f}", box[2:6]) for box in boxes]


def answered(predictions, factor):
    """An answer's predictions as `draw` takes them, in a picture `factor` times as large."""
    objects = []
    for one in predictions:
        corners = [one["box"][name] * factor for name in ("x1", "y1", "x2", "y2")]
        objects.append((one["class_id"], f"{one['class_name']} {one['confidence']:.2f}", corners))
    return objects


def class_name(names, class_id):
    return names[class_id] if class_id < len(names) else str(class_id)


def draw(image, objects, lines=55):
    """`image` with `objects`, the first on top; a small one comes out as a larger picture, by a whole factor.

    A label is as high as the longer side divided by `lines`: fewer for a picture that is shown small.
    """
    factor = max(1, -(-SMALL // max(image.size)))
    if factor > 1:
        image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    canvas = ImageDraw.Draw(image)
    size = max(12, round(max(image.size) / lines))
    for class_id, words, corners in reversed(objects):
        x1, y1, x2, y2 = (value * factor for value in corners)
        color = COLORS[class_id % len(COLORS)]
        canvas.rectangle((x1, y1, max(x2, x1), max(y2, y1)), outline=color, width=max(2, size // 6))
        _write(canvas, image.size, (x1, y1), words, size, color)
    return image


def _write(canvas, picture, corner, words, size, color):
    """The label above the box's upper left corner, pushed into the picture where it would leave it."""
    font = font_of(size)
    width, height = canvas.textlength(words, font=font) + size * 0.6, size * 1.35
    x = max(min(corner[0], picture[0] - width), 0)
    y = max(corner[1] - height, 0)
    canvas.rectangle((x, y, x + width, y + height), fill=color)
    ink = "white" if color in DARK else "#111"
    canvas.text((x + size * 0.3, y + height / 2), words, fill=ink, font=font, anchor="lm")


@functools.lru_cache(16)
def font_of(size):
    """DejaVu, which knows most alphabets, where matplotlib (of ultralytics) brings it; else Pillow's own."""
    matplotlib = importlib.util.find_spec("matplotlib")
    path = Path(matplotlib.origin).parent / "mpl-data/fonts/ttf/DejaVuSans-Bold.ttf" if matplotlib else None
    return ImageFont.truetype(str(path), size) if path and path.exists() else ImageFont.load_default(size)


def encoded(image, format):
    """The picture as bytes of JPEG or PNG."""
    out = BytesIO()
    image.save(out, format, **({"quality": 90} if format == "JPEG" else {"compress_level": 3}))
    return out.getvalue()
