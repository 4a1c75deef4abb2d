"""Fifty people label and browse at once, on PostgreSQL and Valkey; then again while processes are killed.

    python benchmarks/people.py
    python benchmarks/people.py --only kills --seconds 240

calm   nobody disturbs them. Must hold: p95 300 ms, no error.
kills  every process of the platform, Valkey and PostgreSQL get a SIGKILL in turn while trainings and exports run
       beside; what has no supervisor is started again after a second. Must hold: every save that was accepted is there
       with its boxes, every job ends well, and nobody waits for long.

The people are a process of their own, see people_client.py. Exit code: 0 where what must hold of kills holds.
"""

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
CLASSES = ["bolt", "nut", "washer"]
IMAGES = 20  # of each person
KILLED = ("web worker", "postgres", "worker", "valkey", "engine", "web", "trainer", "upkeep", "beat")
TINY = {"model_type": "yolov8n", "weights": "scratch", "batch_size": 32, "img_size": 32, "patience": 0, "epochs": 4}
SETTINGS = {"WEIGHTS_DOWNLOAD": "false", "SIGN_IN_RATE": "10000/min", "JOB_STALE_SECONDS": "10", "OMP_NUM_THREADS": "1",
            "COOKIE_SUFFIX": "", "HOST": "127.0.0.1"}  # fmt: skip
LIMIT = 0.3


class Parts:
    """PostgreSQL, Valkey and a platform on them, in a folder."""

    def __init__(self, folder):
        from benchmarks.postgres import Postgres
        from yolotrainer.demo import free_port

        self.folder = folder
        (folder / "postgres").mkdir()
        (folder / "data").mkdir()
        folder.chmod(0o755)
        self.postgres = Postgres(free_port(), folder / "postgres", ("max_connections=200",))
        self.valkey_port, self.port = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"

    def start(self):
        self.postgres.start()
        self.start_valkey()
        with (self.folder / "platform.log").open("ab") as log:
            command = [sys.executable, "-m", "yolotrainer.supervisor"]
            self.platform = subprocess.Popen(command, cwd=ROOT, env=self.environment(), stdout=log, stderr=log)
        deadline = time.monotonic() + 400
        while time.monotonic() < deadline:
            with suppress(requests.RequestException):
                if requests.get(f"{self.base}/readyz", timeout=10).ok:
                    return
            time.sleep(0.5)
        sys.exit(f"The platform does not answer:\n{(self.folder / 'platform.log').read_text()[-2000:]}")

    def start_valkey(self):
        from yolotrainer.supervisor import valkey_command

        command = valkey_command(str(self.folder / "valkey.sock"), self.folder / "valkey", self.valkey_port)
        self.valkey = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def environment(self):
        return os.environ | SETTINGS | {
            "DATA_DIR": str(self.folder / "data"), "PORT": str(self.port), "DATABASE_URL": self.postgres.url,
            "REDIS_URL": f"redis://127.0.0.1:{self.valkey_port}", "SECRET_KEY": "of a benchmark",
            "DJANGO_SETTINGS_MODULE": "yolotrainer.settings",
        }  # fmt: skip

    def stop(self):
        with suppress(AttributeError):
            self.platform.send_signal(signal.SIGTERM)
            self.platform.wait(60)
        for process in (getattr(self, "valkey", None), self.postgres.process):
            if process and process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(60)

    def kill(self, kind):
        """SIGKILL one of a kind, and start again what nobody else would; what was killed, or None."""
        if kind == "postgres":
            self.postgres.kill()
            time.sleep(1)
            self.postgres.start()
            return kind
        if kind == "valkey":
            self.valkey.kill()
            self.valkey.wait()
            time.sleep(1)
            self.start_valkey()
            return kind
        with suppress(psutil.Error):
            for process in psutil.Process(self.platform.pid).children(recursive=True):
                if _is(kind, process):
                    process.kill()
                    return kind
        return None

    def ask(self, question):
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(question).fetchall()

    def fill(self, count):
        """People with what they need, made by the platform's own services; see `fill`."""
        command = [sys.executable, __file__, "--fill", str(count)]
        made = subprocess.run(command, env=self.environment(), cwd=ROOT, check=True, capture_output=True, text=True)
        return json.loads(made.stdout.splitlines()[-1])


def _is(kind, process):
    command = " ".join(process.cmdline())
    if "gunicorn" in command:
        parent = process.parent()
        is_worker = parent is not None and "gunicorn" in " ".join(parent.cmdline())
        return kind == ("web worker" if is_worker else "web")
    marks = {
        "worker": "-Q default", "upkeep": "-Q upkeep", "trainer": "-Q training", "beat": " beat ",
        "engine": "apps.training.engine.train",
    }  # fmt: skip
    return kind in marks and marks[kind] in command


class Killer(threading.Thread):
    """Kills one after the other, evenly over a time."""

    def __init__(self, parts, seconds):
        super().__init__(daemon=True)
        self.parts, self.seconds, self.began, self.killed = parts, seconds, time.monotonic(), []

    def run(self):
        pause = self.seconds / (len(KILLED) + 1)
        for number, kind in enumerate(KILLED, 1):
            time.sleep(max(self.began + number * pause - time.monotonic(), 0))
            at = time.time()
            deadline = time.monotonic() + pause / 2
            while not (done := self.parts.kill(kind)) and time.monotonic() < deadline:
                time.sleep(0.2)  # no training runs at this moment
            self.killed.append((at, done or f"no {kind} was there"))


class Jobs(threading.Thread):
    """Somebody who has a training and an export under way all the time."""

    def __init__(self, parts, about, seconds):
        super().__init__(daemon=True)
        self.parts, self.about, self.until = parts, about, time.monotonic() + seconds
        self.headers = {"Cookie": f"{about['cookies'][0]}={about['session']}; {about['cookies'][1]}={about['csrf']}",
                        "X-CSRFToken": about["csrf"], "Referer": parts.base}  # fmt: skip

    def run(self):
        while time.monotonic() < self.until:
            with suppress(psycopg.Error, requests.RequestException):
                if not self._open("training_trainingjob"):
                    self._post("training", TINY | {"dataset_id": self.about["sample"]})
                if not self._open("core_job"):
                    self._post(f"datasets/{self.about['sample']}/export", {"format": "coco"})
            time.sleep(2)

    def _open(self, table):
        return self.parts.ask(f"SELECT count(*) FROM {table} WHERE status IN ('pending', 'running')")[0][0]  # noqa: S608

    def _post(self, path, body):
        requests.post(f"{self.parts.base}/api/v1/{path}", json=body, headers=self.headers, timeout=30)


def main():
    options = read_options()
    if options.fill:
        return fill(options.fill)
    with tempfile.TemporaryDirectory(prefix="people-") as folder:
        parts = Parts(Path(folder))
        try:
            parts.start()
            people = parts.fill(options.people)
            runs = {kind: run(parts, people, kind, options) for kind in options.only}
        finally:
            parts.stop()
            if options.log:
                Path(options.log).write_bytes((Path(folder) / "platform.log").read_bytes())
    show(runs, options)
    sys.exit(any(found["lost"] or found["unwell"] for found in runs.values()))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=("calm", "kills"), default=("calm", "kills"))
    parser.add_argument("--people", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120, help="of each run")
    parser.add_argument("--log", help="where the platform's log is copied to")
    parser.add_argument("--fill", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(parts, people, kind, options):
    """What the people saw, and what became of the jobs."""
    plan, result = parts.folder / "plan.json", parts.folder / "result.json"
    plan.write_text(json.dumps({"base": parts.base, "seconds": options.seconds, "people": people}))
    load = os.getloadavg()[0]
    aside = []
    if kind == "kills":
        aside = [Jobs(parts, people[0], options.seconds), Killer(parts, options.seconds)]
    for thread in aside:
        thread.start()
    command = [sys.executable, ROOT / "benchmarks" / "people_client.py", plan, result]
    subprocess.run(command, check=True)
    for thread in aside:
        thread.join()
    found = json.loads(result.read_text()) | {"load": load, "kills": aside[1].killed if aside else []}
    return found | wait_for_jobs(parts)


def wait_for_jobs(parts, seconds=240):
    """{"jobs": counts by how they ended, "unwell": those that did not end well}."""
    deadline = time.monotonic() + seconds
    question = (
        "SELECT kind, status FROM core_job UNION ALL SELECT 'training', status FROM training_trainingjob "
        "WHERE name NOT LIKE 'Cells,%'"
    )
    while True:
        counts = Counter(parts.ask(question))
        unwell = [f"{kind} {status}" for kind, status in counts if status != "completed"]
        if not unwell or time.monotonic() > deadline:
            return {"jobs": {f"{k} {s}": n for (k, s), n in counts.items()}, "unwell": unwell}
        time.sleep(1)


def at_percent(times, percent):
    return statistics.quantiles(times, n=100, method="inclusive")[percent - 1]


def show(runs, options):
    """The runs side by side."""
    print(f"{options.people} people, {options.seconds:.0f} s each, {os.cpu_count()} cores; load before: "
          + ", ".join(f"{kind} {found['load']:.1f}" for kind, found in runs.items()))  # fmt: skip
    print(f"\n{'':<44}" + "".join(f"{kind:>12}" for kind in runs))

    def row(what, value):
        print(f"{what:<44}" + "".join(f"{value(found):>12}" for found in runs.values()))

    def ms(found, percent, kind=None):
        times = [taken for _, of, taken in found["times"] if kind in (None, of)]
        return f"{1000 * at_percent(times, percent):.0f} ms" if len(times) > 1 else "-"

    row("requests answered", lambda found: len(found["times"]))
    row("requests a second", lambda found: f"{len(found['times']) / options.seconds:.1f}")
    for percent in (50, 95, 99):
        row(f"{percent} % of answers within" + (f" (at most {1000 * LIMIT:.0f} ms)" if percent == 95 else ""),
            lambda found, percent=percent: ms(found, percent))  # fmt: skip
    for kind in sorted({of for found in runs.values() for _, of, _ in found["times"]} - {"read back"}):
        row(f"  p95 {kind}", lambda found, kind=kind: ms(found, 95, kind))
    row("tries that failed, and were made again", lambda found: len(found["failures"]))
    row("longest pause of anybody", lambda found: f"{max((p[2] for p in found['pauses']), default=0):.1f} s")
    row("gave up, conflicts, wrong boxes", lambda found: len(found["surprises"]))
    row("images whose last save was accepted", lambda found: found["saved"])
    row("of them lost or different", lambda found: len(found["lost"]))
    row("jobs", lambda found: sum(found["jobs"].values()))
    row("jobs that did not end well", lambda found: len(found["unwell"]))
    for kind, found in runs.items():
        for at, what in found["kills"]:
            ends = [start + long - at for start, _, long in found["pauses"] if at - 1 <= start < at + 12]
            first, back = found["kills"][0][0], max(ends, default=0)
            print(f"  {kind}: {what} killed at {at - first:.0f} s; all answered again {back:.1f} s later")
        for surprise, count in Counter(found["surprises"]).most_common(5):
            print(f"  {kind}: {count}× {surprise}")
        print(f"  {kind}: jobs {found['jobs']}")
        print(f"  {kind}: failures {Counter(str(why) for _, _, why in found['failures']).most_common(6)}")


def fill(count):
    """Make people, a dataset of images for each and a finished training with its curves; prints them as JSON."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.files.uploadedfile import SimpleUploadedFile
    from django.test import Client

    from apps.accounts.models import User
    from apps.datasets import services as datasets
    from apps.datasets.models import Dataset
    from benchmarks.filled_job import fill_job
    from benchmarks.workspace import picture

    pictures = [picture(640, 480, seed) for seed in range(IMAGES)]
    sample, people = Dataset.objects.get(is_sample=True), []
    for number in range(count):
        user = User.objects.create(username=f"person{number}", email=f"person{number}@example.org")
        dataset = datasets.create_dataset(user, f"Parts {number}", class_names=CLASSES)
        files = [SimpleUploadedFile(f"{n}.jpg", data) for n, data in enumerate(pictures)]
        images = [image.pk for image in datasets.add_images(dataset, files)["created"]]
        job = fill_job(user, dataset, 60, 60, log_bytes=20_000, status="completed")
        browser = Client()
        browser.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
        people.append({
            "session": browser.cookies[settings.SESSION_COOKIE_NAME].value, "dataset": dataset.pk, "images": images,
            "csrf": "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=32)), "job": job.pk, "sample": sample.pk,
            "cookies": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME],
        })  # fmt: skip
    print(json.dumps(people))


if __name__ == "__main__":
    main()
