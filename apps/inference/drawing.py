"""Boxes and their names drawn into a picture. Only who asks for a picture pays for importing this."""

from io import BytesIO
from math import floor

from django.conf import settings
from PIL import Image, ImageColor, ImageDraw

from apps.inference.engine.pens import COLORS, SMALL, font_of, ink_on
from apps.inference.outlines import parts_of

TINT = 110  # of 255: how much of a mask's colour covers the picture
BAND = 256  # rows that are tinted at once: a whole picture of 100 megapixels would take 0.9 GB more


def opened(data):
    """The picture of image bytes that were answered on, upright, in RGB."""
    from apps.inference.runtime.images import decode

    pixels = decode(data, settings.MAX_IMAGE_PIXELS)
    return Image.frombuffer("RGB", pixels.shape[1::-1], pixels, "raw", "BGR", 0, 1)  # turned around as it is copied


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


def outlines(boxes):
    """The outlines of the runtime's boxes as `fill` takes them: (class id, [[(x, y), …], …]) in pixels."""
    return [(box.class_id, [points.tolist() for points in box.polygons]) for box in boxes if box.polygons]


def answered_outlines(predictions, size):
    """The same of an answer's predictions, in a picture of this (width, height)."""
    return [
        (one["class_id"], [[(x * size[0], y * size[1]) for x, y in points] for points in parts])
        for one in predictions
        if (parts := parts_of(one))
    ]


def fill(image, objects):
    """Tint in `image` what lies inside the outlines of `objects`, the first on top; returns it.

    Rows far apart know nothing of each other, so that a band of them is tinted at a time.
    """
    shapes = [
        (ImageColor.getrgb(COLORS[class_id % len(COLORS)]), [(floor(x), floor(y)) for x, y in points])
        for class_id, polygons in reversed(objects)
        for points in polygons
    ]
    reach = [(min(y for _, y in points), max(y for _, y in points)) for _, points in shapes]
    for top in range(0, image.height, BAND):
        bottom = min(top + BAND, image.height)
        here = [shape for shape, (low, high) in zip(shapes, reach, strict=True) if low < bottom and high >= top]
        if here:
            image.paste(_tinted(image.crop((0, top, image.width, bottom)), here, top), (0, top))
    return image


def _tinted(band, shapes, top):
    """Rows of a picture from `top` on, with `shapes`: (colour, points in the picture), the last on top."""
    tint = Image.new("RGBA", band.size)
    canvas = ImageDraw.Draw(tint)
    for color, points in shapes:
        placed = [(x, y - top) for x, y in points]
        canvas.polygon(placed, fill=(*color, TINT), outline=(*color, 255))
    return Image.alpha_composite(band.convert("RGBA"), tint).convert("RGB")


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
    canvas.text((x + size * 0.3, y + height / 2), words, fill=ink_on(color), font=font, anchor="lm")


def encoded(image, format):
    """The picture as bytes of JPEG or PNG."""
    out = BytesIO()
    image.save(out, format, **({"quality": 90} if format == "JPEG" else {"compress_level": 3}))
    return out.getvalue()
