"""What one sees of a training: its first batches, and a few validation images with what was found in them."""

import hashlib
import logging
from collections import Counter, defaultdict
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from apps.annotations.services.entries import version_entries, version_header
from apps.datasets.models import CLASS_COLORS
from apps.datasets.services.files import expect_files, forget_files, keep_files
from apps.training.models import TrainingLook, TrainingPicture, TrainingWatch

log = logging.getLogger(__name__)
WATCHED = 8  # images
KEPT = 50  # looks of a job, and beside them the first, the best and the newest


def watch_of(job):
    """The job's watch, made at its first start: which images, their labels, and the colours of the classes."""
    watch = TrainingWatch.objects.filter(job=job).first()
    if watch is None:
        header = version_header(job.dataset_version)
        keys = header["class_keys"]
        images = choose_images(version_entries(job.dataset_version), keys)
        watch = TrainingWatch.objects.create(
            job=job, classes=_classes(job.dataset, header["class_names"], keys),
            images=[_with_labels(entry, keys) for entry in images],
        )  # fmt: skip
    return watch


def engine_pictures(job):
    """What the engine is told of the watch."""
    watch = watch_of(job)
    return {
        "images": [image["sha256"] for image in watch.images],
        "colors": [one["color"] for one in watch.classes],
    }


def choose_images(entries, class_keys, count=WATCHED):
    """Up to `count` of a version's validation images, spread over the classes: the rarest class has the first choice.

    `entries` come in the order of their hashes, so that the same version gives the same images.
    """
    of_class, images_of, empty = defaultdict(list), Counter(), []
    for entry in entries:
        if entry["split"] != "val" or not entry["labeled"]:
            continue
        keys = {box[0] for box in entry["boxes"]}
        images_of.update(keys)
        for held in [of_class[key] for key in keys] or [empty]:
            if len(held) < count:
                held.append(entry)
    chosen = {}
    order = sorted(images_of, key=lambda key: (images_of[key], class_keys.index(key)))
    turns = [entry for place in range(count) for key in order for entry in of_class[key][place : place + 1]]
    for entry in turns + empty:
        if len(chosen) < count:
            chosen.setdefault(entry["sha256"], entry)
    return list(chosen.values())


def _classes(dataset, names, keys):
    places = {key: place for place, key in enumerate(dataset.class_keys)}
    return [
        {
            "name": name,
            "color": dataset.color_of(places[key]) if key in places else CLASS_COLORS[key % len(CLASS_COLORS)],
        }
        for name, key in zip(names, keys, strict=True)
    ]


def _with_labels(entry, keys):
    labels = [[keys.index(box[0]), *(round(value, 5) for value in box[1:5])] for box in entry["boxes"]]
    return {name: entry[name] for name in ("sha256", "filename", "width", "height")} | {"labels": labels}


def forget_looks(job, first):
    """Epochs from `first` on are learned again."""
    job.looks.filter(epoch__gte=first).delete()


def keep_look(job, epoch, found):
    """Write down what was found after an epoch, and let go of what is too much."""
    TrainingLook.objects.update_or_create(job=job, epoch=epoch, defaults={"found": found})
    if epoch > KEPT:
        job.looks.filter(epoch__lt=epoch).exclude(epoch__in=epochs_to_keep(epoch, best_epoch(job))).delete()


def epochs_to_keep(newest, best=None):
    """Of the epochs 1 to `newest` those to keep: evenly spread, with the first, the best and the newest."""
    stride = 1
    while -(-newest // stride) > KEPT:
        stride *= 2
    return {1, newest, *range(1, newest + 1, stride)} | ({best} if best else set())


def best_epoch(job):
    """The epoch whose weights are the best so far, or None."""
    best = job.epoch_rows.filter(metrics__is_best=True).order_by("-epoch")
    return best.values_list("epoch", flat=True).first()


def keep_picture(job, event):
    """Store the picture of a batch, in place of one that a run before this one drew of the same batch."""
    data = Path(event["file"]).read_bytes()
    name = f"{event['kind']}-{event['number']}-{hashlib.sha256(data).hexdigest()[:16]}.jpg"
    stored = f"datasets/{job.dataset_id}/training/{job.pk}/{name}"  # they go with the dataset, whose images they show
    if expect_files([stored]):
        default_storage.save(stored, ContentFile(data))
    about = {name: event[name] for name in ("epoch", "images", "tiles")}
    with transaction.atomic():
        same = TrainingPicture.objects.filter(job=job, kind=event["kind"], number=event["number"])
        forget_files(same.exclude(file=stored).values_list("file", flat=True))
        TrainingPicture.objects.update_or_create(
            job=job, kind=event["kind"], number=event["number"], defaults={"file": stored, **about}
        )
        keep_files([stored])


def forget_pictures(job):
    """Note a job's pictures for deletion, in the transaction that deletes the job."""
    forget_files(job.pictures.values_list("file", flat=True))
