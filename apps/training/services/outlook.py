"""What a training would be like, before it is queued: its time, its memory, and why it cannot or should not be."""

from typing import NamedTuple

from django.db.models import Count, Q

from apps.annotations.services.statistics import dataset_statistics
from apps.annotations.services.versions import labeled_counts
from apps.core.templatetags.ui import duration
from apps.training.arguments import argument_problems
from apps.training.devices import AUTO, FIT, device_problems, gpu_numbers, uses_gpu
from apps.training.estimate import ENOUGH, Estimate, estimate_time, fitting_batch, memory_mb
from apps.training.registry import Architecture
from apps.training.templatetags.guesses import gigabytes

FEW_IMAGES, VERY_FEW_IMAGES = 300, 50
FEW_PER_CLASS = 20
HOPELESS = 1.5  # times the memory there is: the guess of memory is not that far off


class Outlook(NamedTuple):
    """`memory_mb` of `memory_there_mb` on the `place` ("GPU" or "machine"); `problems` are `{field: reason}`."""

    architecture: Architecture
    time: Estimate
    memory_mb: float
    memory_there_mb: float
    batch: int
    place: str
    problems: dict[str, str]
    warnings: list[str]

    @property
    def memory_share(self):
        return self.memory_mb / self.memory_there_mb if self.memory_there_mb else 0


def outlook(
    architecture, images, machine, *, img_size, batch_size, epochs, device=AUTO, arguments=None, time_limit=None, **_
):
    """What to expect of these settings on the machine; `images` are `{"train", "val"}`, those with labels."""
    arguments = arguments or {}
    gpu = uses_gpu(device, machine)
    gpus = max(len(gpu_numbers(device)), 1)
    batch = batch_size
    if batch_size == FIT:
        batch = fitting_batch(architecture, img_size, images["train"], machine)
    train = round(images["train"] * arguments.get("fraction", 1)) or 1
    time = estimate_time(architecture, img_size, epochs, train, images["val"], machine, gpu, gpus)
    largest = img_size * (1 + arguments.get("multi_scale", 0))
    needed = memory_mb(architecture, largest, batch / gpus, gpu)
    there = min(g.memory_mb for g in machine.gpus) if gpu and machine.gpus else machine.memory_mb
    fits = gpu and batch_size == FIT  # measured there, on the GPU itself
    problems = argument_problems(arguments, architecture.name) | device_problems(device, batch_size, machine)
    warnings = []
    if machine.known and not fits:
        place = "GPU" if gpu else "machine"
        problem, warning = _memory_words(needed, there, place, batch)
        problems |= problem
        warnings += warning
    if not gpu and architecture.family.trainer == "rtdetr":
        warnings.append("RT-DETR learns slowly: on a CPU expect days on real photos.")
    warnings += _step_words(batch, train)
    if time_limit and time.seconds > time_limit:
        warnings.append(
            f"It will probably take longer than its limit of {duration(time_limit)}, and then end with the best so far."
        )
    return Outlook(
        architecture, time, 0 if fits else needed, there, batch, "GPU" if gpu else "machine", problems, warnings
    )  # fmt: skip


def _memory_words(needed, there, place, batch):
    """(problems, warnings) about memory."""
    words = f"It would need about {gigabytes(needed)}, and the {place} has {gigabytes(there)}"
    advice = "Use a smaller batch, image size or model." if batch > 1 else "Use a smaller image size or model."
    if needed > HOPELESS * there:
        return {"batch_size": f"{words}. {advice}"}, []
    if needed > ENOUGH * there:
        return {}, [f"{words}: it may run out. {advice}"]
    return {}, []


def _step_words(batch, train):
    steps = -(-train // batch)
    if steps >= 3:
        return []
    return [f"Only {steps} step{'' if steps == 1 else 's'} an epoch: a smaller batch learns more from {train} images."]


def images_of(dataset, version=None):
    """`{"train", "val", "test", "train_boxes"}`: labelled images of the splits, as they are now or in a version."""
    if version is not None:
        return labeled_counts(version)
    counts = {split: Count("pk", filter=Q(split=split, is_labeled=True)) for split in ("train", "val", "test")}
    return dataset.images.aggregate(**counts, train_boxes=Count("pk", filter=Q(split="train", num_boxes__gt=0)))


def health_warnings(dataset, version=None):
    """Sentences about what will make a model of this dataset, or its figures, poor. Leaks have words of their own."""
    images = images_of(dataset, version)
    return [*_counted(images), *_classes(dataset)]


def _counted(images):
    train, val = images["train"], images["val"]
    found = []
    if train < VERY_FEW_IMAGES:
        found.append(f"Only {train} labelled image{'' if train == 1 else 's'} to learn from: the model will be poor.")
    elif train < FEW_IMAGES:
        found.append(f"{train} labelled images to learn from are few; some hundreds a class are usual.")
    if val < 20:
        found.append(f"Only {val} to measure on: the figures will jump by chance.")
    if not images.get("test"):
        found.append(
            "No test split: the best epoch is chosen on validation, so its figures flatter the model a little."
        )
    return found


def _classes(dataset):
    """About classes without boxes and rare ones, of the dataset as it is now; nothing where it was not counted yet."""
    classes = dataset_statistics(dataset)["classes"]
    if classes is None:
        return []
    in_train = {row["class_name"]: row["splits"]["train"]["boxes"] for row in classes}
    empty = [name for name, boxes in in_train.items() if not boxes]
    rare = [name for name, boxes in in_train.items() if 0 < boxes < FEW_PER_CLASS]
    found = []
    if empty:
        found.append(f"Without a box in train, so never learned: {_named(empty)}.")
    if rare:
        found.append(f"With fewer than {FEW_PER_CLASS} boxes in train: {_named(rare)}.")
    return found


def _named(names, most=6):
    shown = ", ".join(f"“{name}”" for name in names[:most])
    return f"{shown} and {len(names) - most} more" if len(names) > most else shown
