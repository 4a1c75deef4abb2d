"""The size of an image whose label file does not tell it."""

from __future__ import annotations

from .base import FormatError, Source

_CHUNK = 64 * 1024
_MAX_HEADER = 16 * 1024 * 1024


def image_size(source: Source, name: str) -> tuple[int, int]:
    """(width, height) in pixels as stored, from as few of its bytes as it takes. Raises FormatError."""
    from PIL import ImageFile  # only data sets with incomplete labels need it

    parser, taken = ImageFile.Parser(), 0
    try:
        with source.open(name) as stream:
            while parser.image is None and taken < _MAX_HEADER and (chunk := stream.read(_CHUNK)):
                _feed(parser, chunk, name)
                taken += len(chunk)
    except OSError as error:
        raise FormatError(name, None, f"its size cannot be read: {error}") from error
    if parser.image is None:
        raise FormatError(name, None, "its size cannot be read: it is no image known here")
    return parser.image.size


def _feed(parser, chunk: bytes, name: str) -> None:
    try:
        parser.feed(chunk)
    except Exception as error:  # Pillow's decoders raise nearly anything on a broken image
        raise FormatError(name, None, f"its size cannot be read: {error}") from error
