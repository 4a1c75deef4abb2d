"""Same seed, same version, same arguments: the same metrics? And a training that was killed and went on?

    python benchmarks/same_seed.py
    python benchmarks/same_seed.py --epochs 10 --seed 3

Starts a platform of its own and runs three jobs on the CPU, one after the other: two left alone, and one whose engine
is killed in the middle. Prints the metrics of every epoch and the final ones side by side. Exit code: 0 where the two
that were left alone differ by at most 0.001.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
METRICS = ("mAP50", "mAP50_95", "precision", "recall")
MOST = 1e-3


def main():
    options = read_options()
    os.environ.setdefault("WEIGHTS_DOWNLOAD", "false")
    from yolotrainer.demo import running_platform, sign_in

    with tempfile.TemporaryDirectory() as scratch, running_platform(Path(scratch)) as (supervisor, base):
        api = sign_in(base, Path(scratch))
        dataset = api("GET", "datasets/?search=sample")["results"][0]
        runs = [train(api, dataset, options) for _ in range(2)]
        runs.append(train(api, dataset, options, kill_below=supervisor))
    sys.exit(compare(runs))


def read_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=96, help="pixels")
    return parser.parse_args()


def train(api, dataset, options, kill_below=None):
    """Run a job to its end; `[(name of the row, {metric: value}), ...]`. `kill_below`: kill its engine once."""
    job = api("POST", "training/", json={
        "dataset_id": dataset["id"], "model_type": "yolov8n", "weights": "scratch", "epochs": options.epochs,
        "batch_size": 8, "img_size": options.size, "patience": 0, "seed": options.seed, "device": "cpu",
        "learning_rate": 0.002, "augmentation": {"optimizer": "AdamW", "warmup_epochs": 1.0, "mosaic": 0.0},
    })  # fmt: skip
    half, starts = options.epochs // 2, 1 if kill_below is None else 2
    while job["status"] in ("pending", "running"):
        time.sleep(0.1)
        job = api("GET", f"training/{job['id']}/")
        if kill_below and job["status"] == "running" and job["current_epoch"] >= half:
            for process in psutil.Process(kill_below).children(recursive=True):
                if "apps.training.engine.train" in process.cmdline():
                    process.send_signal(signal.SIGKILL)
            kill_below = None
    if job["status"] != "completed":
        sys.exit(f"A training {job['status']}: {job['error_message']}")
    if job["attempts"] != starts or not any(row["mAP50"] for row in api("GET", f"training/{job['id']}/metrics")):
        sys.exit(f"This says nothing: {job['attempts']} starts where {starts} were meant, or nothing was learned.")
    rows = [(f"epoch {row['epoch']}", losses(row)) for row in api("GET", f"training/{job['id']}/metrics")]
    return [*rows, ("final", api("GET", f"models/{job['model_id']}/metrics")["overall"])]


def losses(row):
    """A row's numbers under one name each."""
    found = {name: row[name] for name in METRICS}
    for part in ("train_loss", "val_loss"):
        found |= {f"{part} {name}": value for name, value in row[part].items()}
    return found


def compare(runs):
    """Print the three side by side; 0 where the first two are the same to 0.001."""
    first, second, killed = runs
    print(f"{'':<10}{'mAP50 and mAP50-95 of':<22}{'the first':>17}{'the second':>17}{'the killed one':>17}")
    for rows in zip(first, second, killed, strict=True):
        shown = [f"{values['mAP50']:.4f}  {values['mAP50_95']:.4f}" for _, values in rows]
        print(f"{rows[0][0]:<32}" + "".join(f"{text:>17}" for text in shown))
    same, resumed = farthest(first, second), farthest(first, killed)
    print(f"\nlargest difference, left alone:       {same[0]:.6f} ({same[1]})")
    print(f"largest difference, killed and resumed: {resumed[0]:.6f} ({resumed[1]})")
    return int(same[0] > MOST)


def farthest(first, second):
    """(largest difference, where) of all metrics and losses."""
    return max(
        (abs(values[name] - other[name]), f"{name}, {row}")
        for (row, values), (_, other) in zip(first, second, strict=True)
        for name in values
        if isinstance(values[name], int | float)
    )


if __name__ == "__main__":
    main()
