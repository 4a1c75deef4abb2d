"""Text that grows while images are written, and is part of the export only afterwards."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

_IN_MEMORY = 4 * 1024 * 1024  # before it goes to a temporary file
_CHUNK = 256 * 1024


class Spool:
    """`write` as long as it takes, then `pieces`; closed by `with` or `close`."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def write(self, text: str) -> None:
        self._file.write(text.encode())

    def pieces(self) -> Iterator[bytes]:
        self._file.seek(0)
        while chunk := self._file.read(_CHUNK):
            yield chunk

    def close(self) -> None:
        self._file.close()
