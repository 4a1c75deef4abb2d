"""How long a training will take and how much memory it needs: guesses that say how sure they are.

Work is counted in GFLOP: an image forwards is the architecture's GFLOPs at its size, learning from it three times that.
How much of it a second brings, earlier jobs on the same kind of device have measured; before the first, a usual figure
stands in. Memory comes from what the architecture was measured to keep for an image (see engine/measure.py).
"""

from statistics import median
from typing import NamedTuple

from django.db.models import Avg, Count, Q

from apps.training.models import TrainingJob

CPU_GFLOPS_A_CORE = 33  # yolov8n at 320 px on two cores: 66 a second
GPU_GFLOPS = 6000  # a middling GPU in mixed precision
CPU_SECONDS_AN_IMAGE, GPU_SECONDS_AN_IMAGE = 0.02, 0.004  # reading and changing it, which does not count in GFLOP
START_SECONDS = 10  # imports, looking at the images, the final validation
EARLIER_JOBS = 40
PROCESS_MB, MB_A_MILLION = 900, 32  # torch itself; weights, gradients, optimizer, average, checkpoint
GPU_PROCESS_MB, GPU_MB_A_MILLION, GPU_SHARE = 700, 24, 0.65  # half precision keeps about two thirds
ENOUGH = 0.7  # of the memory: more is a risk


class Estimate(NamedTuple):
    """`low` to `high` seconds for all epochs; `how` says from what."""

    seconds: float
    low: float
    high: float
    epoch_seconds: float
    how: str


def epoch_seconds(gflops, img_size, train, val, machine, gpu):
    """Seconds of one epoch by the usual figures."""
    work = gflops * (img_size / 640) ** 2 * (3 * train + val)
    if gpu:
        return work / GPU_GFLOPS + (train + val) * GPU_SECONDS_AN_IMAGE
    cores = max(machine.cores, 1)
    return work / (CPU_GFLOPS_A_CORE * cores) + (train + val) * CPU_SECONDS_AN_IMAGE / cores


def estimate_time(architecture, img_size, epochs, train, val, machine, gpu, gpus=1):
    """An Estimate for `train` and `val` images; `gpus` share the work."""
    usual = epoch_seconds(architecture.gflops, img_size, train, val, machine, gpu) / max(gpus, 1)
    factor, spread, how = _learned(architecture.name, img_size, machine, gpu)
    each = usual * factor
    total = each * epochs + START_SECONDS
    return Estimate(total, total / spread, total * spread, each, how)


def _learned(model_type, img_size, machine, gpu):
    """(factor on the usual figure, how far it may be off, from what) by the earlier jobs that are most alike."""
    earlier = list(earlier_epochs(gpu))
    like = [job for job in earlier if (job["model_type"], job["img_size"]) == (model_type, img_size)]
    same = [job for job in earlier if job["model_type"] == model_type]
    kind = "GPU" if gpu else "CPU"
    for jobs, spread, what in (
        (like, 1.3, f"of {model_type} at {img_size} px"),
        (same, 1.7, f"of {model_type}"),
        (earlier, 2.5, f"on a {kind}"),
    ):
        if jobs:
            factor = median(job["seconds"] / _usual(job, machine, gpu) for job in jobs)
            count = "the last training" if len(jobs) == 1 else f"the last {len(jobs)} trainings"
            return factor, spread, f"Measured in {count} {what} here."
    return 1, 4, f"No training on a {kind} was measured here yet: a rough guess from the network's size."


def _usual(job, machine, gpu):
    about = job["environment"]
    return epoch_seconds(about["gflops"], 640, about["train_images"], about["val_images"], machine, gpu)


def earlier_epochs(gpu):
    """The newest jobs that measured at least two epochs on such a device, each with its mean seconds of an epoch.

    The first epoch of each is left out: it warms up.
    """
    jobs = TrainingJob.objects.filter(environment__has_key="train_images", current_epoch__gte=2)
    on_cpu = Q(environment__device="cpu")
    warm = Q(epoch_rows__epoch__gt=1, epoch_rows__seconds__gt=0)
    rows = jobs.exclude(on_cpu) if gpu else jobs.filter(on_cpu)
    rows = rows.annotate(seconds=Avg("epoch_rows__seconds", filter=warm), measured=Count("epoch_rows", filter=warm))
    wanted = ("model_type", "img_size", "seconds", "environment")
    return rows.filter(measured__gt=0).order_by("-pk").values(*wanted)[:EARLIER_JOBS]


def memory_mb(architecture, img_size, batch, gpu):
    """MiB that a training needs at its height, on the GPU or in the machine's memory."""
    kept = architecture.activation_mb * (img_size / 640) ** 2 * batch
    if gpu:
        return GPU_PROCESS_MB + GPU_MB_A_MILLION * architecture.parameters_m + GPU_SHARE * kept
    return PROCESS_MB + MB_A_MILLION * architecture.parameters_m + kept


def fitting_batch(architecture, img_size, images, machine):
    """The batch that "as large as fits" means on a CPU, where a larger one is no quicker.

    The usual 16, halved until it fits the memory and each epoch has at least four steps.
    """
    batch = 16
    while batch > 1 and (
        memory_mb(architecture, img_size, batch, gpu=False) > ENOUGH * machine.memory_mb or batch * 4 > max(images, 4)
    ):
        batch //= 2
    return batch
