"""Switching versions under load: clients ask a deployment by its name without pause while it goes to and fro.

    python benchmarks/swap.py
    python benchmarks/swap.py --memory 1     one model fits into memory, so that every swap loads anew

Starts a platform of its own, trains two versions of a yolov8n on the sample dataset, deploys the first, and lets the
clients ask it by name. Then the deployment is switched: by turns to the other version (built, judged, swapped; the gate
is overruled where it blocks) and back by one click. Printed are the questions, how many failed, and how long they took
while nothing was switched and while it was.
"""

import argparse
import http.client
import io
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
NAME = "swapped"


def main():
    options = read_options()
    os.environ["INFERENCE_MEMORY_MB"] = str(options.memory)
    from yolotrainer.demo import running_platform

    with tempfile.TemporaryDirectory() as scratch, running_platform(Path(scratch)) as (_, base):
        sys.exit(run(options, Path(scratch), base))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=320, help="of the images that the model sees, in pixels")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--swaps", type=int, default=12)
    parser.add_argument("--pause", type=float, default=2, help="seconds between two swaps")
    parser.add_argument("--before", type=float, default=8, help="seconds without a swap, for comparison")
    parser.add_argument("--memory", type=int, default=1024, help="MB that loaded models may take in a process")
    return parser.parse_args()


def run(options, data_dir, base):
    """Measure and print; the exit code: 1 where a question failed."""
    from yolotrainer.demo import sign_in

    api = sign_in(base, data_dir)
    first, second = trained_versions(api, options)
    deployment = api("POST", "deployments", json={"name": NAME, "model_id": first})
    wait_until_it_answers(api, deployment["id"], first)
    key = api("POST", "auth/tokens", json={"name": "swap", "scope": "infer"})["token"]
    load = Load(base, key, picture(api), options.clients)
    with load:
        time.sleep(3)  # warm
        began = time.perf_counter()
        time.sleep(options.before)
        swapping = time.perf_counter()
        seconds = [swap(api, deployment["id"], second, number, options.pause) for number in range(options.swaps)]
        ended = time.perf_counter()
    show(load, (began, swapping), (swapping, ended), seconds, options)
    return int(bool(load.failed))


def trained_versions(api, options):
    """The ids of two models of one line, trained one after the other."""
    dataset = api("GET", "datasets/?search=sample")["results"][0]
    jobs = [
        api("POST", "training/", json={
            "dataset_id": dataset["id"], "name": "shapes", "model_type": "yolov8n", "weights": "scratch", "seed": seed,
            "epochs": options.epochs, "batch_size": 8, "img_size": options.size, "patience": 0,
        })
        for seed in (1, 2)
    ]  # fmt: skip
    print(f"training two versions at {options.size} px …", flush=True)
    return [finished(api, "training", job)["model_id"] for job in jobs]


def finished(api, kind, job):
    while job["status"] in ("pending", "running"):
        time.sleep(0.2)
        job = api("GET", f"{kind}/{job['id']}")
    if job["status"] != "completed":
        sys.exit(f"{kind} {job['id']} {job['status']}: {job.get('error') or job.get('error_message')}")
    return job


def wait_until_it_answers(api, pk, model_id):
    while (api("GET", f"deployments/{pk}")["model"] or {}).get("id") != model_id:
        last = api("GET", f"deployments/{pk}/switches")["results"][0]
        if last["state"] in ("failed", "blocked"):
            sys.exit(f"Not deployed: {last['reason']}")
        time.sleep(0.5)


def picture(api):
    """A validation image of the sample dataset at 640 by 480, as JPEG."""
    from PIL import Image

    dataset = api("GET", "datasets/?search=sample")["results"][0]
    found = api("GET", f"datasets/{dataset['id']}/images?split=val&page_size=1")["results"][0]
    out = io.BytesIO()
    Image.open(io.BytesIO(api.picture(found["url"]))).convert("RGB").resize((640, 480)).save(out, "JPEG")
    return out.getvalue()


class Load:
    """Clients that ask without pause, each over a connection of its own, until the block ends."""

    def __init__(self, base, key, data, clients):
        self.base, self.key, self.data = urlsplit(base), key, data
        self.asked, self.failed = [], []  # (when asked, seconds, id of the model that answered); (when, why)
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        import json

        connection = http.client.HTTPConnection(self.base.hostname, self.base.port, timeout=60)
        headers = {"Authorization": f"Token {self.key}", "Content-Type": "image/jpeg"}
        while not self._end.is_set():
            started = time.perf_counter()
            try:
                connection.request("POST", f"/api/v1/predictions/infer?model={NAME}", self.data, headers)
                answer = connection.getresponse()
                body = answer.read()
            except (OSError, http.client.HTTPException) as error:
                self.failed.append((started, repr(error)))
                connection.close()
                continue
            if answer.status != 200:
                self.failed.append((started, f"{answer.status} {body[:200]}"))
            else:
                self.asked.append((started, time.perf_counter() - started, json.loads(body)["model"]["id"]))


def swap(api, pk, second, number, pause):
    """To and fro; seconds until the API says that the other one answers."""
    started = time.perf_counter()
    if number % 2:
        api("POST", f"deployments/{pk}/back")
    else:
        started_job = api(
            "POST", f"deployments/{pk}/switch", json={"model_id": second, "overrule": "To measure the swap"}
        )["job"]
        finished(api, "jobs", started_job)
        state = api("GET", f"deployments/{pk}/switches")["results"][0]["state"]
        if state != "done":
            sys.exit(f"The switch is {state}.")
    seconds = time.perf_counter() - started
    time.sleep(pause)
    return seconds


def show(load, before, during, seconds, options):
    print(
        f"{os.cpu_count()} cores, {options.clients} clients, {options.memory} MB for loaded models, {options.size} px"
    )
    print(f"\n{'':<14}{'questions':>10}{'a second':>10}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'slowest':>9}")
    for words, (start, end) in (("no swap", before), ("swaps", during)):
        times = sorted(took * 1000 for at, took, _ in load.asked if start <= at < end)
        cuts = statistics.quantiles(times, n=100)
        figures = "".join(f"{value:>9.1f}" for value in (cuts[49], cuts[94], cuts[98], times[-1]))
        print(f"{words:<14}{len(times):>10}{len(times) / (end - start):>10.1f}{figures}")
    by_model = Counter(model for *_, model in load.asked)
    print(f"\n{options.swaps} swaps; the first, with building and judging, took {seconds[0]:.1f} s, the slowest other "
          f"{max(seconds[1:], default=0):.2f} s")  # fmt: skip
    print(f"answered by version: {dict(by_model)}")
    print(f"{len(load.asked) + len(load.failed)} questions, {len(load.failed)} failed")
    for at, why in load.failed[:10]:
        print(f"  at {at - during[0]:+.2f} s: {why}")


if __name__ == "__main__":
    main()
