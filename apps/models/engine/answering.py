"""How the processes of this folder answer: JSON lines on stdout, `finished` or `failed` last, gone with their parent.

Python's own library alone: a process that may see no site packages uses it too.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import sys
import threading
import traceback


class CannotDo(Exception):
    """The work cannot be done; the text says why in words for the person who asked."""


def answer_job(argv: list[str], act, what: str) -> int:
    """Run `act(path of the job, tell)` and tell its fields as `finished`, or why it `failed`; the exit code.

    `what` names the work in words, as “evaluation”.
    """
    tell = take_stdout()
    die_with_parent()
    try:
        if len(argv) != 2:
            raise CannotDo("One argument is needed: the job's JSON file.")
        tell("finished", **act(argv[1], tell))
    except Exception as error:
        tell("failed", message=in_words(error, what), traceback=traceback.format_exc())
        return 1
    return 0


def in_words(error: Exception, what: str) -> str:
    """A sentence for the person who pressed the button."""
    if isinstance(error, CannotDo):
        return str(error)
    if isinstance(error, MemoryError):
        return f"The machine ran out of memory during the {what}."
    if isinstance(error, OSError) and error.strerror:
        return f"The {what} could not read or write a file: {error.strerror} ({error.filename})."
    return f"The {what} failed: {type(error).__name__}: {error}"


def take_stdout():
    """Keep stdout for events alone, also from what C libraries print. Returns `tell(event, **fields)`."""
    sys.stdout.flush()
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def tell(event: str, **fields) -> None:
        events.write(json.dumps({"event": event, **fields}) + "\n")
        events.flush()

    return tell


def die_with_parent() -> None:
    """End this process group when the pipe on stdin closes. A terminal or /dev/null is no sign of life."""
    mode = os.fstat(0).st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        return

    def watch() -> None:
        while os.read(0, 4096):
            pass
        with contextlib.suppress(PermissionError):  # behind the walls of `sandbox`, where there is no other process
            if os.getpgrp() == os.getpid():
                os.killpg(0, signal.SIGKILL)
        os._exit(1)  # not the leader: the group is somebody else's

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
