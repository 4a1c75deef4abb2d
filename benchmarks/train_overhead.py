"""A training job of the platform beside `yolo detect train` with the same arguments, in one run.

    python benchmarks/train_overhead.py                          40 epochs on the sample dataset
    python benchmarks/train_overhead.py --pairs 3 --minutes 5    as many epochs as `yolo` does in 5 minutes

Starts a platform of its own. Its side counts from the POST to the job's completion: queueing, starting, preparing
the folder, training and storing the model; how long the evaluations take that follow is told beside it. The other side
is the `yolo` command on the exported dataset, from start to exit. They take turns, each pair in the other order.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from datetime import datetime
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
ARGUMENTS = {
    "batch": 8,
    "imgsz": 96,
    "lr0": 0.002,
    "optimizer": "AdamW",
    "patience": 0,
    "seed": 0,
    "warmup_epochs": 1.0,
    "mosaic": 0.0,
}


def main():
    options = read_options()
    from yolotrainer.demo import running_platform

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "data").mkdir()
        with running_platform(folder / "data") as (_, base):
            run(options, folder, base)


def run(options, folder, base):
    """The pairs, and their medians."""
    from yolotrainer.demo import sign_in

    api = sign_in(base, folder / "data")
    dataset = api("GET", "datasets/?search=sample")["results"][0]
    data = export(api, dataset, folder / "export")
    epochs = options.epochs or calibrate(data, folder, options.minutes * 60)
    rooms = (folder / f"runs{number}" for number in count())
    sides = [lambda: time_platform(api, dataset, epochs), lambda: time_command(data, next(rooms), epochs)]
    took = [[], []]
    print(f"{epochs} epochs, {options.pairs} pairs", flush=True)
    for number in range(options.pairs):
        for side in (0, 1) if number % 2 == 0 else (1, 0):
            took[side].append(sides[side]())
        (mine, evaluating, where), theirs = took[0][-1], took[1][-1]
        print(f"pair {number + 1}: platform {mine:.1f} s (then {evaluating:.1f} s of evaluations), yolo {theirs:.1f} s")
        print(f"        of the platform's: {where}", flush=True)
    mine, theirs = statistics.median(row[0] for row in took[0]), statistics.median(took[1])
    evaluated = statistics.median(row[0] + row[1] for row in took[0])
    print(f"\n{epochs} epochs, median of {options.pairs} pairs on {os.cpu_count()} cores")
    print(f"  yolo detect train           {theirs:7.1f} s")
    print(f"  a job, to its model         {mine:7.1f} s   {mine / theirs:.3f} of it")
    print(f"  a job, evaluations included {evaluated:7.1f} s   {evaluated / theirs:.3f} of it")


def calibrate(data, folder, seconds):
    """How many epochs the command does in about `seconds`: two short runs tell what starting and an epoch cost."""
    few, more = 3, 15
    short, longer = (time_command(data, folder / f"calibrate{epochs}", epochs) for epochs in (few, more))
    an_epoch = max((longer - short) / (more - few), 0.01)
    outside = max(short - few * an_epoch, 0)
    print(f"yolo detect train: an epoch takes {an_epoch:.2f} s, the rest {outside:.1f} s", flush=True)
    return max(round((seconds - outside) / an_epoch), 1)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--minutes", type=float, help="instead of --epochs: how long the yolo command is to take")
    parser.add_argument("--pairs", type=int, default=1)
    options = parser.parse_args()
    if not options.minutes:
        options.epochs = options.epochs or 40
    return options


def export(api, dataset, folder):
    """The dataset as the platform exports it; the path of its data.yaml."""
    job = api("POST", f"datasets/{dataset['id']}/export", json={"format": "yolo"})
    while job["status"] in ("pending", "running"):
        time.sleep(0.5)
        job = api("GET", f"jobs/{job['id']}")
    zipfile.ZipFile(io.BytesIO(api("GET", f"jobs/{job['id']}/file"))).extractall(folder)
    return next(folder.rglob("data.yaml"))


def time_platform(api, dataset, epochs):
    """(seconds from the POST to the completed job, seconds of its evaluations after that, where they went in words)"""
    more = {name: value for name, value in ARGUMENTS.items() if name in ("optimizer", "warmup_epochs", "mosaic")}
    began = time.perf_counter()
    job = api("POST", "training/", json={
        "dataset_id": dataset["id"], "model_type": "yolov8n", "weights": "scratch", "epochs": epochs,
        "batch_size": ARGUMENTS["batch"], "img_size": ARGUMENTS["imgsz"], "learning_rate": ARGUMENTS["lr0"],
        "patience": 0, "seed": 0, "device": "cpu", "augmentation": more,
    })  # fmt: skip
    while job["status"] in ("pending", "running"):
        time.sleep(0.25)
        job = api("GET", f"training/{job['id']}/")
    if job["status"] != "completed":
        sys.exit(f"The training {job['status']}: {job['error_message']}")
    took = time.perf_counter() - began
    learning = sum(row["seconds"] for row in api("GET", f"training/{job['id']}/metrics"))
    waiting = (datetime.fromisoformat(job["started_at"]) - datetime.fromisoformat(job["created_at"])).total_seconds()
    where = f"queue {waiting:.1f} s, epochs {learning:.1f} s, the rest {took - waiting - learning:.1f} s"
    while any(row["status"] in ("pending", "running") for row in api("GET", f"models/{job['model_id']}/evaluations")):
        time.sleep(0.25)
    return took, time.perf_counter() - began - took, where


def time_command(data, project, epochs):
    arguments = [f"{name}={value}" for name, value in (ARGUMENTS | {"epochs": epochs}).items()]
    command = [str(Path(sys.executable).parent / "yolo"), "detect", "train", f"data={data}", "model=yolov8n.yaml",
               f"project={project}", "device=cpu", "plots=False", *arguments]  # fmt: skip
    env = os.environ | {"YOLO_CONFIG_DIR": str(project / "config"), "YOLO_OFFLINE": "1"}
    (project / "config").mkdir(parents=True)
    began = time.perf_counter()
    ran = subprocess.run(command, env=env, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(f"yolo detect train failed: {ran.stderr[-800:]}")
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
