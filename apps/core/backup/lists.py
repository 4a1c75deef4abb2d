"""Long lists as objects: gzipped JSON lines in pieces, so that what did not change is the same object again."""

import gzip
import hashlib
import json

from apps.core.backup import BackupError

ITEMS_A_PIECE = 20_000
BYTES_A_PIECE = 8 * 1024 * 1024


class ListWriter:
    """Writes values, one JSON line each, to a shelf. A piece ends where `group` changes, or where it is large."""

    def __init__(self, shelf, again=False):
        self.shelf, self.again = shelf, again
        self.pieces, self.count = [], 0
        self._lines, self._bytes, self._group = [], 0, None
        self._whole = hashlib.sha256()

    def add(self, value, group=None, unhashed=()):
        """Append `value`; `unhashed` is appended to its line, but does not count for what the list is."""
        if self._lines and (group != self._group or len(self._lines) >= ITEMS_A_PIECE or self._bytes >= BYTES_A_PIECE):
            self._end_piece()
        self._group = group
        self._whole.update(to_line(value))
        line = to_line([*value, *unhashed]) if unhashed else to_line(value)
        self._lines.append(line)
        self._bytes += len(line)
        self.count += 1

    def end(self):
        """`{count, sha256, pieces: [[sha256, bytes, count]]}`: the list, as a manifest knows it."""
        if self._lines:
            self._end_piece()
        return {"count": self.count, "sha256": self._whole.hexdigest(), "pieces": self.pieces}

    def _end_piece(self):
        data = gzip.compress(b"".join(self._lines), 6, mtime=0)
        self.pieces.append([*self.shelf.put_bytes(data, self.again), len(self._lines)])
        self._lines, self._bytes = [], 0


def read_list(shelf, known):
    """The values of a list that a manifest knows; raises BackupError where a piece is missing or damaged."""
    for sha256, _, count in known["pieces"]:
        try:
            lines = gzip.decompress(shelf.read(sha256)).splitlines()
            values = [json.loads(line) for line in lines]
        except (ValueError, OSError, EOFError) as error:
            raise BackupError(f"The object {sha256} is no list: {error}.") from None
        if len(values) != count:
            raise BackupError(f"The object {sha256} has {len(values)} lines instead of {count}.")
        yield from values


def to_line(value):
    """One line of JSON that is the same for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"
