"""A training job as it looks after some epochs, without training: rows for benchmarks and for looking at the page."""

import math
import random
from datetime import timedelta

from django.utils import timezone

LINE = "      {:>3}/{}         0G     {:.4f}     {:.4f}     {:.4f}         {:>3}        640: 100% 124/124 1.9it/s\n"
VALIDATED = "                 Class     Images  Instances          P          R      mAP50   mAP50-95\n"
ALL = "                   all        872       1742      {:.4f}     {:.4f}     {:.4f}     {:.4f}\n"
MACHINE = {"cores": 2, "memory_mb": 8000, "gpus": []}


def fill_job(user, dataset, epochs, done, log_bytes=0, gpus=0, **fields):
    """A TrainingJob with `done` of its epochs, a log of about so many characters, and what it used."""
    from apps.training.models import TrainingEpoch, TrainingJob, TrainingUsage
    from apps.training.services.log import append_log

    rng, now = random.Random(epochs + done), timezone.now()
    machine = MACHINE | {"gpus": [{"name": "A GPU", "memory_mb": 24_000}] * gpus}
    about = {"device": "cuda:0" if gpus else "cpu", "machine": machine, "warnings": [], "starts": [{"epoch": 1}]}
    values = {
        "name": f"Cells, {epochs} epochs", "model_type": "yolov8n", "weights": "auto", "batch_size": 16,
        "img_size": 640,
        "patience": 50, "arguments": {"optimizer": "AdamW", "mosaic": 0.5, "degrees": 0.0, "cos_lr": True},
        "environment": about, "started_from": "pretrained yolov8n.pt", "training_time": done * 71.0,
        "current_epoch": done, "started_at": now - timedelta(seconds=done * 71),
    }  # fmt: skip
    job = TrainingJob.objects.create(user=user, dataset=dataset, epochs=epochs, **values | fields)
    rows = [
        TrainingEpoch(job=job, epoch=n, seconds=70 + rng.random(), metrics=_metrics(n, done, rng))
        for n in range(1, done + 1)
    ]
    best = max(rows, key=lambda row: row.metrics["mAP50_95"], default=None)
    highest = -1
    for row in rows:
        row.metrics["is_best"] = row.metrics["mAP50_95"] > highest
        highest = max(highest, row.metrics["mAP50_95"])
    TrainingEpoch.objects.bulk_create(rows, batch_size=500)
    if best:
        TrainingJob.objects.filter(pk=job.pk).update(best_epoch=best.epoch, best_map=best.metrics["mAP50_95"])
    append_log(job, _log(rows, epochs, log_bytes, rng))
    count = min(done * 7, 599)
    each = done * 71 / max(count, 1)
    TrainingUsage.objects.bulk_create(
        TrainingUsage(job=job, at=now - timedelta(seconds=(count - n) * each), seconds=each, values=_usage(gpus, rng))
        for n in range(count)
    )
    job.refresh_from_db()
    return job


def _metrics(epoch, done, rng):
    learned = 1 - math.exp(-4 * epoch / max(done, 10)) + rng.gauss(0, 0.012)
    fall = math.exp(-3 * epoch / max(done, 10))
    losses = {"box": 0.9 + fall + rng.gauss(0, 0.02), "cls": 0.5 + 2 * fall + rng.gauss(0, 0.03)}
    losses["dfl"] = 1.0 + 0.4 * fall
    checked = {name: value * 1.08 + rng.gauss(0, 0.03) for name, value in losses.items()}
    rates = [0.01 * fall, 0.01 * fall, 0.02 * fall]
    share = {"precision": 0.94, "recall": 0.88, "mAP50": 0.91, "mAP50_95": 0.62}
    return {
        "train_loss": losses, "val_loss": checked, "lr": rates[0], "learning_rates": rates, "fitness": 0.6 * learned,
        "is_best": False, "val_seconds": 4.2, **{name: min(part * learned, 1) for name, part in share.items()},
    }  # fmt: skip


def _log(rows, epochs, size, rng):
    lines = [
        "Ultralytics 8.4.190 🚀 Python-3.11 torch-2.14.1 CPU\n",
        "WARNING ⚠️ a label file of train is empty: 0007.txt\n",
    ]
    for row in rows:
        metrics = row.metrics
        lines.append(
            LINE.format(row.epoch, epochs, *metrics["train_loss"].values(), rng.randrange(999), rng.randrange(9))
        )
        lines += [VALIDATED, ALL.format(*(metrics[name] for name in ("precision", "recall", "mAP50", "mAP50_95")))]
    per_line = "train: a line such as libraries print by the thousand, number {:>6} of the run\n"
    missing = size - sum(map(len, lines))
    return "".join([lines[0], *(per_line.format(n) for n in range(max(missing, 0) // len(per_line))), *lines[1:]])


def _usage(gpus, rng):
    return {
        "cpu": 170 + rng.gauss(0, 10), "memory": 1400 + rng.randrange(300), "machine_cpu": 93 + rng.random() * 6,
        "machine_memory": 2500 + rng.randrange(300), "disk": 41.5,
        "gpus": [[90 + rng.randrange(9), 9000 + rng.randrange(500), 66 + rng.randrange(7)] for _ in range(gpus)],
    }  # fmt: skip
