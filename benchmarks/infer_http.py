"""`predictions/infer` over HTTP beside `YOLO("best.pt").predict` in-process, on the same images, in one run.

    python benchmarks/infer_http.py                           the sample dataset's images
    python benchmarks/infer_http.py --zip images.zip --epochs 3

Starts a platform of its own, trains a yolov8n for some epochs, deploys it, downloads its best.pt, and lets both
sides take turns. HTTP is one client with an API token over one kept connection; the weights get file paths, no
HTTP. Decoding is included on both sides.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
WARM_UP = 12


def main():
    options = read_options()
    if options.weights:
        print(json.dumps(time_weights(options)))
        return
    from yolotrainer.demo import running_platform

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "data").mkdir()
        with running_platform(folder / "data") as (pid, base):
            run(options, folder, pid, base)


def run(options, folder, pid, base):
    """Both sides at every size, and the web process's memory."""
    from yolotrainer.demo import deploy, sign_in

    print(f"web process before a model is loaded: {web_memory(pid):.0f} MB")
    api = sign_in(base, folder / "data")
    dataset = import_archive(api, options.zip) if options.zip else api("GET", "datasets/?search=sample")["results"][0]
    paths = fetch_images(api, dataset, folder, options.images)
    print(f"{len(paths)} images of “{dataset['name']}”, {os.cpu_count()} cores, best of {options.rounds} rounds\n")
    print(f"{'size':>4}  {'':<34}{'p50 ms':>8}{'images/s':>10}{'×':>7}")
    for size in options.sizes:
        model_id = train(api, dataset, size, options.epochs)
        proof = deploy(api, model_id)
        found = f"{proof['boxes_found']} of {proof['boxes_expected']}"
        print(f"{size:>4}  served in {proof['precision']}, {found} boxes found")
        weights = folder / f"best-{size}.pt"
        weights.write_bytes(api("GET", f"models/{model_id}/download"))
        key = api("POST", "auth/tokens", json={"name": f"bench {size}", "scope": "infer"})["token"]
        compare(base, key, model_id, weights, paths, size, options)
    print(f"\nweb process with {len(options.sizes)} models loaded: {web_memory(pid):.0f} MB")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, help="an archive with labelled images, instead of the sample dataset")
    parser.add_argument("--epochs", type=int, default=6, help="enough that the model finds something")
    parser.add_argument("--sizes", type=int, nargs="+", default=[320])
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of each side in each round")
    parser.add_argument("--weights", help=argparse.SUPPRESS)
    parser.add_argument("--paths", help=argparse.SUPPRESS)
    return parser.parse_args()


def import_archive(api, path):
    """A dataset from an archive, split; returns it."""
    with path.open("rb") as file:
        job = api("POST", "datasets/import", files={"file": file}, data={"name": path.stem})
    dataset_id = ended(api, job)["result"]["dataset_id"]
    ended(api, api("POST", f"datasets/{dataset_id}/split", json={"train": 0.8, "val": 0.2, "test": 0}))
    return api("GET", f"datasets/{dataset_id}/")


def ended(api, job):
    """The job once it has ended; leaves where it did not end well."""
    while job["status"] in ("pending", "running"):
        time.sleep(0.5)
        job = api("GET", f"jobs/{job['id']}")
    return job if job["status"] == "completed" else sys.exit(f"The job {job['status']}: {job['error']}")


def fetch_images(api, dataset, folder, count):
    paths = []
    for image in api("GET", f"datasets/{dataset['id']}/images?split=val&page_size={count}")["results"]:
        path = folder / f"{image['id']}{Path(image['filename']).suffix}"
        path.write_bytes(api.picture(image["url"]))
        paths.append(str(path))
    return paths


def train(api, dataset, size, epochs):
    """The id of a yolov8n trained for some epochs."""
    job = api("POST", "training/", json={
        "dataset_id": dataset["id"], "model_type": "yolov8n", "weights": "scratch", "epochs": epochs, "batch_size": 8,
        "img_size": size, "learning_rate": 0.002, "patience": 0,
        "augmentation": {"optimizer": "AdamW", "warmup_epochs": 1.0, "mosaic": 0.0},
    })  # fmt: skip
    while job["status"] in ("pending", "running"):
        time.sleep(1)
        job = api("GET", f"training/{job['id']}/")
    if job["status"] != "completed":
        sys.exit(f"The training {job['status']}: {job['error_message']}")
    return job["model_id"]


def compare(base, key, model_id, weights, paths, size, options):
    ours, theirs = [], []
    for _ in range(options.rounds):
        ours.append(time_http(base, key, model_id, paths, options.seconds))
        theirs.append(run_weights(weights, paths, size, options.seconds))
    http, pt = min(ours, key=lambda r: r["p50"]), min(theirs, key=lambda r: r["p50"])
    rows = (("YOLO(best.pt).predict in-process", pt), ("POST predictions/infer, one client", http))
    for name, row in rows:
        times = row["rate"] / pt["rate"]
        print(f"{size:>4}  {name:<34}{row['p50']:>8.1f}{row['rate']:>10.1f}{times:>7.2f}")


def time_http(base, key, model_id, paths, seconds):
    """One client with one kept connection, as lean as a client can be: the server is what is measured."""
    connection = http.client.HTTPConnection(base.removeprefix("http://"))
    headers = {"Authorization": f"Token {key}", "Content-Type": "multipart/form-data; boundary=b0"}

    def ask(body):
        connection.request("POST", "/api/v1/predictions/infer", body, headers)
        answer = connection.getresponse()
        if answer.status != 200:
            sys.exit(f"infer answered {answer.status}: {answer.read()[:300]}")
        return json.loads(answer.read())

    return measure(ask, [multipart(Path(path).read_bytes(), model_id) for path in paths], seconds)


def multipart(image, model_id):
    """The body of the request, made before the clock runs."""
    field = f'--b0\r\nContent-Disposition: form-data; name="model_id"\r\n\r\n{model_id}\r\n'
    file = '--b0\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
    return field.encode() + file.encode() + image + b"\r\n--b0--\r\n"


def run_weights(weights, paths, size, seconds):
    """The weights' side in a process of its own, because it imports torch."""
    command = [sys.executable, __file__, "--weights", str(weights), "--paths", json.dumps(paths), "--sizes", str(size),
               "--seconds", str(seconds)]  # fmt: skip
    env = os.environ | {"YOLO_CONFIG_DIR": str(weights.parent / "yolo"), "YOLO_OFFLINE": "1"}
    ran = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


def time_weights(options):
    from ultralytics import YOLO

    model = YOLO(options.weights)
    return measure(
        lambda path: model.predict(path, imgsz=options.sizes[0], conf=0.25, verbose=False),
        json.loads(options.paths),
        options.seconds,
    )


def measure(ask, items, seconds):
    """Ask one after the other for some seconds, after a warm-up; milliseconds p50 and items a second."""
    for item in (items * WARM_UP)[:WARM_UP]:
        ask(item)
    times, began = [], time.perf_counter()
    while time.perf_counter() - began < seconds:
        for item in items:
            start = time.perf_counter()
            ask(item)
            times.append(time.perf_counter() - start)
    return {"p50": statistics.median(times) * 1000, "rate": len(times) / sum(times)}


def web_memory(supervisor_pid):
    """Megabytes (PSS) of the largest gunicorn process below the supervisor."""
    sizes = [0.0]
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            command = Path(f"/proc/{entry}/cmdline").read_bytes()
            if b"gunicorn" in command and below(int(entry), supervisor_pid):
                rollup = Path(f"/proc/{entry}/smaps_rollup").read_text()
                sizes.append(
                    int(next(line for line in rollup.splitlines() if line.startswith("Rss")).split()[1]) / 1024
                )
        except (OSError, StopIteration):
            continue
    return max(sizes)


def below(pid, ancestor):
    while pid > 1:
        if pid == ancestor:
            return True
        pid = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return False


if __name__ == "__main__":
    main()
