"""The processes of one data folder: one supervisor at a time, and no new ones before the old ones are gone.

A supervisor that was killed leaves children that are ending. They still have the port, and Valkey removes its socket
last of all: under a new one's feet. So children hold a lock, inherited from their supervisor, until the last has ended.
"""

import fcntl
import os
import signal
import time
from contextlib import suppress

import psutil

ENDING_SECONDS = 15  # what children take to end by themselves
POLL_SECONDS = 0.1


class Occupied(Exception):
    """Processes of this folder are there and stay; the message says what to do."""


class Household:
    """The locks of a data folder; raises Occupied where another platform has them."""

    def __init__(self, data_dir, say=print, patience=ENDING_SECONDS, patience_after_kill=5):
        self._supervisor = (data_dir / "run" / "platform.lock").open("w")
        if not _locked(self._supervisor):
            raise Occupied(f"A platform runs on {data_dir} already. Choose another folder: DATA_DIR=... make run")
        self._children = (data_dir / "run" / "children.lock").open("a+")
        if not _locked(self._children):
            say("The platform that ran here before is still ending; waiting for it.")
            if not (
                _locked(self._children, patience)
                or (self._kill_known() and _locked(self._children, patience_after_kill))
            ):
                raise Occupied(f"Processes of an earlier platform on {data_dir} do not end. Look for them with ps.")
        self._children.truncate(0)

    def close(self):
        """Let go of both locks; children that live keep theirs."""
        self._supervisor.close()
        self._children.close()

    @property
    def inherited(self):
        """File descriptors that every child is to inherit."""
        return (self._children.fileno(),)

    def note(self, pid):
        """Remember a child, for a successor that has to kill it."""
        with suppress(psutil.Error):  # it has ended already
            self._children.write(f"{pid} {psutil.Process(pid).create_time()}\n")
            self._children.flush()

    def _kill_known(self):
        """Kill the groups of the children that the predecessor noted; True."""
        self._children.seek(0)
        for line in self._children:
            pid, born = line.split()
            with suppress(psutil.Error, ProcessLookupError):
                if psutil.Process(int(pid)).create_time() == float(born):
                    os.killpg(int(pid), signal.SIGKILL)
        return True


def _locked(file, patience=0.0):
    """Take the lock of a file within `patience` seconds; whether that was possible."""
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(POLL_SECONDS)
