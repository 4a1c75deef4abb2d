"""The sample dataset: drawn shapes that a small network learns from nothing in a minute or two.

Pure: numpy and Pillow only, no ORM, no torch. The same seed gives the same images with the same Pillow. A class is
a shape. It mostly wears a colour of its own, which makes the start easy, but some shapes wear any colour, the
backgrounds have all of them, and every picture is noisy: the network has to look at the outline.
"""

import io
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

SAMPLE_NAME = "Sample: coloured shapes"
SAMPLE_CLASSES = ("circle", "square", "triangle", "star")
SAMPLE_SPLITS = {"train": 280, "val": 64, "test": 32}

# What the training page proposes for this dataset. Small images make it quick, AdamW with a high rate learns
# in few epochs, and mosaic is off because a run this short never unlearns the mosaic's cut shapes.
SAMPLE_SETTINGS = {
    "model": "yolov8n.yaml",
    "epochs": 40,
    "batch": 8,
    "imgsz": 96,
    "optimizer": "AdamW",
    "lr0": 0.002,
    "warmup_epochs": 1.0,
    "patience": 40,
    "mosaic": 0.0,
    "seed": 0,
}

SIZE = 192  # pixels, square
_SCALE = 2  # masks are drawn this much larger, then reduced: smooth edges, boxes to half a pixel
_CANVAS = SIZE * _SCALE
_MIN_VISIBLE = 0.8  # a shape hidden more than this leaves would have a label nobody can learn
_SHADOW = [level * 35 // 100 for level in range(256)]
_HUES = {"circle": (335, 380), "square": (195, 250), "triangle": (110, 175), "star": (28, 60)}  # degrees
_ANY_HUE = 0.12  # share of the shapes that wear a colour at random: colour is a hint, the shape is the class


class SampleImage(NamedTuple):
    """One drawn image; `boxes` are (class_name, x_center, y_center, width, height), fractions of its side."""

    filename: str
    data: bytes
    split: str
    boxes: list[tuple[str, float, float, float, float]]


def generate_sample(seed: int = 7) -> Iterator[SampleImage]:
    """Yield every image of the sample dataset as JPEG: train, val, test; the same for the same seed."""
    number = 0
    for split, count in SAMPLE_SPLITS.items():
        for _ in range(count):
            number += 1
            rng = np.random.default_rng([seed, number])
            image, boxes = _draw_scene(rng)
            yield SampleImage(f"shapes-{number:04d}.jpg", _encode(image), split, boxes)


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


# --- a scene ----------------------------------------------------------------------------------------------


def _draw_scene(rng: np.random.Generator) -> tuple[Image.Image, list[tuple[str, float, float, float, float]]]:
    image = _background(rng)
    placed = _place_shapes(rng)
    for name, mask in placed:
        _paint(image, mask.reduce(_SCALE), _colour(rng, name), rng)
    return _add_noise(image, rng), [(name, *_tight_box(seen)) for name, seen in _visible_parts(placed)]


def _place_shapes(rng: np.random.Generator) -> list[tuple[str, Image.Image]]:
    """Return (class name, mask) from the rearmost to the frontmost, each seen for at least `_MIN_VISIBLE`."""
    placed: list[tuple[str, Image.Image]] = []
    wanted = int(rng.integers(2, 6))
    for _ in range(wanted * 4):
        if len(placed) == wanted:
            break
        name = str(rng.choice(SAMPLE_CLASSES))
        candidate = [*placed, (name, _shape_mask(rng, name))]
        if _all_visible(candidate):
            placed = candidate
    return placed


def _visible_parts(placed: list[tuple[str, Image.Image]]) -> list[tuple[str, np.ndarray]]:
    """Return (class name, boolean array of the pixels that nothing in front covers)."""
    covered = np.zeros((_CANVAS, _CANVAS), bool)
    parts = []
    for name, mask in reversed(placed):
        whole = np.asarray(mask) > 127
        parts.append((name, whole & ~covered))
        covered |= whole
    return parts[::-1]


def _all_visible(placed: list[tuple[str, Image.Image]]) -> bool:
    seen = _visible_parts(placed)
    return all(
        np.count_nonzero(part) >= _MIN_VISIBLE * mask.histogram()[255]
        for (_, mask), (_, part) in zip(placed, seen, strict=True)
    )


def _tight_box(seen: np.ndarray) -> tuple[float, float, float, float]:
    """Return (x_center, y_center, width, height) around the true pixels, as fractions of the side."""
    columns, rows = np.flatnonzero(seen.any(axis=0)), np.flatnonzero(seen.any(axis=1))
    left, right, top, bottom = columns[0], columns[-1] + 1, rows[0], rows[-1] + 1
    values = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
    return tuple(round(float(value) / _CANVAS, 6) for value in values)


# --- shapes -----------------------------------------------------------------------------------------------


def _shape_mask(rng: np.random.Generator, name: str) -> Image.Image:
    """Return a black mask with one white shape that lies wholly inside."""
    radius = float(rng.uniform(0.11, 0.22)) * _CANVAS
    x, y = (float(value) for value in rng.uniform(radius + 2, _CANVAS - radius - 2, 2))
    mask = Image.new("L", (_CANVAS, _CANVAS), 0)
    pen = ImageDraw.Draw(mask)
    if name == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    else:
        pen.polygon(_OUTLINES[name](x, y, radius, math.radians(rng.uniform(-22, 22))), fill=255)
    return mask


def _regular(corners: int, turn: float) -> Callable[[float, float, float, float], list[tuple[float, float]]]:
    def outline(x: float, y: float, radius: float, angle: float) -> list[tuple[float, float]]:
        return _around(x, y, [radius] * corners, angle + turn)

    return outline


def _star(x: float, y: float, radius: float, angle: float) -> list[tuple[float, float]]:
    return _around(x, y, [radius, radius * 0.45] * 5, angle)


def _around(x: float, y: float, radii: list[float], angle: float) -> list[tuple[float, float]]:
    """Return one point per radius, at equal angles clockwise from the top."""
    step = 2 * math.pi / len(radii)
    return [(x + r * math.sin(angle + i * step), y - r * math.cos(angle + i * step)) for i, r in enumerate(radii)]


_OUTLINES = {"square": _regular(4, math.pi / 4), "triangle": _regular(3, 0.0), "star": _star}


# --- colour -----------------------------------------------------------------------------------------------


def _colour(rng: np.random.Generator, name: str) -> tuple[int, int, int]:
    hue = rng.uniform(0, 360) if rng.random() < _ANY_HUE else rng.uniform(*_HUES[name]) % 360
    return _hsv(hue, rng.uniform(0.55, 0.85), rng.uniform(0.72, 0.98))


def _hsv(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    """Return the RGB bytes of a hue in degrees and a saturation and value from 0 to 1."""

    def channel(n: int) -> int:
        k = (n + hue / 60) % 6
        return round(255 * (value - value * saturation * max(0.0, min(k, 4 - k, 1.0))))

    return channel(5), channel(3), channel(1)


def _paint(image: Image.Image, mask: Image.Image, colour: tuple[int, int, int], rng: np.random.Generator) -> None:
    """Lay a soft shadow, then the shape, lighter above than below."""
    shadow = mask.filter(ImageFilter.BoxBlur(3)).point(_SHADOW)
    image.paste((20, 24, 40), (3, 4), shadow)
    top, bottom = _lighten(colour, rng.uniform(0.10, 0.28)), _lighten(colour, -rng.uniform(0.04, 0.16))
    left, upper, right, lower = box = mask.getbbox()
    ramp = Image.fromarray(np.linspace(top, bottom, lower - upper).astype(np.uint8)[:, None])
    image.paste(ramp.resize((right - left, lower - upper), Image.Resampling.NEAREST), box[:2], mask.crop(box))


def _lighten(colour: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    target = 255 if share > 0 else 0
    return tuple(round(channel + (target - channel) * abs(share)) for channel in colour)


def _background(rng: np.random.Generator) -> Image.Image:
    """Return an image of soft, pale or dark clouds in muted colours of any hue."""
    value = rng.uniform(0.80, 0.95) if rng.random() < 0.65 else rng.uniform(0.22, 0.40)
    hue = rng.uniform(0, 360)
    cells = [
        _hsv((hue + rng.uniform(-40, 40)) % 360, rng.uniform(0.04, 0.24), value + rng.uniform(-0.08, 0.05))
        for _ in range(16)
    ]
    field = np.array(cells, np.uint8).reshape(4, 4, 3)
    return Image.fromarray(field).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def _add_noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add grain of a random strength: mostly brightness, a little colour."""
    strength = rng.uniform(4, 11)
    grain = rng.standard_normal((SIZE, SIZE, 1), np.float32) + 0.4 * rng.standard_normal((SIZE, SIZE, 3), np.float32)
    noisy = np.asarray(image, np.float32) + strength * grain
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
