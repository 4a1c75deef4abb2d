"""A training job of the platform beside `yolo detect train` with the same arguments, in one run.

    python benchmarks/train_overhead.py                       the sample dataset, as long as its page proposes
    python benchmarks/train_overhead.py --epochs 60 --pairs 3

Starts a platform of its own. Its side counts from the POST to the job's completion: queueing, starting, preparing
the folder, training and storing the model. The other side is the `yolo` command on the exported dataset, from start
to exit. They take turns.
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
    ours, theirs = [], []
    for number in range(options.pairs):
        ours.append(time_platform(api, dataset, options.epochs))
        theirs.append(time_command(data, folder / f"runs{number}", options.epochs))
        print(f"pair {number + 1}: platform {ours[-1]:.1f} s, yolo detect train {theirs[-1]:.1f} s", flush=True)
    mine, other = statistics.median(ours), statistics.median(theirs)
    said = f"platform {mine:.1f} s, yolo detect train {other:.1f} s, {(mine / other - 1) * 100:+.1f} %"
    print(f"\n{options.epochs} epochs, median of {options.pairs}: {said}")


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=1)
    return parser.parse_args()


def export(api, dataset, folder):
    """The dataset as the platform exports it; the path of its data.yaml."""
    job = api("POST", f"datasets/{dataset['id']}/export", json={"format": "yolo"})
    while job["status"] in ("pending", "running"):
        time.sleep(0.5)
        job = api("GET", f"jobs/{job['id']}")
    zipfile.ZipFile(io.BytesIO(api("GET", f"jobs/{job['id']}/file"))).extractall(folder)
    return next(folder.rglob("data.yaml"))


def time_platform(api, dataset, epochs):
    more = {name: value for name, value in ARGUMENTS.items() if name in ("optimizer", "warmup_epochs", "mosaic")}
    began = time.perf_counter()
    job = api("POST", "training/", json={
        "dataset_id": dataset["id"], "model_type": "yolov8n", "weights": "scratch", "epochs": epochs,
        "batch_size": ARGUMENTS["batch"], "img_size": ARGUMENTS["imgsz"], "learning_rate": ARGUMENTS["lr0"],
        "patience": 0, "seed": 0, "augmentation": more,
    })  # fmt: skip
    while job["status"] in ("pending", "running"):
        time.sleep(0.25)
        job = api("GET", f"training/{job['id']}/")
    if job["status"] != "completed":
        sys.exit(f"The training {job['status']}: {job['error_message']}")
    return time.perf_counter() - began


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
