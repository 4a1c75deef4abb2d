"""Bytes to pixels: the same pixels that training sees, or a reason why not."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image, ImageOps

from .errors import BadImage

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF")  # JPEG opens the MPO of phones with several cameras too
FORMAT_NAMES = "JPEG, PNG, WebP, BMP and TIFF"

# The reason travels in BadImage; without this each bad upload also writes lines to the server's log.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


def decode(data: bytes, max_pixels: int) -> np.ndarray:
    """An image file as uint8 BGR of shape (height, width, 3), upright.

    OpenCV decodes, as in ultralytics, so that the pixels are the same: EXIF orientation applied, first frame
    of several, palette and gray expanded, CMYK converted, the high byte of 16 bits. What is transparent lies on
    white, as training sees it and people do. JPEGs are decoded in full: at a half or a quarter they are faster
    for large photographs, and the boxes are others. Raises BadImage.
    """
    transparent = check_header(data, max_pixels)
    try:
        if transparent:
            return _on_white(data)
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise BadImage("The image is damaged, or of a kind that cannot be decoded.") from error
    if pixels is None:
        raise BadImage("The image is damaged or cut off, or of a kind that cannot be decoded.")
    return pixels


def _on_white(data: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except Exception as error:  # as in check_header
        raise BadImage("The image is damaged or cut off, or of a kind that cannot be decoded.") from error
    white = Image.new("RGBA", upright.size, "white")
    return np.ascontiguousarray(np.asarray(Image.alpha_composite(white, upright))[..., 2::-1])


def check_header(data: bytes, max_pixels: int) -> bool:
    """Refuse what is no image or too large, from its header alone; says whether it may be transparent.

    Raises BadImage.
    """
    if not data:
        raise BadImage("The file is empty.")
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            width, height = image.size
            transparent = image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImage(f"The image is too large: at most {megapixels(max_pixels)} megapixels are accepted.") from error
    except Exception as error:  # parsers of hostile bytes raise nearly anything; all of it means the same here
        raise BadImage(f"The file is not an image that can be read: {FORMAT_NAMES} are.") from error
    if width * height > max_pixels:
        size = f"{width} × {height} pixels"
        raise BadImage(f"The image has {size}; at most {megapixels(max_pixels)} megapixels are accepted.")
    return transparent


def megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:g}"
