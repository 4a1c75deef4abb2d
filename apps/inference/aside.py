"""Work that a web process does beside its requests: a short line in front of one thread."""

import logging
import queue
import threading

from django.db import close_old_connections

log = logging.getLogger(__name__)


class Aside:
    """A line of at most `most_waiting` things; the thread hands `work` all that wait, as a list.

    It lets them gather for `pause` seconds: a thread that wakes for each holds the interpreter just when the next
    answer needs it. What `work` raises goes into the log: the next list comes all the same.
    """

    def __init__(self, name, most_waiting, work, pause=0.0):
        self.name, self.most_waiting, self.work, self.pause = name, most_waiting, work, pause
        self._line, self._hurry = queue.Queue(most_waiting), threading.Event()
        self._thread, self._lock = None, threading.Lock()

    def put(self, one):
        """Whether there was room for it; `start` must have been called, or be called then."""
        try:
            self._line.put_nowait(one)
        except queue.Full:
            return False
        return True

    def start(self):
        """Start the thread, unless it runs: a forked process has none."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._thread.start()

    def settle(self):
        """Return when all that was put so far has been worked on; at once where no thread does that."""
        if self._thread is None or not self._thread.is_alive():
            return
        self._hurry.set()
        self._line.join()
        self._hurry.clear()

    def _run(self):
        while True:
            some = [self._line.get()]
            self._hurry.wait(self.pause)
            while len(some) < self.most_waiting and not self._line.empty():
                some.append(self._line.get_nowait())
            close_old_connections()
            try:
                self.work(some)
            except Exception:
                log.exception("%s: %d were lost", self.name, len(some))
            for _ in some:
                self._line.task_done()
