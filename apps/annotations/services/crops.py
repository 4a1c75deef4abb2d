"""The crop of one label, for the wall of crops."""

from django.core.files.storage import default_storage
from PIL import Image, ImageOps

from apps.annotations.services.suggestions import corners_of
from apps.core.images import encode, to_rgb

SIDE = 160  # pixels of the longer side
MARGIN = 0.12  # of the box, around it: what is beside an object helps to tell what it is


class NoPicture(Exception):
    """The stored file cannot be read."""


def crop(row):
    """A JPEG of the label's box with a margin; raises NoPicture where the stored file is missing or broken."""
    try:
        with default_storage.open(row.image.file.name) as file:
            image = Image.open(file)
            image.draft("RGB", _enough(row, max(image.size)))
            image = ImageOps.exif_transpose(image)
            part = to_rgb(image.crop(_pixels(row, image.size)))
    except OSError as error:
        raise NoPicture(f"The picture of this label cannot be read: {error}") from error
    part.thumbnail((SIDE, SIDE))
    return encode(part, "JPEG", quality=82)


def _enough(row, longer):
    """The size at which the crop is still SIDE pixels large: JPEG decodes to about that, several times faster."""
    scale = min(1, SIDE / max(max(row.width, row.height) * longer, 1))
    return (max(1, int(longer * scale)),) * 2


def _pixels(row, size):
    x1, y1, x2, y2 = corners_of(row)
    dx, dy = row.width * MARGIN, row.height * MARGIN
    left, top = max(x1 - dx, 0) * size[0], max(y1 - dy, 0) * size[1]
    right, bottom = min(x2 + dx, 1) * size[0], min(y2 + dy, 1) * size[1]
    return int(left), int(top), max(int(right + 0.999), int(left) + 1), max(int(bottom + 0.999), int(top) + 1)
