"""A corpus of files that are no images, or rare ones, made by code; and what a request may have left behind."""

import io
import os
import struct
import tempfile
import zlib
from pathlib import Path

import numpy as np
from django.conf import settings as django_settings
from PIL import Image

from conftest import picture


def saved(image, format, **options):
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def drawn(mode="RGB"):
    return Image.open(io.BytesIO(picture(60, 40, seed=3))).convert(mode)


def with_size(width, height):
    """A PNG whose header claims this size, its checksum right."""
    data = bytearray(picture(60, 40))
    data[16:24] = struct.pack(">II", width, height)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


def bomb():
    """A PNG of 20,000 × 20,000 whose pixels are all there: 400 MB out of a few hundred KB."""
    packer = zlib.compressobj(9)
    row = b"\0" * 20_001
    pixels = b"".join(packer.compress(row * 200) for _ in range(100)) + packer.flush()
    head = struct.pack(">IIBBBBB", 20_000, 20_000, 8, 0, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", pixels), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def text_bomb():
    """A PNG whose comment unpacks to 100 MB, before the pixels."""
    data = picture(60, 40)
    body = b"zTXt" + b"Comment\0\0" + zlib.compress(b"a" * 100_000_000, 9)
    return data[:33] + struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body)) + data[33:]


def sixteen_bit():
    return Image.fromarray((np.arange(2400).reshape(40, 60) * 27).astype(np.uint16))


def moving(format):
    return saved(drawn(), format, save_all=True, append_images=[drawn().rotate(180)])


NO_IMAGES = {
    "nothing": lambda: b"",
    "text": lambda: b"hello",
    "a page": lambda: b"<!doctype html><title>404</title>",
    "a drawing": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    "a program": lambda: b"\x7fELF" + b"\0" * 500,
    "a zip": lambda: b"PK\x03\x04" + b"\0" * 100,
    "a moving GIF": lambda: moving("GIF"),
    "the start of a JPEG": lambda: b"\xff\xd8\xff\xe0",
    "half a JPEG": lambda: half(saved(drawn(), "JPEG")),
    "half a PNG": lambda: half(picture(60, 40, seed=9)),
    "half a WebP": lambda: half(saved(drawn(), "WEBP")),
    "half a BMP": lambda: half(saved(drawn(), "BMP")),
    "half a TIFF": lambda: half(saved(drawn(), "TIFF")),
    "half a transparent PNG": lambda: half(saved(Image.effect_noise((90, 90), 60).convert("RGBA"), "PNG")),
    "200 megapixels": lambda: with_size(20_000, 10_000),
    "two billion pixels": lambda: with_size(2**31 - 1, 1),
    "no pixels": lambda: with_size(0, 0),
    "fewer pixels than announced": lambda: with_size(900, 900),
    "a decompression bomb": bomb,
    "a comment that is a bomb": text_bomb,
}
RARE = {
    "CMYK": lambda: saved(drawn("CMYK"), "JPEG"),
    "16 bits": lambda: saved(sixteen_bit(), "PNG"),
    "16 bits in a TIFF": lambda: saved(sixteen_bit(), "TIFF"),
    "a palette": lambda: saved(drawn("P"), "PNG"),
    "a transparent palette": lambda: saved(drawn("P"), "PNG", transparency=0),
    "alpha": lambda: saved(drawn("RGBA"), "PNG"),
    "grey with alpha": lambda: saved(drawn("LA"), "PNG"),
    "one bit": lambda: saved(drawn("1"), "TIFF", compression="group4"),
    "a moving WebP": lambda: moving("WEBP"),
    "a moving PNG": lambda: moving("PNG"),
    "a TIFF of two pages": lambda: moving("TIFF"),
    "BMP": lambda: saved(drawn(), "BMP"),
}


def half(data):
    return data[: len(data) // 2]


def files_of_requests():
    """Every file that a request may have left behind: temporary ones, uploads, jobs; not the models of fixtures."""
    folders = (django_settings.FILE_UPLOAD_TEMP_DIR, django_settings.MEDIA_ROOT, django_settings.WORK_DIR)
    found = {Path(root) / name for folder in folders for root, _, names in os.walk(folder) for name in names}
    return {path for path in found if path.name != "best.pt"} | set(Path(tempfile.gettempdir()).glob("*.upload*"))
