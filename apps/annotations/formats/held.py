"""Shapes of many images, held in few bytes until their image's turn comes.

A file that tells of all images in any order is read once, and its shapes wait here: 68 bytes each in memory,
polygons in a temporary file once they are many. A million boxes are 68 MB; as objects they would be near a gigabyte.
"""

from __future__ import annotations

import math
import struct
import tempfile
from array import array
from collections.abc import Hashable, Iterator, Sequence

_IN_MEMORY = 16 * 1024 * 1024  # of polygons, before they go to a temporary file
_ROW = struct.Struct("<iIqdddddQI")  # class, line, tag, four, score, polygon's place and length
_pack = _ROW.pack
_MAX_LINE = 2**32 - 1
_NONE = math.nan
_NOWHERE = (_NONE, 0.0, 0.0, 0.0)


class HeldShapes:
    """By image, in the order they were added. Class numbers, tags and units are the holder's own."""

    def __init__(self) -> None:
        self._rows: dict[Hashable, bytearray] = {}
        self._points = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._end = 0

    def add(
        self,
        image: Hashable,
        class_number: int,
        line: int,
        tag: int,
        four: Sequence[float] | None,
        points: Sequence[float] | None = None,
        score: float | None = None,
    ) -> None:
        """`four` are corners, or whatever four finite numbers say where the shape is; without them, `points` do."""
        place = count = 0
        if points is not None:
            place, count = self._end, len(points)
            self._points.seek(place)
            self._end += self._points.write(array("d", points).tobytes())
        a, b, c, d = four or _NOWHERE
        score = _NONE if score is None else score
        row = _pack(class_number, line if line < _MAX_LINE else _MAX_LINE, tag, a, b, c, d, score, place, count)
        rows = self._rows.get(image)
        if rows is None:
            rows = self._rows[image] = bytearray()
        rows += row

    def images(self) -> Iterator[Hashable]:
        return iter(self._rows)

    def count(self, image: Hashable) -> int:
        return len(self._rows.get(image, b"")) // _ROW.size

    def of(self, image: Hashable) -> Iterator[tuple]:
        """(class number, line, tag, the four, score, and what `points` takes: two numbers) of each shape.

        Plain tuples, because there are millions. The first of the four and the score are not equal to
        themselves where there is none.
        """
        return _ROW.iter_unpack(self._rows.get(image, b""))

    def points(self, place: int, count: int) -> array | None:
        """The polygon, flat."""
        if not count:
            return None
        self._points.seek(place)
        points = array("d")
        points.frombytes(self._points.read(8 * count))
        return points
