"""The process that draws previews, kept warm between requests; one for each worker process."""

import contextlib
import json
import queue
import subprocess
import sys
import threading
import time
import uuid

from django.conf import settings

from apps.core.processes import engine_environment

MODULE = "apps.training.engine.preview"
START_SECONDS, DRAW_SECONDS = 120, 60  # at most; a machine that trains on every core is slow to start anything


class NoPreview(Exception):
    """It could not be drawn; the message says why."""


class WarmProcess:
    """Starts the process when it is needed, and anew where it ended; draws one request at a time."""

    def __init__(self):
        self._lock, self._process, self._answers = threading.Lock(), None, queue.Queue()

    def draw(self, request, check=lambda: None):
        """The process's answer to a request. `check()` is called while it waits, and may raise.

        Raises NoPreview.
        """
        while not self._lock.acquire(timeout=0.2):
            check()
        try:
            if self._process is None or self._process.poll() is not None:
                self._start(check)
            ident = uuid.uuid4().hex
            self._send({**request, "id": ident})
            return self._wait(lambda answer: answer.get("id") == ident, DRAW_SECONDS, check)
        finally:
            self._lock.release()

    def _start(self, check):
        self._answers = queue.Queue()
        with (settings.WORK_DIR / "preview.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE], cwd=settings.BASE_DIR, env=engine_environment(),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
            )  # fmt: skip
        threading.Thread(target=_read, args=(self._process.stdout, self._answers), daemon=True).start()
        self._wait(lambda answer: answer.get("event") == "ready", START_SECONDS, check)

    def _send(self, request):
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise NoPreview("The process that draws ended. Try again.") from None

    def _wait(self, wanted, seconds, check):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with contextlib.suppress(queue.Empty):
                answer = self._answers.get(timeout=0.1)
                if answer is EOFError:
                    raise NoPreview("The process that draws ended: the machine may be short of memory.")
                if wanted(answer):
                    return answer
            check()
        self.end()
        raise NoPreview("Drawing took too long; the machine is busy. Try again.")

    def end(self):
        """End the process; the next request starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process = None


def _read(lines, answers):
    with lines:
        for line in lines:
            with contextlib.suppress(json.JSONDecodeError):  # noise is not ours
                answers.put(json.loads(line))
    answers.put(EOFError)


warm = WarmProcess()
