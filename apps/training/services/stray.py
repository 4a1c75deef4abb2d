"""An engine that outlived the worker that started it: ended before the next one begins."""

import logging
import os
import signal
from contextlib import suppress

import psutil

from apps.training.engine.alone import LOCK

log = logging.getLogger(__name__)


def end_stray_engine(folder):
    """Kill the engine that holds the lock of a run folder, if it is one of this machine; True where it was.

    Whoever calls this has the job's row, so the engine's supervisor has lost it: it is stopped, or has not noticed yet.
    """
    with suppress(FileNotFoundError, ValueError, psutil.Error):
        pid = int((folder / "run" / LOCK).read_text())
        if str(folder / "job.json") in psutil.Process(pid).cmdline():  # else the number is another process's by now
            log.warning("killing the training process %s, which its supervisor has left behind", pid)
            with suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            return True
    return False
