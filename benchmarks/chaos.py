"""Kills while trainings run: a hundred SIGKILLs over engines, workers, broker and supervisor, and what became of it.

    python benchmarks/chaos.py --kills 10
    python benchmarks/chaos.py --kills 100 --seed 7 --keep /tmp/chaos

Starts a platform of its own, has several people queue small trainings, and kills processes of this platform at random
moments while a training runs; a killed supervisor is started again, as a person or a service manager does. A round of
kills takes the four kinds in random order, so that they come equally often. In the end it waits for every job and
judges from the database and from what it saw of the processes meanwhile. Exit code: 0 where everything holds.
"""

import argparse
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import closing, suppress
from itertools import pairwise
from pathlib import Path

import psutil
import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
KINDS = ("engine", "worker", "broker", "supervisor")
PEOPLE = ("ada", "ben", "cyd")
SETTINGS = {
    "TRAINERS": "2", "JOB_STALE_SECONDS": "10", "WEIGHTS_DOWNLOAD": "false", "SIGN_IN_RATE": "10000/min",
    "OMP_NUM_THREADS": "1", "HOST": "127.0.0.1",
}  # fmt: skip
TINY = {"model_type": "yolov8n", "weights": "scratch", "batch_size": 32, "img_size": 32, "patience": 0}
OPEN_TRAININGS = "SELECT count(*) n FROM training_trainingjob WHERE status IN ('pending', 'running')"
OPEN_JOBS = "SELECT count(*) n FROM core_job WHERE status IN ('pending', 'running')"
STARTED = re.compile(r"^Training process (\d+), ([\d.]+)$", re.MULTILINE)
READS_WEIGHTS = """
import sys, torch
from ultralytics.nn.tasks import load_checkpoint
for path in sys.argv[1:]:
    try:
        load_checkpoint(path)
    except Exception as error:
        print(path, error)
"""


class Platform:
    """A platform in `folder`, whose processes are found by the folder's name."""

    def __init__(self, folder):
        from yolotrainer.demo import free_port

        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process, self.refusals = None, []

    def start(self, seconds=240):
        """Start it, again and again where it refuses (noted), until it answers."""
        deadline = time.monotonic() + seconds
        while True:
            self._spawn()
            while self.process.poll() is None:
                with suppress(requests.RequestException):
                    if requests.get(f"{self.url}/healthz", timeout=5).ok:
                        return
                if time.monotonic() > deadline:
                    sys.exit("The platform does not answer; see platform.log.")
                time.sleep(0.3)
            self.refusals.append(self._log_path.read_text(errors="replace").strip().splitlines()[-1])
            if time.monotonic() > deadline:
                sys.exit(f"The platform does not start: {self.refusals[-1]}")
            time.sleep(1)

    def _spawn(self):
        env = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        env |= SETTINGS | {"DATA_DIR": str(self.folder), "PORT": str(self.port)}
        self._log_path = self.folder / "platform.log"
        with self._log_path.open("ab") as log:
            command = [sys.executable, "-m", "yolotrainer.supervisor"]
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def kill(self, kind):
        """SIGKILL a process of a kind that is there now; what was killed in words, or None."""
        found = self.find(kind)
        if not found:
            return None
        victim = random.choice(found)
        with suppress(psutil.Error):
            words = f"{kind} {victim.pid}"
            victim.kill()
            if kind == "supervisor":
                self.process.wait()
            return words
        return None

    def find(self, kind):
        """Its processes of a kind, out of the tree below its supervisor."""
        with suppress(psutil.Error):
            supervisor = psutil.Process(self.process.pid)
            if kind == "supervisor":
                return [supervisor]
            return [child for child in supervisor.children(recursive=True) if self._is(kind, child)]
        return []

    def _is(self, kind, process):
        with suppress(psutil.Error):
            command = " ".join(process.cmdline())
            if kind == "engine":
                return "apps.training.engine.train" in command and process.pid == os.getpgid(process.pid)
            if kind == "broker":
                return "valkey-server" in command  # it names itself anew
            return "celery" in command and any(f"-Q {queue}" in command for queue in ("training", "default", "upkeep"))
        return False

    def processes(self):
        """All that belong to it, whoever their parent is."""
        return [process for process in psutil.process_iter() if self._belongs(process)]

    def _belongs(self, process):
        with suppress(psutil.Error, OSError):
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            text = str(self.folder)
            if any(part.endswith("chaos.py") for part in process.cmdline()):  # this one, and what it was started by
                return False
            return any(text in part for part in process.cmdline()) or process.environ().get("DATA_DIR") == text
        return False

    def ask(self, question, *values):
        """Rows of its database, read only."""
        with closing(sqlite3.connect(f"file:{self.folder}/platform.sqlite3?mode=ro", uri=True, timeout=20)) as base:
            base.row_factory = sqlite3.Row
            return base.execute(question, values).fetchall()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


class Watch(threading.Thread):
    """Looks at jobs and engines several times a second, for what the database does not tell afterwards."""

    def __init__(self, platform):
        super().__init__(daemon=True)
        self.platform, self.ended = platform, threading.Event()
        self.seen = defaultdict(dict)  # job → {engine's pid: when it was last seen alive}
        self.done, self.starts, self.lost = defaultdict(int), {}, []

    def run(self):
        while not self.ended.wait(0.15):
            self._engines()
            with suppress(sqlite3.Error):
                self._epochs()

    def _engines(self):
        below = f"{self.platform.folder}/work/runs/"
        for entry in filter(str.isdecimal, os.listdir("/proc")):
            with suppress(OSError, ValueError, IndexError):
                now = time.time()
                command = Path(f"/proc/{entry}/cmdline").read_bytes().decode(errors="replace").split("\0")
                state = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[0]
                if "apps.training.engine.train" in command and state not in "ZX":
                    job = int(command[-2].removeprefix(below).split("/")[0])
                    self.seen[job][int(entry)] = now

    def _epochs(self):
        """An epoch that was told as done must not be done again: of a kill only the one under way is lost."""
        for row in self.platform.ask(
            "SELECT id, current_epoch, environment, fruitless_starts FROM training_trainingjob"
        ):
            starts = json.loads(row["environment"]).get("starts", [])
            if len(starts) > self.starts.get(row["id"], 0):
                for start in starts[self.starts.get(row["id"], 0) :]:
                    if start["epoch"] <= self.done[row["id"]]:
                        self.lost.append((row["id"], self.done[row["id"]], start["epoch"]))
                self.starts[row["id"]] = len(starts)
            self.done[row["id"]] = max(self.done[row["id"]], row["current_epoch"])


class People:
    """Several people who queue trainings on the sample dataset, in turns."""

    def __init__(self, platform, epochs):
        self.platform, self.epochs, self.asked = platform, epochs, 0
        for name in PEOPLE:
            who = {"username": name, "email": f"{name}@example.org", "password": f"{name}-has-a-password"}
            requests.post(f"{platform.url}/api/v1/auth/register", json=who, timeout=30).raise_for_status()

    def top_up(self, wanted):
        """Queue jobs until `wanted` are open. False where the platform does not answer just now."""
        with suppress(requests.RequestException):
            while self.open() < wanted:
                self._queue()
            return True
        return False

    def open(self):
        return self.platform.ask(OPEN_TRAININGS)[0]["n"]

    def _queue(self):
        name = PEOPLE[self.asked % len(PEOPLE)]
        base, who = f"{self.platform.url}/api/v1", {"username": name, "password": f"{name}-has-a-password"}
        access = requests.post(f"{base}/auth/login", json=who, timeout=30).json()["access"]
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {access}"
        dataset = session.get(f"{base}/datasets?search=Sample", timeout=30).json()["results"][0]
        wanted = TINY | {"dataset_id": dataset["id"], "epochs": self.epochs}
        answer = session.post(f"{base}/training", json=wanted, timeout=60)
        if answer.status_code != 201:
            sys.exit(f"A training was refused: {answer.text[:300]}")
        self.asked += 1


def main():
    options = read_options()
    random.seed(options.seed)
    folder = Path(options.keep or tempfile.mkdtemp(prefix="chaos-"))
    folder.mkdir(parents=True, exist_ok=True)
    platform = Platform(folder)
    print(f"seed {options.seed}, {options.kills} kills, data in {folder}", flush=True)
    platform.start()
    watch = Watch(platform)
    watch.start()
    began = time.monotonic()
    kills, idle = kill_around(platform, People(platform, options.epochs), options)
    still_open = wait_for_the_end(platform, options.patience)
    watch.ended.set()
    watch.join()
    findings, figures = judge(platform, watch, still_open)
    wait_for_the_sweep(platform)
    platform.stop()
    findings += leftovers(platform)
    show(kills, figures, findings, platform.refusals, time.monotonic() - began, idle)
    sys.exit(bool(findings))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--jobs", type=int, default=5, help="how many are open at a time")
    parser.add_argument(
        "--pause", type=float, default=8, help="seconds between two kills, at most; half of it at least"
    )
    parser.add_argument("--patience", type=float, default=420, help="seconds for what is open after the last kill")
    parser.add_argument("--minutes", type=float, default=28, help="no kill after this time")
    parser.add_argument("--keep", help="the platform's data folder; else one that stays in the temporary folder")
    return parser.parse_args()


def kill_around(platform, people, options):
    """Kill, each time while an engine runs; returns (counts by kind, seconds that no engine ran at all)."""
    kills, plan, idle = Counter(), [], 0.0
    deadline = time.monotonic() + options.minutes * 60
    while kills.total() < options.kills and time.monotonic() < deadline:
        people.top_up(options.jobs)
        waited = time.monotonic()
        while not platform.find("engine") and time.monotonic() < deadline:
            people.top_up(options.jobs)
            time.sleep(0.2)
        idle += time.monotonic() - waited
        time.sleep(random.uniform(options.pause / 2, options.pause))
        plan = plan or random.sample(KINDS, len(KINDS))
        killed = platform.kill(plan[-1])
        if killed is None:  # none is there just now: another kind first
            plan.insert(0, plan.pop())
            continue
        kills[plan.pop()] += 1
        print(f"{time.strftime('%H:%M:%S')} {kills.total():4} {killed}", flush=True)
        if killed.startswith("supervisor"):
            time.sleep(random.choice((0, 0, 3)))  # at once, or after a moment
            platform.start()
    return kills, idle


def wait_for_the_end(platform, patience):
    """Wait until no training and none of the jobs that follow is open; returns how many still are."""
    deadline = time.monotonic() + patience
    while True:
        still_open = sum(platform.ask(question)[0]["n"] for question in (OPEN_TRAININGS, OPEN_JOBS))
        if not still_open or time.monotonic() > deadline:
            return still_open
        time.sleep(1)


def judge(platform, watch, still_open):
    """(what does not hold, figures) of everything that was asked for."""
    jobs = platform.ask("SELECT * FROM training_trainingjob ORDER BY id")
    findings = [f"{still_open} jobs are still pending or running"] if still_open else []
    findings += [
        f"job {job}: epoch {done} was told as done, and the next start began at {start}"
        for job, done, start in watch.lost
    ]
    weights = []
    for job in jobs:
        findings += [f"job {job['id']}: {words}" for words in judge_job(platform, job, weights)]
        findings += overlaps(platform, watch, job["id"])
    ran = subprocess.run(
        [sys.executable, "-c", READS_WEIGHTS, *weights], capture_output=True, text=True,
        env=os.environ | {"YOLO_OFFLINE": "true", "YOLO_CONFIG_DIR": str(platform.folder / "work" / "ultralytics")},
    )  # fmt: skip
    findings += [f"weights cannot be read: {line}" for line in ran.stdout.splitlines()]
    if ran.returncode:
        findings.append(f"weights could not be looked at: {ran.stderr[-300:]}")
    failed = Counter(job["error_message"] for job in jobs if job["status"] == "failed")
    others = platform.ask("SELECT status, error_message, kind, count(*) n FROM core_job GROUP BY 1, 2, 3")
    figures = {
        "trainings": ", ".join(f"{n} {status}" for status, n in Counter(job["status"] for job in jobs).items()),
        "failed in words": "; ".join(f"{n} × {words}" for words, n in failed.items()) or "none",
        "other jobs": ", ".join(
            f"{r['n']} {r['kind']} {r['status']} {r['error_message'][:60]}".strip() for r in others
        ),
        "starts of engines": sum(map(len, watch.seen.values())),
        "most starts of a training": max(job["attempts"] for job in jobs),
        "weights read": len(weights),
        "epochs done again": len(watch.lost),
    }
    return findings, figures


def judge_job(platform, job, weights):
    """What does not hold of a training."""
    if job["status"] == "failed" and not job["error_message"].strip():
        yield "failed without words"
    if job["status"] not in ("failed", "completed"):
        yield f"is {job['status']}"
    if job["status"] != "completed":
        return
    epochs = [
        r["epoch"]
        for r in platform.ask("SELECT epoch FROM training_trainingepoch WHERE job_id=? ORDER BY 1", job["id"])
    ]
    if epochs != list(range(1, job["epochs"] + 1)):
        yield f"its epochs are {epochs}"
    models = platform.ask("SELECT id, file FROM models_trainedmodel WHERE training_id=?", job["id"])
    if len(models) != 1 or models[0]["id"] != job["model_id"]:
        yield f"it has {len(models)} models"
        return
    weights.append(str(platform.folder / "media" / models[0]["file"]))
    measured = platform.ask(
        "SELECT e.split, e.evaluated_at, j.status, j.error_message FROM models_evaluation e"
        " LEFT JOIN core_job j ON j.id = e.job_id WHERE e.model_id=?", models[0]["id"],
    )  # fmt: skip
    if {row["split"] for row in measured} != {"val", "test"}:
        yield f"it was measured on {[row['split'] for row in measured]}"
    for row in measured:
        if not row["evaluated_at"] and not (row["status"] == "failed" and row["error_message"]):
            yield f"its evaluation on {row['split']} is {row['status']}"
    if (platform.folder / "work" / "runs" / str(job["id"])).exists():
        yield "its run folder is still there"


def overlaps(platform, watch, job):
    """Engines of a job of which one was seen alive after the next one had taken the run folder."""
    text = "".join(
        row["text"]
        for row in platform.ask("SELECT text FROM training_traininglogpiece WHERE job_id=? ORDER BY number", job)
    )
    holders = [(int(pid), float(since)) for pid, since in STARTED.findall(text)]
    for (pid, _), (following, since) in pairwise(holders):
        if watch.seen[job].get(pid, 0) > since:
            yield f"job {job}: process {pid} was alive when {following} trained"


def wait_for_the_sweep(platform):
    """What killed workers left goes every 10 s; a minute is plenty."""
    deadline = time.monotonic() + 60
    while any((platform.folder / "work" / "scratch").glob("*")) and time.monotonic() < deadline:
        time.sleep(1)


def leftovers(platform):
    """What is still there after the platform was stopped."""
    deadline = time.monotonic() + 10
    while (left := platform.processes()) and time.monotonic() < deadline:
        time.sleep(0.2)
    found = [f"process {process.pid} is left: {' '.join(process.cmdline())[:120]}" for process in left]
    work = platform.folder / "work"
    return found + [
        f"left in the work folder: {path.name}" for pattern in ("tmp*", "scratch/*") for path in work.glob(pattern)
    ]


def show(kills, figures, findings, refusals, seconds, idle):
    print(f"\n{kills.total()} kills ({', '.join(f'{kills[kind]} {kind}' for kind in KINDS)}) in {seconds / 60:.1f} min")
    for name, value in (figures | {"seconds without an engine": round(idle)}).items():
        print(f"  {name:<28}{value}")
    for words, count in Counter(refusals).items():
        print(f"  refused to start {count} ×: {words}")
    print("\n".join(["", "What does not hold:", *findings] if findings else ["", "Everything holds."]))


if __name__ == "__main__":
    main()
