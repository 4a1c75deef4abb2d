"""The folder that YOLO trains on: a version as files, made once on each machine that needs it."""

import os
import shutil
import tempfile
import time
from pathlib import Path

import yaml
from django.conf import settings
from django.core.files.storage import default_storage

from apps.annotations.models import DatasetVersion
from apps.annotations.services.entries import version_entries, version_header, working_entries
from apps.core.images import upright_bytes
from apps.datasets.models import SPLITS, Dataset

UNUSED_DAYS = 30
GRACE_SECONDS = 1800  # a training of a version that was deleted needs some seconds to notice


def yolo_folder(version):
    """The version as a folder that ultralytics trains on, made once; returns the path of its data.yaml.

    Only labelled images with a split go in. Local files are linked, others are fetched.
    """
    folder = _root() / f"{version.pk}-{Path(version.manifest.name).name[:12]}"
    data_yaml = folder / "data.yaml"
    if not data_yaml.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
        try:
            _fill(version, draft, folder)
            draft.rename(folder)
        except OSError:
            if not data_yaml.exists():  # else another worker was first
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    os.utime(data_yaml)  # used now, says the cleaning
    return data_yaml


def _root():
    return settings.WORK_DIR / "datasets"


def _fill(version, draft, final):
    for split in SPLITS:
        (draft / "images" / split).mkdir(parents=True)
        (draft / "labels" / split).mkdir(parents=True)
    header, used = version_header(version), set()
    places = {key: place for place, key in enumerate(header["class_keys"])}
    polygons = header["task"] == Dataset.Task.SEGMENT
    for entry in version_entries(version):
        if entry["labeled"] and entry["split"]:
            used.add(entry["split"])
            _place_image(entry, draft / "images" / entry["split"])
            rows = "".join(_label_row(places[box[0]], box, polygons) for box in entry["boxes"])
            (draft / "labels" / entry["split"] / f"{entry['sha256']}.txt").write_text(rows)
    data = {"path": str(final), "train": "images/train", "val": "images/val"}
    if "test" in used:
        data["test"] = "images/test"
    data["names"] = dict(enumerate(header["class_names"]))
    (draft / "data.yaml").write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000), "utf-8")


def _label_row(class_id, box, polygons):
    _, x, y, w, h, points = box[:6]
    numbers = [x, y, w, h]
    if polygons:  # a box becomes its four corners: Ultralytics cannot read a file that mixes both
        left, right, top, bottom = x - w / 2, x + w / 2, y - h / 2, y + h / 2
        points = points or [[left, top], [right, top], [right, bottom], [left, bottom]]
        numbers = [min(max(value, 0.0), 1.0) for point in points for value in point]
    return f"{class_id} " + " ".join(f"{number:.8f}" for number in numbers) + "\n"


def _place_image(entry, folder):
    suffix = Path(entry["file"]).suffix
    if not entry["plain"]:
        with default_storage.open(entry["file"]) as file:
            (folder / f"{entry['sha256']}.png").write_bytes(upright_bytes(file.read()))
        return
    target = folder / f"{entry['sha256']}{suffix}"
    try:
        os.symlink(default_storage.path(entry["file"]), target)
    except NotImplementedError:  # a store that is not on this machine
        with default_storage.open(entry["file"]) as file, target.open("wb") as out:
            shutil.copyfileobj(file, out)


def sample_folder(dataset, folder, limit):
    """Write up to `limit` labelled train images of a dataset, as it is now, as `images` and `labels`; returns how many.

    The same ones again as long as they are there.
    """
    for name in ("images", "labels"):
        (folder / name).mkdir()
    chosen = dataset.images.filter(split="train", is_labeled=True, num_boxes__gt=0).order_by("sha256")[:limit]
    entries = list(working_entries(dataset.images.filter(pk__in=[image.pk for image in chosen])))
    places = {key: place for place, key in enumerate(dataset.class_keys)}
    polygons = dataset.task == Dataset.Task.SEGMENT
    for entry in entries:
        _place_image(entry, folder / "images")
        rows = "".join(_label_row(places[box[0]], box, polygons) for box in entry["boxes"])
        (folder / "labels" / f"{entry['sha256']}.txt").write_text(rows)
    return len(entries)


def validation_images(version, limit):
    """Paths of up to `limit` validation images of a version, for engines to look at."""
    folder = yolo_folder(version).parent / "images" / "val"
    return [str(path) for path in sorted(folder.iterdir())[:limit]]


def clean_yolo_folders(in_use=()):
    """Delete this machine's folders of versions that are gone, and those unused for a month; returns how many.

    Never one of a version of `in_use` (ids), and none that was used within the last half hour.
    """
    if not _root().is_dir():
        return 0
    known, kept = set(DatasetVersion.objects.values_list("pk", flat=True)), set(in_use)
    return sum(_clean(folder, known, kept) for folder in _root().iterdir() if folder.is_dir())


def _clean(folder, known, kept):
    number = folder.name.split("-")[0]
    pk = int(number) if number.isdecimal() else None  # a draft that a kill left has none
    idle = time.time() - _last_used(folder)
    over = UNUSED_DAYS * 86400 if pk in known else GRACE_SECONDS if pk else 86400
    if pk in kept or idle < over:
        return 0
    doomed = folder.with_name(f".draft-gone-{folder.name}")
    try:
        folder.rename(doomed)  # whoever builds it again meanwhile does not meet half a folder
    except FileNotFoundError:  # another cleaning was first
        return 0
    shutil.rmtree(doomed, ignore_errors=True)
    return 1


def _last_used(folder):
    data_yaml = folder / "data.yaml"
    try:
        return (data_yaml if data_yaml.exists() else folder).stat().st_mtime
    except FileNotFoundError:
        return time.time()
