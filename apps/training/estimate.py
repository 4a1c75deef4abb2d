"""How long a training will take and how much memory it needs: guesses that say how sure they are.

Work is counted in GFLOP: an image forwards is the architecture's GFLOPs at its size, learning from it three times that.
How much of it a second brings, earlier jobs on the same kind of device have measured; before the first, a usual figure
stands in. Memory comes from what the architecture was measured to keep for an image (see engine/measure.py).
"""

from statistics import median
from typing import NamedTuple

from django.db.models import F, Q

from apps.training.devices import uses_gpu
from apps.training.models import TrainingEpoch, TrainingJob

CPU_GFLOPS_A_CORE = 33  # yolov8n at 320 px on two cores: 66 a second
GPU_GFLOPS = 6000  # a middling GPU in mixed precision
CPU_SECONDS_AN_IMAGE, GPU_SECONDS_AN_IMAGE = 0.02, 0.004  # reading and changing it, which does not count in GFLOP
START_SECONDS = 10  # imports, looking at the images, the final validation
EPOCH_SECONDS = 1  # what each epoch takes besides its images: checkpoint, setting up the validation
LEAST_SHARE = 0.25  # of a measured epoch is the images' work, however short it was
EARLIER_JOBS, LAST_EPOCHS = 40, 20
PROCESS_MB, MB_A_MILLION = 900, 32  # torch itself; weights, gradients, optimizer, average, checkpoint
GPU_PROCESS_MB, GPU_MB_A_MILLION, GPU_SHARE = 700, 24, 0.65  # half precision keeps about two thirds
ENOUGH = 0.7  # of the memory: more is a risk


class Estimate(NamedTuple):
    """`low` to `high` seconds for all epochs; `how` says from what; `usual`: an epoch before what was learned here."""

    seconds: float
    low: float
    high: float
    epoch_seconds: float
    usual: float
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
    factor, spread, how = Learned(machine, gpu).factor(architecture.name, img_size)
    each = EPOCH_SECONDS + usual * factor
    total = each * epochs + START_SECONDS
    return Estimate(total, total / spread, total * spread, each, usual, how)


class Learned:
    """What the earlier jobs on a kind of device say about how far the usual figures are off; asked for once."""

    def __init__(self, machine, gpu):
        self._kind = "GPU" if gpu else "CPU"
        self._earlier = [
            (job["model_type"], job["img_size"], _work_seconds(job["seconds"]) / _usual(job, machine, gpu))
            for job in earlier_epochs(gpu)
        ]

    def factor(self, model_type, img_size):
        """(factor on the usual figure, how far it may be off, from what) by the jobs that are most alike."""
        same = [job for job in self._earlier if job[0] == model_type]
        like = [job for job in same if job[1] == img_size]
        for jobs, spread, what in (
            (like, 1.3, f"of {model_type} at {img_size} px"),
            (same, 1.7, f"of {model_type}"),
            (self._earlier, 2.5, f"on a {self._kind}"),
        ):
            if jobs:
                count = "the last training" if len(jobs) == 1 else f"the last {len(jobs)} trainings"
                return median(factor for *_, factor in jobs), spread, f"Measured in {count} {what} here."
        return 1, 4, f"No training on a {self._kind} was measured here yet: a rough guess from the network's size."


class Guesses:
    """How long jobs of the queue will take; what was learned is asked for once for all of them."""

    def __init__(self, machine):
        self._machine, self._learned = machine, {}

    def seconds(self, job):
        """Seconds for the epochs that a job has left, with its start; None where nothing is known of it."""
        if job.usual_epoch_seconds is None:
            return None
        gpu = uses_gpu(job.device, self._machine)
        if gpu not in self._learned:
            self._learned[gpu] = Learned(self._machine, gpu)
        factor, *_ = self._learned[gpu].factor(job.model_type, job.img_size)
        epoch = EPOCH_SECONDS + job.usual_epoch_seconds * factor
        seconds = START_SECONDS + epoch * max(job.epochs - job.current_epoch, 0)
        return min(seconds, max(job.time_limit - job.training_time, 0)) if job.time_limit else seconds


def _work_seconds(seconds):
    """Of a measured epoch what its images took: a short run's fixed cost must not grow with the next one's images."""
    return max(seconds - EPOCH_SECONDS, seconds * LEAST_SHARE)


def _usual(job, machine, gpu):
    about = job["environment"]
    return epoch_seconds(about["gflops"], 640, about["train_images"], about["val_images"], machine, gpu)


def earlier_epochs(gpu):
    """The newest jobs that measured at least two epochs on such a device, each with the seconds that an epoch took.

    Of each the last epochs tell, and of these the middle one: the first of a run warms up, and is not an epoch like
    those to come.
    """
    jobs = TrainingJob.objects.filter(environment__has_key="train_images", current_epoch__gte=2)
    on_cpu = Q(environment__device="cpu")
    jobs = jobs.exclude(on_cpu) if gpu else jobs.filter(on_cpu)
    jobs = list(jobs.order_by("-pk").values("pk", "model_type", "img_size", "environment")[:EARLIER_JOBS])
    last = F("job__current_epoch") - LAST_EPOCHS
    rows = TrainingEpoch.objects.filter(job__in=[job["pk"] for job in jobs], epoch__gt=last, seconds__gt=0).order_by()
    measured = {}
    for pk, epoch, seconds in rows.values_list("job_id", "epoch", "seconds"):
        measured.setdefault(pk, {})[epoch] = seconds
    for job in jobs:
        begun = {start["epoch"] for start in job["environment"].get("starts", [])} | {1}
        warm = [seconds for epoch, seconds in measured.get(job["pk"], {}).items() if epoch not in begun]
        if warm:
            yield job | {"seconds": median(warm)}


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
