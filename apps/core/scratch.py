"""Folders for one piece of work, which do not outlive it: not by its end, and not by a kill."""

import contextlib
import fcntl
import os
import shutil
import time
import uuid
from pathlib import Path

from django.conf import settings

JUST_MADE_SECONDS = 10  # between making a folder and locking it


@contextlib.contextmanager
def scratch_folder():
    """A new folder below WORK_DIR as a Path, deleted at the end of the block.

    It is locked as long as this process lives, so that `sweep_scratch` knows those that nobody will delete any more.
    """
    folder = settings.WORK_DIR / "scratch" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep_scratch():
    """Delete the folders of this machine whose process was killed; returns how many."""
    count = 0
    for folder in (settings.WORK_DIR / "scratch").glob("*"):
        with contextlib.suppress(FileNotFoundError, BlockingIOError):  # its work has just ended, or is under way
            count += _delete_if_free(folder)
    return count


def _delete_if_free(folder: Path):
    lock = os.open(folder, os.O_RDONLY)
    try:
        if os.fstat(lock).st_ctime > time.time() - JUST_MADE_SECONDS:
            return False
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
        return True
    finally:
        os.close(lock)
