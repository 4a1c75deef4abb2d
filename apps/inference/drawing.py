"""Boxes and their names drawn into a picture. Only who asks for a picture pays for importing this."""

from io import BytesIO

from django.conf import settings
from PIL import Image, ImageColor, ImageDraw

from apps.inference.engine.pens import COLORS, SMALL, font_of, ink_on
from apps.inference.outlines import parts_of

TINT = 110  # of 255: how much of a mask's colour covers the picture


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
    """`image` with what lies inside the outlines of `objects` tinted, the first on top."""
    if not objects:
        return image
    tint = Image.new("RGBA", image.size)
    canvas = ImageDraw.Draw(tint)
    for class_id, polygons in reversed(objects):
        color = ImageColor.getrgb(COLORS[class_id % len(COLORS)])
        for points in polygons:
            canvas.polygon([tuple(point) for point in points], fill=(*color, TINT), outline=(*color, 255))
    return Image.alpha_composite(image.convert("RGBA"), tint).convert("RGB")


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
