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
from dataclasses import dataclass

_IN_MEMORY = 16 * 1024 * 1024  # of polygons, before they go to a temporary file
_ROW = struct.Struct("<iIqdddddQI")  # class, line, tag, four, score, polygon's place and length
_MAX_LINE = 2**32 - 1
_NONE = math.nan


@dataclass(slots=True)
class HeldShape:
    """`class_number`, `tag` and the unit of `four` and `points` are the holder's own."""

    class_number: int
    line: int
    tag: int
    four: tuple[float, float, float, float] | None
    points: array | None
    score: float | None


class HeldShapes:
    def __init__(self) -> None:
        self._rows: dict[Hashable, bytearray] = {}
        self._points = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
        self._end = 0

    def add(
        self,
        image: Hashable,
        class_number: int,
        line: int,
        four: Sequence[float] | None,
        *,
        points: Sequence[float] | None = None,
        score: float | None = None,
        tag: int = 0,
    ) -> None:
        """`four` are corners, or whatever four finite numbers say where the shape is."""
        place = count = 0
        if points is not None:
            place, count = self._end, len(points)
            self._points.seek(place)
            self._end += self._points.write(array("d", points).tobytes())
        row = _ROW.pack(
            class_number,
            min(line, _MAX_LINE),
            tag,
            *(four if four is not None else (_NONE, 0.0, 0.0, 0.0)),
            _NONE if score is None else score,
            place,
            count,
        )
        if image in self._rows:
            self._rows[image] += row
        else:
            self._rows[image] = bytearray(row)

    def images(self) -> Iterator[Hashable]:
        return iter(self._rows)

    def count(self, image: Hashable) -> int:
        return len(self._rows.get(image, b"")) // _ROW.size

    def of(self, image: Hashable) -> Iterator[HeldShape]:
        """The image's shapes in the order they were added."""
        for class_number, line, tag, a, b, c, d, score, place, count in _ROW.iter_unpack(self._rows.get(image, b"")):
            yield HeldShape(
                class_number,
                line,
                tag,
                None if math.isnan(a) else (a, b, c, d),
                self._read_points(place, count) if count else None,
                None if math.isnan(score) else score,
            )

    def _read_points(self, place: int, count: int) -> array:
        self._points.seek(place)
        points = array("d")
        points.frombytes(self._points.read(8 * count))
        return points
