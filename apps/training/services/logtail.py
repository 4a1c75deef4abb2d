"""The engine's log, from its file into the job's log as it grows."""

import contextlib
import re

from apps.training.services.log import append_log

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BAR = re.compile("[━╸╺─]{3,} ?")
MOST = 4 * 2**20  # bytes that are read at once


class LogTail:
    """Moves what is new in a log file to the job's log; progress bars leave only their last state.

    How far the file was read stands in a file beside it, so that a worker that takes over goes on where the one that
    died was: what that one had not written any more is not lost.
    """

    def __init__(self, job, path):
        self.job, self.path = job, path
        self._noted = path.with_suffix(".read")
        self._offset = self._read_so_far()

    def flush(self):
        """Append what the file has gained; an unfinished line waits for its end."""
        while self._move():
            continue

    def note(self, text):
        """Append a line of the platform's own."""
        append_log(self.job, f"— {text}\n")

    def _move(self):
        """Move the next lines; True where there may be more."""
        if not self.path.exists():
            return False
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = file.read(MOST)
        full = len(data) == MOST
        whole = data.rfind(b"\n") + 1 or (MOST if full else 0)
        if not whole:
            return False
        append_log(self.job, "".join(clean_line(line) for line in data[:whole].split(b"\n")))
        self._offset += whole
        self._noted.write_text(str(self._offset))
        return full

    def _read_so_far(self):
        with contextlib.suppress(FileNotFoundError, ValueError):  # it begins, or a kill left the note empty
            return int(self._noted.read_text())
        return 0


def clean_line(raw: bytes) -> str:
    """A line as a terminal would show it in the end: no colours, of an overwritten line the last state."""
    text = ESCAPES.sub("", raw.decode(errors="replace")).rstrip("\r")
    text = BAR.sub("", text.rsplit("\r", 1)[-1]).replace("\x00", "").rstrip()
    return f"{text}\n" if text else ""
