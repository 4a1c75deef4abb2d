"""The arguments that the engine is given for a job."""

from django.conf import settings

from apps.training.devices import AUTO, FIT, uses_gpu
from apps.training.estimate import fitting_batch
from apps.training.machine import this_machine
from apps.training.registry import architectures, family_of


def trainer_of(job):
    """The engine's name for how the job's architecture is trained."""
    family = family_of(job.model_type)
    return family.trainer if family else "yolo"


def engine_arguments(job, images):
    """Ultralytics' arguments for a job on this machine; `images` are those that it learns from."""
    machine = this_machine()
    device = job.device if job.device != AUTO else settings.TRAINING_DEVICE or AUTO
    arguments = {
        "epochs": job.epochs, "batch": job.batch_size, "imgsz": job.img_size, "patience": job.patience,
        "seed": job.seed, **job.arguments,
    }  # fmt: skip
    if job.batch_size == FIT and not uses_gpu(device, machine):  # ultralytics measures only on CUDA
        arguments["batch"] = fitting_batch(architectures()[job.model_type], job.img_size, images, machine)
    if job.learning_rate is not None:
        arguments["lr0"] = job.learning_rate
        if arguments.get("optimizer", "auto") == "auto":  # with "auto" ultralytics ignores lr0
            arguments["optimizer"] = "AdamW"
    if trainer_of(job) == "rtdetr":
        arguments.setdefault("amp", False)  # its matching breaks on the NaN that half precision gives
    if device != AUTO:
        arguments["device"] = device
    return arguments
