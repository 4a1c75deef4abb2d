"""The engine's log, from its file into the job's row as it grows."""

import re

from django.db.models import F, Value
from django.db.models.functions import Concat

from apps.training.models import TrainingJob

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BAR = re.compile("[━╸╺─]{3,} ?")
LIMIT = 2_000_000  # characters of a job's log that are kept


class LogTail:
    """Moves what is new in a log file to `job.logs`; progress bars leave only their last state."""

    def __init__(self, job, path):
        self.job, self.path = job, path
        self._offset = path.stat().st_size if path.exists() else 0
        self._rest = b""
        self._kept = 0

    def flush(self):
        """Append what the file has gained; an unfinished line waits for its end."""
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._offset)
            data = self._rest + file.read()
            self._offset = file.tell()
        whole, _, self._rest = data.rpartition(b"\n")
        if whole:
            self._append("".join(clean_line(line) for line in whole.split(b"\n")))

    def note(self, text):
        """Append a line of the platform's own."""
        self._append(f"— {text}\n")

    def _append(self, text):
        if not text or self._kept > LIMIT:
            return
        self._kept += len(text)
        TrainingJob.objects.filter(pk=self.job.pk).update(logs=Concat(F("logs"), Value(text)))


def clean_line(raw: bytes) -> str:
    """A line as a terminal would show it in the end: no colours, of an overwritten line the last state."""
    text = ESCAPES.sub("", raw.decode(errors="replace")).rstrip("\r")
    text = BAR.sub("", text.rsplit("\r", 1)[-1]).replace("\x00", "").rstrip()
    return f"{text}\n" if text else ""
