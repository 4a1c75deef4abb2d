"""The stream of events: one JSON object a line on what was stdout when the process started."""

import json
import math
import os
import threading
import time
from collections.abc import Mapping
from typing import Any

_LAST_EVENTS = {"finished", "failed"}
_LOCK_PATIENCE = 1.0  # seconds; a parent that no longer reads must not keep a stopping process alive


class EventStream:
    """Takes stdout for itself: what else the process and its libraries print goes to stderr from now on."""

    def __init__(self, mute: bool = False) -> None:
        self._fd = os.dup(1)
        os.dup2(2, 1)  # the descriptor, not sys.stdout: C++ libraries print too
        self._lock = threading.Lock()
        self._ended = mute

    def send(self, event: str, **fields: Any) -> None:
        """Write one event; after the last one (`finished` or `failed`) nothing is written any more.

        Numpy values and paths become plain ones, NaN and infinities become null. Raises OSError where nobody
        reads.
        """
        record = {"event": event, "time": round(time.time(), 3), **plain(fields)}
        line = json.dumps(record, allow_nan=False).encode("ascii") + b"\n"
        if self._lock.acquire(timeout=_LOCK_PATIENCE):
            try:
                if not self._ended:
                    self._write(line)
                self._ended |= event in _LAST_EVENTS
            finally:
                self._lock.release()

    def _write(self, line: bytes) -> None:
        while line:
            line = line[os.write(self._fd, line) :]


def plain(value: Any) -> Any:
    """Return the value as JSON knows it."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy arrays and scalars, tensors
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
