"""Tiny videos, made by av as they are needed, and a model that finds what moves in them."""

import io
from fractions import Fraction

import av
import numpy as np
from PIL import Image

from apps.inference.runtime.answers import Box, Prediction

WIDTH, HEIGHT, SIDE = 64, 48, 12
TICK = Fraction(1, 1000)


def film(frames=12, codec="libx264", format="mp4", rate=10, times=None, turn=0, size=(WIDTH, HEIGHT)):
    """Bytes of a video: a red square goes right in its upper half, a green one left in its lower half.

    `times` are the frames' seconds where they are not `rate` a second; `turn` is how far players turn it, in degrees.
    """
    out = io.BytesIO()
    with av.open(out, "w", format=format) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if times:
            stream.time_base = stream.codec_context.time_base = TICK
        if turn:
            stream.set_display_rotation(turn)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(scene(number, size), format="rgb24")
            if times:
                frame.pts, frame.time_base = round(times[number] * 1000), TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def scene(number, size=(WIDTH, HEIGHT)):
    """One frame: RGB of shape (height, width, 3)."""
    width, height = size
    pixels, number = np.zeros((height, width, 3), np.uint8), number % 16
    pixels[4 : 4 + SIDE, 2 + 3 * number : 2 + 3 * number + SIDE] = (255, 0, 0)
    pixels[30 : 30 + SIDE, max(50 - 3 * number, 0) : max(50 - 3 * number, 0) + SIDE] = (0, 255, 0)
    return pixels


def music():
    """Bytes of an mp4 that has sound only."""
    out = io.BytesIO()
    with av.open(out, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return out.getvalue()


def found_in(model, data, conf=None, **options):
    """What `services.predict` answers, found by colour: red is class 0, green class 1."""
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)
    boxes = []
    for class_id in (0, 1):
        ys, xs = np.nonzero(pixels[..., class_id] - pixels[..., 1 - class_id] > 128)
        if len(xs):
            boxes.append(Box(class_id, 0.9, float(xs.min()), float(ys.min()), xs.max() + 1.0, ys.max() + 1.0))
    return Prediction(pixels.shape[1], pixels.shape[0], boxes, {"inference_ms": 1.0})
