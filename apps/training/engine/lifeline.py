"""How an engine process lives and dies: a group of its own, gone with its parent, gone quickly when asked."""

import os
import signal
import stat
import threading
from collections.abc import Callable

_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def lead_own_group() -> None:
    """Make this process the leader of a process group, so that the group's id is its pid."""
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def die_with_parent(fd: int = 0) -> None:
    """End the whole group as soon as the other end of the pipe `fd` (stdin) is closed.

    The parent keeps its end open and writes nothing; the kernel closes it whatever the parent dies of. A
    terminal, a file or /dev/null is nobody's lifeline and is not watched, so that an engine can be run by
    hand.
    """
    mode = os.fstat(fd).st_mode
    if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
        threading.Thread(target=_wait_for_end, args=(fd,), name="parent-watch", daemon=True).start()


def _wait_for_end(fd: int) -> None:
    while os.read(fd, 4096):
        continue
    end_group()


def end_group() -> None:
    """Kill this process and every child of its group, now."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def stop_on_signal(say_so: Callable[[], None]) -> None:
    """On SIGTERM or SIGINT call `say_so` in a thread, end the children and exit with 128 + the signal.

    A Python signal handler would wait for the main thread to come back from the current batch, which takes
    seconds on large images; the wakeup pipe is written by the C handler at once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    for number in _STOP_SIGNALS:
        signal.signal(number, lambda *_: None)  # its only task is to make the wakeup pipe be written
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_wait_for_stop, args=(reader, say_so), name="signal-watch", daemon=True).start()


def _wait_for_stop(reader: int, say_so: Callable[[], None]) -> None:
    number = os.read(reader, 1)[0]
    while number not in _STOP_SIGNALS:
        number = os.read(reader, 1)[0]
    try:
        say_so()
    finally:
        os.killpg(os.getpgrp(), signal.SIGTERM)  # the children; this process only writes to the pipe again
        os._exit(128 + number)
