"""Pages of a dataset of 100,000 images and 1,000,000 boxes, on SQLite and on PostgreSQL, beside their target.

    python benchmarks/pages.py
    python benchmarks/pages.py --images 2000 --boxes 20000 --only sqlite

Starts a platform of its own (the whole one: web process, workers, Valkey) on a database of its own for each kind of
database; PostgreSQL where its programs are installed. Times are of real HTTP requests to the gunicorn web process over
a kept loopback connection, sign-in by session included: p50 and p95 of 50 requests after 3 that warm up, and what the
web process and the database used of the processors for one, which other work on the machine changes little. Queries are
counted in a process of their own with Django's test client on the same database. Beside that: how long it takes to
count the statistics and to validate at this size, and how much memory the count needs.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import requests
from addresses import PAGES

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
TARGET = 100  # milliseconds, p95
WARM = 3


def main():
    options = read_options()
    if options.inside:
        return inside(options)
    found = {}
    for kind in options.only:
        with tempfile.TemporaryDirectory(prefix=f"bench-{kind}-") as scratch:
            folder = options.keep / kind if options.keep else Path(scratch)
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o711)  # the person who runs PostgreSQL has to get to its own folder in there
            with database(kind, folder) as url:
                if url is None:
                    print("PostgreSQL's programs are not here: only SQLite is measured.\n")
                    continue
                found[kind] = measure(kind, url, folder, options)
    show(found, options)
    return None


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--boxes", type=int, default=1_000_000)
    parser.add_argument("--datasets", type=int, default=30, help="in the list")
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--only", nargs="+", choices=("sqlite", "postgresql"), default=("sqlite", "postgresql"))
    parser.add_argument("--keep", type=Path, help="a folder for the filled databases: used again the next time")
    parser.add_argument("--match", default="", help="only pages whose name has this in it")
    parser.add_argument("--explain", action="store_true", help="print each page's slowest queries with their plans")
    parser.add_argument("--inside", choices=("fill", "count", "queries"), help=argparse.SUPPRESS)
    parser.add_argument("--base", help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def database(kind, folder):
    """Yields a DATABASE_URL, "" for SQLite, or None where the database is not to be had."""
    from postgres import binaries, running_postgres

    from yolotrainer.demo import free_port

    if kind == "postgresql" and binaries() is None:
        yield None
        return
    with running_postgres(free_port(), folder / "server") if kind == "postgresql" else nullcontext("") as url:
        yield url


def measure(kind, url, folder, options):
    """`{"pages": {name: (p50, p95, queries)}, "facts": {...}}` of one kind of database."""
    from yolotrainer.demo import running_platform

    os.environ["DATABASE_URL"], os.environ["COOKIE_SUFFIX"] = url, ""
    os.environ["DATA_DIR"] = str(folder)
    with running_platform(folder) as (_, base):
        facts = filled(kind, folder, options)
        facts |= step("count", options)
        say(f"{kind}: counted in {facts['count_seconds']:.1f} s")
        asked = ask_all(base, facts, options)
        queries = step("queries", options)
    return {"facts": facts, "pages": {name: (*asked[name], queries[name]) for name in asked}}


def filled(kind, folder, options):
    """What is known of the filled database: filled now, or at an earlier run where it was kept."""
    known = folder / "facts.json"
    if not known.exists():
        say(f"{kind}: filling …")
        facts = step("fill", options)
        say(f"{kind}: {facts['images']:,} images and {facts['boxes']:,} boxes in {facts['seconds']:.0f} s")
        known.write_text(json.dumps(facts))
    return json.loads(known.read_text())


def step(what, options):
    """Run a part of this script in a process of its own; what it prints last is its answer."""
    rest = [
        "--images",
        options.images,
        "--boxes",
        options.boxes,
        "--datasets",
        options.datasets,
        "--match",
        options.match,
    ]
    command = [sys.executable, __file__, "--inside", what, *map(str, rest), *["--explain"][: options.explain]]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    *said, answer = ran.stdout.strip().splitlines()
    if said:
        print("\n".join(said), flush=True)
    return json.loads(answer)


def pages(options):
    return [(name, path) for name, path in PAGES if options.match in name]


def ask_all(base, facts, options):
    session = requests.Session()
    session.cookies.set(facts["cookie"], facts["session"])
    return {name: ask(session, base + address(path, facts), options.requests) for name, path in pages(options)}


def address(path, facts):
    return path.format(d=facts["dataset"], image=facts["ids"][30], ids=",".join(map(str, facts["ids"])))


def ask(session, address, times):
    """(p50, p95, processor) in milliseconds of asking for an address again and again; None where there is no page."""
    took = []
    for number in range(WARM + times):
        if number == WARM:
            before = processor_seconds()
        began = time.perf_counter()
        answer = session.get(address, timeout=120, allow_redirects=False)
        took.append((time.perf_counter() - began) * 1000)
        if answer.status_code == 404:
            return None, None, None
        if answer.status_code != 200:
            raise SystemExit(f"{address} answered {answer.status_code}: {answer.text[:200]}")
    cuts = statistics.quantiles(took[WARM:], n=100, method="inclusive")
    return cuts[49], cuts[94], (processor_seconds() - before) * 1000 / times


def processor_seconds():
    """What the web process and the database server of this benchmark have used of the processors."""
    parents, used = {}, {}
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            parents[int(entry.name)] = int(fields[1])
            if b"gunicorn" in (line := (entry / "cmdline").read_bytes()) or b"postgres" in line:
                used[int(entry.name)] = sum(map(int, fields[11:15]))  # its own, and that of its children that ended
    return sum(ticks for pid, ticks in used.items() if _is_mine(pid, parents)) / os.sysconf("SC_CLK_TCK")


def _is_mine(pid, parents):
    while pid and pid != os.getpid():
        pid = parents.get(pid)
    return bool(pid)


def inside(options):
    """A part that needs Django: fills the database, counts, or counts queries."""
    from big_dataset import set_up

    set_up()
    print(json.dumps({"fill": fill, "count": count, "queries": count_queries}[options.inside](options)))


def fill(options):
    import big_dataset
    from django.conf import settings
    from django.contrib.sessions.backends.db import SessionStore

    from apps.accounts.services import register_user

    began = time.perf_counter()
    people = [register_user(name, f"{name}@example.org", f"{name}-password-1") for name in ("ada", "ben", "cleo")]
    dataset = big_dataset.fill(people[0], "The big one", options.images, options.boxes, people[1:])
    big_dataset.fill(people[0], "A smaller one", options.images // 20, options.boxes // 20, seed=2)
    big_dataset.shells(people[0], dataset, options.datasets - 2)
    session = SessionStore()
    session.update({
        "_auth_user_id": str(people[0].pk), "_auth_user_backend": settings.AUTHENTICATION_BACKENDS[0],
        "_auth_user_hash": people[0].get_session_auth_hash(),
    })  # fmt: skip
    session.save()
    return {
        "dataset": dataset.pk, "images": dataset.num_images, "boxes": dataset.num_boxes,
        "seconds": time.perf_counter() - began, "session": session.session_key,
        "cookie": settings.SESSION_COOKIE_NAME,
    }  # fmt: skip


def count(options):
    from apps.annotations.services.statistics.kept import recount
    from apps.annotations.services.validation import Validation
    from apps.datasets.models import Dataset

    before, seen = own_memory(), []
    report = recount(Dataset.objects.get(name="The big one"), lambda progress, message: seen.append(own_memory()))
    ids = list(report.dataset.images.order_by("pk").values_list("pk", flat=True)[50_000:50_060])
    ids = ids or list(report.dataset.images.order_by("pk").values_list("pk", flat=True)[:60])
    began = time.perf_counter()
    found = Validation(report.dataset, lambda *_: None).run()
    if found.count < report.dataset.num_images:
        raise SystemExit("The files of this dataset are not there, and the validation did not say so.")
    return {
        "count_seconds": report.seconds, "count_mb": (max(seen) - before) / 1024,
        "kept_kb": len(json.dumps(report.data)) / 1024, "validation_seconds": time.perf_counter() - began, "ids": ids,
    }  # fmt: skip


def own_memory():
    """kB of this process's own; SQLite's map of its file, which the system takes back at will, is not in it."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1])


def count_queries(options):
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from apps.accounts.models import User
    from apps.datasets.models import Dataset

    dataset = Dataset.objects.get(name="The big one")
    browser, found = Client(HTTP_HOST="localhost"), {}
    browser.force_login(User.objects.get(username="ada"))
    facts = {"dataset": dataset.pk, "ids": list(dataset.images.order_by("pk").values_list("pk", flat=True)[:60])}
    for name, path in pages(options):
        with CaptureQueriesContext(connection) as queries:
            browser.get(address(path, facts))
        found[name] = len(queries)
        if options.explain:
            explain(name, queries)
    return found


def explain(name, queries):
    """Print the slow queries of a page, each with its plan."""
    from django.db import connection

    word = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN ANALYZE"
    for query in queries:
        if float(query["time"]) >= 0.01 and query["sql"].startswith("SELECT"):
            print(f"\n{name}: {float(query['time']) * 1000:.0f} ms: {query['sql'][:1500]}")
            with connection.cursor() as cursor:
                cursor.execute(f"{word} {query['sql']}")
                print("\n".join(f"    {row[-1]}" for row in cursor.fetchall()[:25]))


def show(found, options):
    names = [name for name, _ in pages(options)]
    kinds = list(found)
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; at most {TARGET} ms p95\n")
    heads = f"{'p50':>9} {'p95':>8} {'CPU ms':>8} {'SQL':>4}"
    print(f"{'':<36}" + "".join(f"{kind:>32}" for kind in kinds))
    print(f"{'':<36}" + "".join(f"{heads:>32}" for _ in kinds))
    for name in names:
        cells = (found[kind]["pages"][name] for kind in kinds)
        print(f"{name:<36}" + "".join(map(cell, cells)))
    for what, words in (
        ("count_seconds", "counting the statistics, s"), ("count_mb", "memory that it needed, MB"),
        ("kept_kb", "what is kept, kB"), ("validation_seconds", "validating, s"), ("seconds", "filling, s"),
    ):  # fmt: skip
        print(f"{words:<36}" + "".join(f"{found[kind]['facts'][what]:32.1f}" for kind in kinds))


def cell(measured):
    p50, p95, used, queries = measured
    if p95 is None:
        return f"{'no such page':>32}"
    return f"{p50:9.1f} {p95:8.1f}{' !' if p95 > TARGET else '  '}{used:7.1f} {queries:4d}"


def say(words):
    print(words, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
