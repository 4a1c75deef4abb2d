"""`predictions/infer` over HTTP: its speed, what HTTP adds, its exactness, memory, and what it does when overloaded.

    python benchmarks/infer_http.py                                       one client, the sample dataset, 320 px
    python benchmarks/infer_http.py --zip images.zip --start best.pt --epochs 1 --sizes 320 640 \\
        --parts one accuracy rivals overload --bench-python V/bin/python

Starts a platform of its own, trains a yolov8n for some epochs (from `--start`, where there is one), deploys it,
downloads its best.pt, and lets all sides take turns; medians of the rounds count. Parts:

one       one client with an API token over one kept connection, beside `YOLO("best.pt").predict` in-process on file
          paths, and beside the bare runtime in-process: what is between the two is HTTP, Django, authentication, JSON
accuracy  mAP50-95 of the deployed runtime and of the .pt, same images, same thresholds
rivals    eight clients, beside FastAPI and LitServe serving the .pt, and FastAPI serving ultralytics' OpenVINO export
overload  three times the load that it carries, pages polled beside it

Decoding is included on all sides.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from serving import overload, rivals  # noqa: E402
from serving.clients import Server, measure, multipart  # noqa: E402

PARTS = ("one", "accuracy", "rivals", "overload")
WANTED = {320: 3, 640: 2.5}


@dataclass
class Setup:
    """A deployed model and what is asked."""

    size: int
    model: int | str  # its id, or the name of a deployment
    key: str
    server: Server
    weights: Path
    precision: str
    serving: Path
    paths: list[str]
    labels: list[list]


def main():
    options = read_options()
    from yolotrainer.demo import running_platform

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "data").mkdir()
        with running_platform(folder / "data") as (pid, base):
            run(options, folder, pid, base)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zip", type=Path, help="an archive with labelled images, instead of the sample dataset")
    parser.add_argument("--start", type=Path, help="a .pt to begin the training with, instead of from nothing")
    parser.add_argument("--epochs", type=int, default=6, help="enough that the model finds something")
    parser.add_argument("--sizes", type=int, nargs="+", default=[320])
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4, help="of each side in each round")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=["one"])
    parser.add_argument("--overload", type=float, default=60, help="seconds of it, at the first size")
    parser.add_argument("--precision", choices=("auto", "f32", "bf16", "int8"), default="auto")
    parser.add_argument("--bench-python", default=sys.executable, help="a Python that has fastapi and litserve")
    return parser.parse_args()


def run(options, folder, pid, base):
    from yolotrainer.demo import sign_in

    empty = overload.largest_web(pid)[1]
    api = sign_in(base, folder / "data")
    dataset = import_archive(api, options.zip) if options.zip else api("GET", "datasets/?search=sample")["results"][0]
    paths, labels = fetch_images(api, dataset, folder, options.images)
    start = upload_weights(api, options.start, dataset) if options.start else "scratch"
    print(f"{len(paths)} images of “{dataset['name']}”, {os.cpu_count()} cores, medians of {options.rounds} rounds\n")
    print(f"{'size':>4}  {'':<37}{'p50 ms':>8}{'images/s':>10}")
    for size in options.sizes:
        setup = deployed(api, base, dataset, size, start, options, folder, paths, labels)
        if "one" in options.parts:
            compare_one(options, setup, folder)
            print(
                f"{size:>4}  web process: {empty:.0f} MB without a model, {overload.largest_web(pid)[1]:.0f} MB now",
                flush=True,
            )
        if "accuracy" in options.parts:
            compare_accuracy(setup, folder)
        if "rivals" in options.parts:
            rivals.compare(options, setup, folder)
        if "overload" in options.parts and size == options.sizes[0]:
            overload.run(options, setup, folder, pid, base, browser(base, folder / "data"))
    print(f"\nweb process in the end, {len(options.sizes)} models loaded: {overload.largest_web(pid)[1]:.0f} MB")


# --- getting ready


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
    """Paths of validation images, and of each its labels: [class id, x center, y center, width, height] as shares."""
    paths, labels = [], []
    for image in api("GET", f"datasets/{dataset['id']}/images?split=val&page_size={count}")["results"]:
        path = folder / f"{image['id']}{Path(image['filename']).suffix}"
        path.write_bytes(api.picture(image["url"]))
        paths.append(str(path))
        found = api("GET", f"datasets/{dataset['id']}/images/{image['id']}/annotations")["annotations"]
        names = ("class_id", "x_center", "y_center", "width", "height")
        labels.append([[one[name] for name in names] for one in found])
    return paths, labels


def upload_weights(api, path, dataset):
    """The id of a model made of a `.pt`."""
    with path.open("rb") as file:
        job = api("POST", "models/", files={"file": file}, data={"name": f"start {path.stem}"})
    return ended(api, job)["result"]["model_id"]


def deployed(api, base, dataset, size, start, options, folder, paths, labels):
    """Train at this size, deploy, and ask once."""
    from yolotrainer.demo import deploy

    model = model_id = train(api, dataset, size, options.epochs, start)
    proof = deploy(api, model_id)
    precision = proof["precision"]
    if options.precision != "auto":
        model, precision = named(api, f"bench {size}", model_id, options.precision), options.precision
    found = f"{proof['boxes_found']} of {proof['boxes_expected']} boxes found"
    print(f"{size:>4}  served in {precision}, {found}", flush=True)
    for way in proof["tried"] if options.precision == "auto" else ():
        took = f"{way['milliseconds']:.1f} ms" if "milliseconds" in way else "-"
        why = way["why_not"] or f"chosen, {way['agreement']:.1%} of the boxes"
        print(f"{size:>4}    {way['runtime']} {way['precision']}: {took}, {why}")
    weights = folder / f"best-{size}.pt"
    weights.write_bytes(api("GET", f"models/{model_id}/download"))
    key = api("POST", "auth/tokens", json={"name": f"bench {size}", "scope": "infer"})["token"]
    server = Server(base, "/api/v1/predictions/infer", key)
    server.connect()(multipart(Path(paths[0]).read_bytes(), model))
    serving = max((folder / "data/work/serving").iterdir(), key=lambda one: one.stat().st_ctime)
    return Setup(size, model, key, server, weights, precision, serving, paths, labels)


def named(api, name, model_id, precision):
    """The name of a deployment that serves the model in this precision, once it answers."""
    serving = {"precision": precision}
    pk = api("POST", "deployments", json={"name": name, "model_id": model_id, "serving": serving})["id"]
    while (last := api("GET", f"deployments/{pk}/switches")["results"][0])["state"] == "waiting":
        time.sleep(1)
    return name if last["state"] == "done" else sys.exit(f"{precision} is not served: {last['reason']}")


def train(api, dataset, size, epochs, start="scratch"):
    """The id of a yolov8n trained for some epochs."""
    job = api("POST", "training/", json={
        "dataset_id": dataset["id"], "model_type": "yolov8n", "weights": start, "epochs": epochs, "batch_size": 8,
        "img_size": size, "learning_rate": 0.002 if start == "scratch" else 0.0002, "patience": 0,
        "augmentation": {"optimizer": "AdamW", "warmup_epochs": 1.0, "mosaic": 0.0},
    })  # fmt: skip
    while job["status"] in ("pending", "running"):
        time.sleep(1)
        job = api("GET", f"training/{job['id']}/")
    if job["status"] != "completed":
        sys.exit(f"The training {job['status']}: {job['error_message']}")
    return job["model_id"]


def browser(base, data_dir):
    """A session that is signed in, as a browser has one."""
    import requests

    session, address = requests.Session(), f"{base}/account/sign-in"
    session.get(address)
    (csrf,) = session.cookies
    form = {"username": "demo", "password": (data_dir / "demo_password").read_text()}
    form["csrfmiddlewaretoken"] = csrf.value
    session.post(address, form, headers={"Referer": address}).raise_for_status()
    return session


# --- measuring


def compare_one(options, setup, folder):
    """One client, the weights in-process and the bare runtime in-process, in turns."""
    bodies = [multipart(Path(path).read_bytes(), setup.model) for path in setup.paths]
    sides = {
        "YOLO(best.pt).predict in-process": lambda: run_side("weights", setup, folder, options.seconds),
        "the bare runtime in-process": lambda: run_side("runtime", setup, folder, options.seconds),
        "predictions/infer, one client": lambda: measure(setup.server.connect(), bodies, options.seconds),
    }
    rows = {name: [] for name in sides}
    for _ in range(options.rounds):
        for name, side in sides.items():
            rows[name].append(side())
    p50 = {name: statistics.median(row["p50"] for row in some) for name, some in rows.items()}
    rate = {name: statistics.median(row["rate"] for row in some) for name, some in rows.items()}
    for name in sides:
        print(f"{setup.size:>4}  {name:<37}{p50[name]:>8.1f}{rate[name]:>10.1f}")
    weights, bare, ours = sides
    wanted = f" (wanted {WANTED[setup.size]}×)" if setup.size in WANTED else ""
    print(f"{setup.size:>4}  {rate[ours] / rate[weights]:.2f}× the images a second of the .pt{wanted}")
    added = statistics.median(http["p50"] - alone["p50"] for http, alone in zip(rows[ours], rows[bare], strict=True))
    print(f"{setup.size:>4}  HTTP, Django, authentication and JSON add {added:.2f} ms to the median (wanted ≤ 3)")


def compare_accuracy(setup, folder):
    found = run_side("accuracy", setup, folder, 0)
    less = found["weights"] - found["runtime"]
    print(
        f"{setup.size:>4}  mAP50-95 on {found['images']} images: .pt {found['weights']:.4f}, deployed "
        f"({setup.precision}) {found['runtime']:.4f}, difference {less:+.4f} (wanted within 0.002)",
        flush=True,
    )


def run_side(side, setup, folder, seconds):
    """A side in a process of its own."""
    job = folder / "side.json"
    job.write_text(json.dumps({
        "side": side, "weights": str(setup.weights), "folder": str(setup.serving), "precision": setup.precision,
        "paths": setup.paths, "labels": setup.labels, "size": setup.size, "seconds": seconds,
    }))  # fmt: skip
    command = [sys.executable, str(ROOT / "benchmarks/serving/sides.py"), str(job)]
    env = os.environ | {"YOLO_CONFIG_DIR": str(folder / "yolo"), "YOLO_OFFLINE": "1"}
    ran = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(ran.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
