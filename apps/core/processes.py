"""Engine processes: started with a JSON file, answering in JSON lines, ended with everything they started."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path

from django.conf import settings

from apps.core.work import WorkFailed

stopping = threading.Event()  # set when this worker is asked to stop


class EngineDied(Exception):
    """The process ended without saying how: `code` is its exit code, negative for a signal; `tail` its last output."""

    def __init__(self, code, tail):
        self.code, self.tail = code, tail
        super().__init__(f"ended with {'signal ' + str(-code) if code < 0 else 'code ' + str(code)}")


class Engine:
    """`python -m module job.json` as a process group of its own.

    Iterate over `events()`: dicts as the engine tells them, and None every `tick` seconds in between. Its stdin is a
    pipe that closes when this process dies, at which the engine ends itself; leaving the context ends the whole group.
    """

    def __init__(self, module, payload, folder, log_file):
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._job_file = folder / "job.json"
        self._job_file.write_text(json.dumps(payload))
        self._command = [sys.executable, "-m", module, str(self._job_file)]
        self._log_path = Path(log_file)
        self._events = queue.Queue()

    def __enter__(self):
        with self._log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=settings.BASE_DIR,
                env=self.environment(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def environment(self):
        """What the process may see."""
        return engine_environment()

    def __exit__(self, *exc):
        self.end(grace=0 if exc[0] is None else 2)
        self.process.stdin.close()

    def _read(self):
        with self.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(json.JSONDecodeError):  # stdout carries events only; noise is not ours
                    self._events.put(json.loads(line))
        self._events.put(EOFError)

    def events(self, tick=0.5):
        """Yield events until the process has ended; raises EngineDied where its exit code is not 0."""
        while True:
            try:
                event = self._events.get(timeout=tick)
            except queue.Empty:
                event = None
            if event is EOFError:
                break
            yield event
        code = self.process.wait()
        if code:
            raise EngineDied(code, tail_of(self._log_path))

    def end(self, grace=2):
        """End the whole process group: SIGTERM, `grace` seconds, SIGKILL."""
        if grace and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(grace)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def finished_of(engine, report, what, span=(0, 1)):
    """Run an Engine and return its `finished` event; `report` hears its progress within `span` of the job's own.

    `what` names the work in words, as “evaluation”. Raises WorkFailed, and what `report.check()` raises.
    """
    begin, end = span
    finished = None
    try:
        with engine:
            for event in engine.events():
                report.check()
                if event and event["event"] == "progress":
                    report(begin + (end - begin) * event["progress"], event["message"])
                elif event and event["event"] == "failed":
                    raise WorkFailed(event["message"])
                elif event and event["event"] == "finished":
                    finished = event
    except EngineDied as death:
        raise WorkFailed(f"The {what} process {death}. The machine may be short of memory.") from death
    if finished is None:
        raise WorkFailed(f"The {what} process ended without a result.")
    return finished


def engine_environment():
    """What an engine process may see: the machine's settings, none of the platform's secrets."""
    keep = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "PYTHONPATH")
    prefixes = ("CUDA_", "NVIDIA_", "OMP_", "OPENBLAS_", "MKL_")
    env = {k: v for k, v in os.environ.items() if k in keep or k.startswith(prefixes)}
    config = settings.WORK_DIR / "ultralytics"
    config.mkdir(parents=True, exist_ok=True)
    return env | {
        "YOLO_CONFIG_DIR": str(config),
        "MPLCONFIGDIR": str(config),
        "YOLO_OFFLINE": "true",
        "PYTHONUNBUFFERED": "1",
        "PYTHONFAULTHANDLER": "1",
    }


def tail_of(path, limit=4000):
    """The last `limit` bytes of a text file, as text."""
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(file.tell() - limit, 0))
        return file.read().decode(errors="replace")
    return ""
