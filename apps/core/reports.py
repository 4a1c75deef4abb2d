"""What a job changed or left out, row by row: written as a stream to one CSV, and read from it page by page.

The rows of one kind stand together in the file, and every so often the place of a row is noted: so a page of any kind
is read without reading what is before it, however many rows there are.
"""

import csv
import io
import tempfile
from collections import Counter
from dataclasses import dataclass

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

PAGE = 100
IN_MEMORY = 256 * 1024  # bytes of one kind, before they go to a temporary file
COLUMNS = ("File", "Line", "Effect", "Kind", "What")
BOM = b"\xef\xbb\xbf"  # by which spreadsheets know that it is UTF-8
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
LEFT_OUT, CHANGED, NOTE = "left out", "changed", "note"


@dataclass(frozen=True)
class Row:
    """`line` counts from 1, None where there is none; `effect` is "left out", "changed" or "note"."""

    file: str
    line: int | None
    effect: str
    kind: str
    reason: str


class Report:
    """Collects rows in bounded memory; `save(job)` stores them as the job's file and tells what the result keeps."""

    def __init__(self, kept=200):
        self._kinds, self._marks, self.counts, self.effects = {}, {}, Counter(), Counter()
        self._kept, self.first = kept, []

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for lines in self._kinds.values():
            lines.close()

    def add(self, file, line, reason, kind, effect=LEFT_OUT):
        """Note one thing that did not go as it came."""
        row = Row(file, line, effect, kind, reason)
        lines = self._kinds.get(kind)
        if lines is None:
            lines = self._kinds[kind] = tempfile.SpooledTemporaryFile(IN_MEMORY, dir=settings.UPLOAD_DIR)  # noqa: SIM115
            self._marks[kind] = []
        if self.counts[kind] % PAGE == 0:
            self._marks[kind].append(lines.tell())
        lines.write(_line(row))
        self.counts[kind] += 1
        self.effects[effect] += 1
        if len(self.first) < self._kept:
            self.first.append(row)

    @property
    def total(self):
        return self.counts.total()

    def save(self, job, words):
        """Store the CSV as the job's file; returns what `pages_of` needs. `words` names kinds for people."""
        kinds = []
        with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as out:
            out.write(BOM + _cells(COLUMNS))
            for kind, lines in sorted(self._kinds.items(), key=lambda item: -self.counts[item[0]]):
                start = out.tell()
                lines.seek(0)
                for chunk in iter(lambda lines=lines: lines.read(1 << 20), b""):
                    out.write(chunk)
                kinds.append({
                    "kind": kind, "words": words.get(kind, kind.replace("_", " ")), "count": self.counts[kind],
                    "marks": [start + mark for mark in self._marks[kind]],
                })  # fmt: skip
            out.seek(0)
            job.file.save("report.csv", File(out), save=False)
        return {"total": self.total, "effects": dict(self.effects), "kinds": kinds}


def rows_of(job, kind="", page=1):
    """(rows of this page, counting from 1; how many pages there are) of a job's kept report.

    `kind` "" is all of them. Raises FileNotFoundError where the file has expired.
    """
    if not job.file:
        raise FileNotFoundError
    kinds = [entry for entry in job.result["report"]["kinds"] if kind in ("", entry["kind"])]
    places = [(mark, min(PAGE, entry["count"] - PAGE * n)) for entry in kinds for n, mark in enumerate(entry["marks"])]
    if not places or not 1 <= page <= len(places):
        return [], len(places)
    mark, count = places[page - 1]
    with default_storage.open(job.file.name) as file:
        file.seek(mark)
        lines = csv.reader(io.TextIOWrapper(io.BufferedReader(_Raw(file)), encoding="utf-8", newline=""))
        return [_row(cells) for cells, _ in zip(lines, range(count), strict=False)], len(places)


class _Raw(io.RawIOBase):
    """A stored file as plain bytes: closing what reads it does not close it."""

    def __init__(self, file):
        self._file = file

    def readable(self):
        return True

    def readinto(self, buffer):
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _line(row):
    return _cells((row.file, "" if row.line is None else row.line, row.effect, row.kind, row.reason))


def _cells(cells):
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode(errors="replace")


def harmless(cell):
    """A cell that no spreadsheet takes for a formula: what starts like one gets an apostrophe in front."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith((*FORMULA, "'")) else cell


def _row(cells):
    file, line, effect, kind, reason = (cell[1:] if cell.startswith("'") else cell for cell in cells)
    return Row(file, int(line) if line else None, effect, kind, reason)
