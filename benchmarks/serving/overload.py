"""Three times the load that the server can carry, for a minute, with pages polled beside it.

`python benchmarks/serving/overload.py job.json` is the load itself, a process of its own: questions begin at a fixed
pace whether or not earlier ones are answered, as far as CONNECTIONS at once allow.
"""

import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

CONNECTIONS = 96
PAGES = ("/", "/datasets/", "/models/", "/deployments/")


def run(options, setup, folder, pid, base, session):
    """Carry, then overload; prints statuses, the pages' times, memory, and whether a process died."""
    from .clients import measure_many, multipart

    bodies = [multipart(Path(path).read_bytes(), setup.model) for path in setup.paths]
    carried = measure_many(setup.server, bodies, 8, 5)["rate"]
    before, (web, _) = children(pid), largest_web(pid)
    job = folder / "overload.json"
    job.write_text(json.dumps({
        "address": setup.server.address, "key": setup.key, "model": setup.model, "paths": setup.paths,
        "rate": carried * 3, "seconds": options.overload,
    }))  # fmt: skip
    load = subprocess.Popen([sys.executable, __file__, str(job)], stdout=subprocess.PIPE, text=True)
    pages, memory, began = [], [], time.monotonic()
    while load.poll() is None:
        for page in PAGES:
            start = time.perf_counter()
            status = session.get(base + page, timeout=60).status_code
            pages.append((time.perf_counter() - start, status))
            time.sleep(0.1)
        memory.append((time.monotonic() - began, megabytes(web)))
    told = json.loads(load.stdout.read().splitlines()[-1])
    show(carried, told, pages, memory, set(before) - set(children(pid)))


def show(carried, told, pages, memory, dead):
    statuses = {int(status): count for status, count in sorted(told["statuses"].items())}
    times = [seconds * 1000 for seconds, _ in pages]
    third = max(len(memory) // 3, 1)
    early, late = (statistics.median(value for _, value in part) for part in (memory[:third], memory[-third:]))
    carries = (
        f"it carries {carried:.0f} images a second; {told['offered']:.0f} a second came for {told['seconds']:.0f} s"
    )
    answered, wrong = statuses.get(200, 0) / told["seconds"], sum(status != 200 for _, status in pages)
    print(f"\noverload: {carries}")
    print(f"  statuses         {statuses}; wanted: 200 and 503 alone; 503 without Retry-After: {told['silent']}")
    took = f"p50 {told['p50']:.0f} ms; a 503 takes {told['p50_refused']:.0f} ms"
    print(f"  answered         {answered:.0f} images a second, {took}")
    p95 = statistics.quantiles(times, n=20)[-1]
    print(f"  pages            p95 {p95:.0f} ms of {len(times)} (wanted < 300); not 200: {wrong}")
    print(f"  memory           {early:.0f} MB in the first third, {late:.0f} MB in the last")
    print(f"  dead processes   {sorted(dead) or 'none'}")


def overload(job):
    """Questions at a fixed pace; what became of them."""
    from clients import multipart

    bodies = [multipart(Path(path).read_bytes(), job["model"]) for path in job["paths"]]
    headers = {"Content-Type": "multipart/form-data; boundary=b0", "Authorization": f"Token {job['key']}"}
    statuses, served, refused, silent, lock = Counter(), [], [], [], threading.Lock()
    began = time.perf_counter() + 0.5
    count = int(job["rate"] * job["seconds"])
    numbers = iter(range(count))

    def client():
        connection = http.client.HTTPConnection(*job["address"], timeout=60)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None or time.perf_counter() - began > job["seconds"]:
                return
            time.sleep(max(0, began + number / job["rate"] - time.perf_counter()))
            start = time.perf_counter()
            try:
                connection.request("POST", "/api/v1/predictions/infer", bodies[number % len(bodies)], headers)
                answer = connection.getresponse()
                answer.read()
                status = answer.status
                silent.extend([1] if status == 503 and not answer.headers["Retry-After"] else [])
            except (OSError, http.client.HTTPException):
                status = 0  # no answer
                connection.close()
            with lock:
                statuses[status] += 1
            (served if status == 200 else refused).append(time.perf_counter() - start)

    threads = [threading.Thread(target=client) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - began
    return {
        "statuses": statuses, "seconds": elapsed, "offered": statuses.total() / elapsed, "silent": len(silent),
        "p50": statistics.median(served or [0]) * 1000, "p50_refused": statistics.median(refused or [0]) * 1000,
    }  # fmt: skip


def children(supervisor):
    """Process ids below the supervisor."""
    return [
        pid
        for pid in map(int, filter(str.isdecimal, os.listdir("/proc")))
        if pid != supervisor and below(pid, supervisor)
    ]


def below(pid, ancestor):
    try:
        while pid > 1 and pid != ancestor:
            pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except OSError:  # it has ended meanwhile
        return False
    return pid == ancestor


def largest_web(supervisor):
    """(process id, megabytes) of the web process that holds most."""
    web = [pid for pid in children(supervisor) if b"gunicorn" in command_of(pid)]
    return max(((pid, megabytes(pid)) for pid in web), key=lambda one: one[1])


def command_of(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def megabytes(pid):
    """Resident memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    print(json.dumps(overload(json.loads(Path(sys.argv[1]).read_text()))))
