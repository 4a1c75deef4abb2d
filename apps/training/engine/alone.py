"""One engine a run folder: whoever trains there holds a lock, which the kernel takes back whatever it dies of."""

import fcntl
import os
import sys
import time
from pathlib import Path
from typing import IO

from .reasons import STILL_RUNNING, JobError

LOCK = "engine.lock"
PATIENCE = 10.0  # seconds; an engine whose supervisor was killed is gone much sooner, but a machine may be slow


def hold(run_dir: Path, patience: float = PATIENCE) -> IO[str]:
    """Lock the folder until the returned file is closed or this process has died; the file tells its pid.

    Processes that this one forks hold the lock too. Raises JobError where another engine still has it after
    `patience` seconds: it is stopped, or cannot be killed. On a file system of several machines the lock counts as far
    as that file system's flock does; between machines it is the heartbeat that counts.
    """
    lock = (run_dir / LOCK).open("a+")
    deadline = time.monotonic() + patience
    while not _taken(lock):
        if time.monotonic() >= deadline:
            lock.close()
            raise JobError(*STILL_RUNNING)
        time.sleep(0.05)
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    print(f"Training process {os.getpid()}, {time.time():.3f}", file=sys.stderr, flush=True)
    return lock


def _taken(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
