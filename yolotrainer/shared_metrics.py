"""One place in memory for what the processes of one gunicorn count, so that any of them can tell the sum."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import psutil

NAME = "yolotrainer-metrics"


def share_metrics_among_processes():
    """Make the folder, name it in the environment, and delete those of gunicorns that are gone.

    Must come before anything imports prometheus_client, which looks at the environment then.
    """
    if "gunicorn" not in sys.modules:
        return
    master, start = os.getppid(), f"{NAME}-{os.getuid()}-"
    place = Path("/dev/shm" if os.path.isdir("/dev/shm") else tempfile.gettempdir())  # noqa: S108
    for old in place.glob(f"{start}*"):
        pid, _, born = old.name.removeprefix(start).partition("-")
        if not _lives(int(pid), born):
            shutil.rmtree(old, ignore_errors=True)
    folder = place / f"{start}{master}-{_born(master)}"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)


def _born(pid):
    return str(round(psutil.Process(pid).create_time() * 100))


def _lives(pid, born):
    try:
        return _born(pid) == born
    except psutil.Error:
        return False
