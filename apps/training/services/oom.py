"""Whether the system killed a process for want of memory: its own counters, read before and after."""

import contextlib
import re
import time
from collections import deque
from pathlib import Path

SPACING = 10  # seconds between two looks that are kept
KEPT = 3  # of them: a process that dies takes a while to let go of its pipes, and its kill counts before that


def oom_kills(root=Path("/")):
    """How many processes the system killed for want of memory so far, in this cgroup and on the machine.

    A list of counters, None where there is none (as on a Mac).
    """
    return [_counter(path) for path in (root / "proc/vmstat", *_cgroup_files(root))]


class OomWatch:
    """`look()` now and then; `killed()` says whether such a kill came in the last half minute."""

    def __init__(self, read=oom_kills):
        self._read, self._looks, self._last = read, deque(maxlen=KEPT), None
        self.look()

    def look(self):
        """Remember the counters of now, if the last ones are old enough."""
        if self._last is None or time.monotonic() - self._last >= SPACING:
            self._last = time.monotonic()
            self._looks.append(self._read())

    def killed(self):
        """Whether a counter has grown since the oldest look that is kept; None where nothing counts."""
        pairs = [(a, b) for a, b in zip(self._looks[0], self._read(), strict=False) if a is not None and b is not None]
        return any(after > before for before, after in pairs) if pairs else None


def _cgroup_files(root):
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            number, controllers, path = line.split(":", 2)
            place = path.lstrip("/")
            if number == "0":  # version 2
                yield root / "sys/fs/cgroup" / place / "memory.events"
            elif "memory" in controllers.split(","):
                yield root / "sys/fs/cgroup/memory" / place / "memory.oom_control"


def _counter(path):
    with contextlib.suppress(OSError):
        if found := re.search(r"^oom_kill (\d+)$", path.read_text(), re.MULTILINE):
            return int(found[1])
    return None
