"""What takes seconds to make is made once for all processes of a run of the tests."""

import fcntl
import os
import shutil
from pathlib import Path


def made_once(name, make):
    """The folder `name` that `make(folder)` has filled, in this process or in another; who comes second waits.

    It is read only: others read it, too.
    """
    shared = Path(os.environ["TEST_SHARED_DIR"])
    folder, done = shared / name, shared / f"{name}.done"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)  # of one that failed half-way
            folder.mkdir()
            make(folder)
            done.touch()
    return folder
