"""The page of a training job of 300 epochs with 2 MB of log: bytes, times and queries, beside their targets.

    python benchmarks/job_page.py
    python benchmarks/job_page.py --epochs 3000 --log-mb 20

Starts a platform of its own (the real web process, workers, Valkey) and fills in a job without training. The page is
its HTML and the data that its scripts fetch when it opens and from then on; times are of real HTTP requests over a kept
connection, signed in by session: p50 and p95 of 100 after 3 that warm up. Bytes are those of the bodies as they come
over the wire, and in brackets unpacked. Queries are counted in a process of their own with Django's test client, for
this job and for one of three epochs: where the two differ, they grow. What is the same on every page, and kept by the
browser, is listed apart: scripts, style sheet, and plotly, which alone has many times the page's target.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
TARGET_MS, TARGET_KB = 100, 200
WARM = 3


def main():
    options = read_options()
    if options.inside:
        return inside(options)
    from yolotrainer.demo import running_platform

    with tempfile.TemporaryDirectory(prefix="bench-job-page-") as scratch:
        folder = Path(scratch)
        os.environ.update({"DATA_DIR": str(folder), "DATABASE_URL": "", "COOKIE_SUFFIX": ""})
        with running_platform(folder) as (_, base):
            facts = step(options)
            session = requests.Session()
            session.cookies.set(facts["cookie"], facts["session"])
            first = session.get(f"{base}/api/v1/training/{facts['job']}/live", timeout=60).json()
            found = {
                name: measured(session, base + path.format(since=first["since"]), options.requests)
                for name, path in facts["paths"].items()
            }
            show(found, facts, assets(session, base, facts))
    return None


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("--log-mb", type=float, default=2)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def step(options):
    """Run the part of this script that needs Django in a process of its own; what it prints last is its answer."""
    rest = ["--epochs", str(options.epochs), "--log-mb", str(options.log_mb)]
    command = [sys.executable, __file__, "--inside", *rest]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(ran.stdout.strip().splitlines()[-1])


def measured(session, address, times):
    """(bytes on the wire, bytes unpacked, p50 in ms, p95 in ms)"""
    took = []
    for _ in range(WARM + times):
        began = time.perf_counter()
        answer = session.get(address, timeout=60, stream=True, allow_redirects=False)
        wire = answer.raw.read(decode_content=False)
        took.append((time.perf_counter() - began) * 1000)
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}")
    plain = len(session.get(address, timeout=60).content)
    cuts = statistics.quantiles(took[WARM:], n=100, method="inclusive")
    return len(wire), plain, cuts[49], cuts[94]


def assets(session, base, facts):
    """`{path: bytes on the wire}` of the static files that the page loads, scripts imported by scripts included."""
    page = session.get(base + facts["paths"]["the page"], timeout=60).text
    waiting, sizes = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)), {}
    while waiting:
        path = waiting.pop()
        answer = session.get(base + path, timeout=60, stream=True)
        wire = answer.raw.read(decode_content=False)
        sizes[path] = len(wire)
        if path.endswith(".js") and "plotly" not in path:
            text = session.get(base + path, timeout=60).text
            imported = re.findall(r'from\s*"(\.[^"]+)"', text)
            found = {os.path.normpath(os.path.join(os.path.dirname(path), name)) for name in imported}
            waiting |= found - set(sizes)
    return sizes


def inside(options):
    from big_dataset import set_up

    set_up()
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore
    from filled_job import fill_job

    from apps.accounts.services import register_user
    from apps.datasets.services import create_dataset

    user = register_user("ada", "ada@example.org", "ada-password-1")
    dataset = create_dataset(user, "Cells", class_names=["red", "white"])
    ended = {"status": "completed", "ended_by": "epochs"}
    small = fill_job(user, dataset, 3, 3, **ended)
    job = fill_job(user, dataset, options.epochs, options.epochs, log_bytes=int(options.log_mb * 1e6), **ended)
    session = SessionStore()
    session.update({
        "_auth_user_id": str(user.pk), "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[0],
        "_auth_user_hash": user.get_session_auth_hash(),
    })  # fmt: skip
    session.save()
    paths = paths_of(job)
    facts = {
        "job": job.pk, "paths": paths, "session": session.session_key, "cookie": settings.SESSION_COOKIE_NAME,
        "log": sum(map(len, job.log_pieces.values_list("text", flat=True))), "epochs": job.epochs,
        "queries": {name: [queries(user, p[name]) for p in (paths_of(small), paths)] for name in paths},
    }  # fmt: skip
    print(json.dumps(facts))


def paths_of(job):
    """What a browser asks the platform for when it opens the page, and again and again from then on."""
    api = f"/api/v1/training/{job.pk}"
    return {
        "the page": f"/training/{job.pk}/", "its data, at first": f"{api}/live?since=",
        "then each 2 s": f"{api}/live?since={{since}}",
    }  # fmt: skip


def queries(user, path):
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    browser = Client(HTTP_HOST="localhost")
    browser.force_login(user, backend="apps.accounts.backends.UsernameOrEmailBackend")
    newest = browser.get(path.partition("?")[0] + "?since=") if "{since}" in path else None
    with CaptureQueriesContext(connection) as captured:
        browser.get(path.format(since=newest.json()["since"] if newest else ""))
    return len(captured)


def show(found, facts, static):
    print(f"\nA job of {facts['epochs']:,} epochs with {facts['log']:,} characters of log")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print(f"{'':<22}{'KB':>8}{'unpacked':>10}{'p50 ms':>9}{'p95 ms':>9}{'queries':>9}   queries of a job of 3 epochs")
    for name, (wire, plain, p50, p95) in found.items():
        few, many = facts["queries"][name]
        grows = "  they grow" if many > few else ""
        print(f"{name:<22}{wire / 1e3:8.1f}{plain / 1e3:10.1f}{p50:9.1f}{p95:9.1f}{many:9d}   {few}{grows}")
    opened = [row for name, row in found.items() if name != "then each 2 s"]
    wire, plain = (sum(row[n] for row in opened) / 1e3 for n in (0, 1))
    worst = max(row[3] for row in found.values())
    print(f"\nTo open it: {len(opened)} requests, {wire:.1f} KB ({plain:.1f} unpacked); at most {TARGET_KB} KB")
    print(f"Slowest p95: {worst:.1f} ms; at most {TARGET_MS} ms")
    plotly = sum(size for path, size in static.items() if "plotly" in path)
    rest = sum(static.values()) - plotly
    print(f"Apart, kept by the browser: plotly {plotly / 1e3:.0f} KB, {len(static) - 1} others {rest / 1e3:.0f} KB")


if __name__ == "__main__":
    main()
