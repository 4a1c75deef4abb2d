"""Images are checked by decoding, never by their name."""

import hashlib
import warnings
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from django.conf import settings
from PIL import Image, UnidentifiedImageError

from apps.core.exif import taken_and_camera
from apps.core.signature import signature_and_brightness

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "BMP": "bmp", "TIFF": "tif"}
MIME_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "bmp": "image/bmp", "tif": "image/tiff"}
SHOWN_BY_BROWSERS = {"jpg", "png", "webp", "bmp"}
THUMBNAIL_SIZE = 320
EXIF_ORIENTATION = 0x0112
PLAIN_MODES = {"RGB", "L", "1", "P"}
UPRIGHT_BY = {  # what turns a picture stored under each EXIF orientation upright
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip
Image.MAX_IMAGE_PIXELS = settings.MAX_IMAGE_PIXELS  # Pillow refuses twice as much while it opens; we check the rest


class BadImage(ValueError):
    """Not an image that we take; the message says why and what is accepted."""


@dataclass(frozen=True)
class CheckedImage:
    """What was found: `width`, `height` in pixels as people see it (EXIF orientation applied).

    `is_plain`: any reader decodes the file to the same upright 8-bit picture; else training gets `upright_bytes`.
    `signature`: 16 bytes of what it looks like; `brightness`: mean grey, 0..255; `taken_at`, `camera`: by its EXIF.
    """

    extension: str
    width: int
    height: int
    orientation: int
    is_plain: bool
    sha256: str
    thumbnail: bytes
    preview: bytes | None
    signature: bytes
    brightness: int
    taken_at: datetime | None
    camera: str


def check_image(data: bytes) -> CheckedImage:
    """Decode `data` wholly; raises BadImage with the reason."""
    if not data:
        raise BadImage("The file is empty.")
    if len(data) > settings.MAX_IMAGE_BYTES:
        raise BadImage(f"Larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
    image = _open(data)
    extension = FORMATS[image.format]
    shot = taken_and_camera(image) if extension == "tif" else None  # Pillow closes a TIFF when it is decoded
    try:
        upright, orientation = _decode(image)
        is_plain = orientation == 1 and image.mode in PLAIN_MODES and "transparency" not in image.info
        is_plain = is_plain and getattr(image, "n_frames", 1) == 1
    except MemoryError:
        raise BadImage("Too large to be decoded.") from None
    except Exception as error:  # Pillow's decoders raise many kinds on broken data
        raise BadImage(f"Broken: {error}.") from None
    width, height = upright.size
    preview = None if extension in SHOWN_BY_BROWSERS else encode(upright, "PNG")
    # As good as the default (bicubic) when it makes smaller, by half the work.
    upright.thumbnail((THUMBNAIL_SIZE, THUMBNAIL_SIZE), Image.Resampling.HAMMING, reducing_gap=2.0)
    return CheckedImage(
        extension, width, height, orientation, is_plain, hashlib.sha256(data).hexdigest(),
        encode(upright, "JPEG", quality=82), preview, *signature_and_brightness(upright),
        *(shot or taken_and_camera(image)),
    )  # fmt: skip


def _open(data):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(BytesIO(data), formats=list(FORMATS))
    except UnidentifiedImageError:
        raise BadImage("Not an image. Accepted: JPEG, PNG, WebP, BMP, TIFF.") from None
    except Image.DecompressionBombError:
        raise BadImage(f"Far more than {settings.MAX_IMAGE_PIXELS // 1_000_000} megapixels.") from None
    except Exception as error:
        raise BadImage(f"Broken: {error}.") from None
    if image.format == "MPO":  # a JPEG with further pictures behind the first
        image.format = "JPEG"
    width, height = image.size
    if width * height > settings.MAX_IMAGE_PIXELS:
        limit = settings.MAX_IMAGE_PIXELS // 1_000_000
        raise BadImage(f"{width} × {height} pixels is more than {limit} megapixels.")
    return image


def _decode(image):
    """(the picture as people see it, 8-bit RGB; the EXIF orientation that the file has)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if image.format == "TIFF":  # Pillow turns these itself while it loads them, and forgets how they were
            orientation = _known(image.tag_v2.get(EXIF_ORIENTATION))
            image.load()
            return to_rgb(image), orientation
        image.load()
        orientation = _orientation(image)
        turn = UPRIGHT_BY.get(orientation)
        return to_rgb(image if turn is None else image.transpose(turn)), orientation


def _orientation(image):
    try:
        return _known(image.getexif().get(EXIF_ORIENTATION))
    except Exception:  # Pillow raises many kinds on broken EXIF, which browsers ignore: so do we
        return 1


def _known(orientation):
    return int(orientation) if orientation in range(1, 9) else 1


def to_rgb(image):
    """8-bit RGB as people see it: 16-bit scaled down, transparency on white."""
    if image.mode in ("I;16", "I;16B", "I;16L", "I"):
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        return Image.alpha_composite(white, rgba).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def encode(image, format, **options):
    """The image as bytes of `format`."""
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def upright_bytes(data: bytes) -> bytes:
    """The image as an upright 8-bit RGB PNG, for readers that take neither EXIF nor rare modes."""
    return encode(_decode(_open(data))[0], "PNG")
