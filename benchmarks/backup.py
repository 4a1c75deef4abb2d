"""Backup and restore of 5,000 images and 100,000 boxes: `python benchmarks/backup.py [--database sqlite postgres]`.

Draws the images into a platform of its own, starts it as it runs in production, and opens its pages all the time: for
a while before, and while `manage.py backup` runs. The platform is stopped, the backup restored into another, empty one,
and that backed up too: where the fingerprints are the same, every row and every byte of every file is.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
BEFORE_SECONDS = 20
START_SECONDS = 600


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--images", type=int, default=5000)
    options.add_argument("--boxes", type=int, default=20, help="of each image")
    options.add_argument("--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite"])
    options.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.fill:
        fill(chosen.images, chosen.boxes)
        return
    rows = {}
    for name in chosen.database:
        with ExitStack() as stack:
            rows[name] = measure(name, chosen, Path(stack.enter_context(tempfile.TemporaryDirectory())), stack)
    show(rows)


def fill(images, boxes):
    """In the process of a platform: a dataset, and a browser that is signed in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.test import Client

    from apps.accounts.services import register_user
    from benchmarks.export_archive import fill as fill_dataset

    call_command("migrate", verbosity=0)
    user = register_user("bench", "bench@localhost.localdomain", "benchmark-1234")
    dataset = fill_dataset(user, images, boxes)
    browser = Client()
    browser.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    image = dataset.images.order_by("pk").first()
    told = {name: morsel.value for name, morsel in browser.cookies.items()}
    print(json.dumps({"cookies": told, "dataset": dataset.pk, "image": image.pk}))


def measure(name, chosen, folder, stack):
    """All figures of one database, as a dict of words."""
    from tests.real_parts import free_ports

    port, *others = free_ports(3)
    environments = [{"DATA_DIR": str(folder / which)} for which in ("first", "second")]
    if name == "postgres":
        from benchmarks.postgres import running_postgres

        for environment, its_port in zip(environments, others, strict=True):
            environment["DATABASE_URL"] = stack.enter_context(running_postgres(its_port))
    first, second = ({**os.environ, "COOKIE_SUFFIX": "_bench", "PORT": str(port), **one} for one in environments)
    sizes = ["--fill", f"--images={chosen.images}", f"--boxes={chosen.boxes}"]
    told = json.loads(run(first, sys.executable, __file__, *sizes).splitlines()[-1])
    places = str(folder / "backups"), str(folder / "again")
    with platform(first, port) as base:
        pages = Pages(base, told)
        before = pages.during(lambda: time.sleep(BEFORE_SECONDS))
        seconds, said, meanwhile = timed_with(pages, lambda: manage(first, "backup", places[0]))
        again_seconds, _, _ = timed_with(None, lambda: manage(first, "backup", places[0]))
    names = [line.split()[0] for line in manage(first, "backup", places[0], "--list").splitlines()]
    verify_seconds, _, _ = timed_with(None, lambda: manage(first, "backup", places[0], "--verify"))
    restore_seconds, _, _ = timed_with(None, lambda: manage(second, "restore", places[0], "--backup", names[0]))
    restored = manage(second, "backup", places[1])
    return {
        "in the backup": next(line for line in said.splitlines() if "is complete" in line).split(": ", 1)[1],
        "backup, platform in use": f"{seconds:.1f} s",
        "second backup": f"{again_seconds:.1f} s",
        "verify": f"{verify_seconds:.1f} s",
        "restore": f"{restore_seconds:.1f} s",
        "identical by hash": "yes" if fingerprint(said) == fingerprint(restored) else "NO",
        "pages before (p50, p95)": before,
        "pages during backup (p50, p95)": meanwhile,
    }


def run(environment, *command):
    ended = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{ended.stderr[-3000:]}")
    return ended.stdout


def manage(environment, *command):
    return run(environment, sys.executable, str(ROOT / "manage.py"), *command)


def timed_with(pages, work):
    """(seconds, what it returned, the pages' figures meanwhile) of `work()`."""
    began, kept = time.monotonic(), []
    figures = pages.during(lambda: kept.append(work())) if pages else kept.append(work())
    return time.monotonic() - began, kept[0], figures


def fingerprint(said):
    return next(line for line in said.splitlines() if line.startswith("Fingerprint:"))


@contextmanager
def platform(environment, port):
    """A platform that runs; yields its address and stops it."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 — closed with this process
    process = subprocess.Popen(
        [sys.executable, "-m", "yolotrainer.supervisor"], env=environment, cwd=ROOT, stdout=log, stderr=log
    )
    base, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_SECONDS
    try:
        while not answers(base):
            if process.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                sys.exit(f"The platform did not start:\n{log.read().decode()[-3000:]}")
            time.sleep(0.5)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def answers(base):
    try:
        return requests.get(f"{base}/healthz", timeout=5).ok
    except requests.RequestException:
        return False


class Pages:
    """A person who opens page after page."""

    def __init__(self, base, told):
        self.session = requests.Session()
        for name, value in told["cookies"].items():
            self.session.cookies.set(name, value)
        dataset = told["dataset"]
        paths = ["/datasets/", f"/datasets/{dataset}/", f"/api/v1/datasets/{dataset}/images?page=3"]
        paths.append(f"/api/v1/datasets/{dataset}/images/{told['image']}/annotations")
        self.addresses = [base + path for path in paths]

    def during(self, work):
        """Open pages while `work()` runs; "p50 ms, p95 ms, errors of how many"."""
        seconds, errors, thread = [], 0, threading.Thread(target=work)
        thread.start()
        while thread.is_alive():
            for address in self.addresses:
                began = time.monotonic()
                errors += not self.session.get(address, timeout=60).ok
                seconds.append(time.monotonic() - began)
                time.sleep(0.02)
        thread.join()
        high = statistics.quantiles(seconds, n=20)[-1]
        return f"{1000 * statistics.median(seconds):.0f} ms, {1000 * high:.0f} ms; {errors} of {len(seconds)} failed"


def show(rows):
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    for figure in next(iter(rows.values())):
        print(figure)
        for name, found in rows.items():
            print(f"    {name:<10}{found[figure]}")


if __name__ == "__main__":
    main()
