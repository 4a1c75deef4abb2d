"""Immutable versions of a dataset, and the folder that YOLO trains on."""

import gzip
import hashlib
import json
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.annotations.models import Annotation, DatasetVersion
from apps.core.images import upright_bytes
from apps.datasets.models import SPLITS, Dataset, DatasetImage

PAGE = 1000


def create_version(dataset, user):
    """Snapshot the dataset; returns (version, whether it is new). Nothing changed: the same version again."""
    with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as draft:
        with transaction.atomic():
            dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)  # as it is now, classes too
            found = _write_manifest(dataset, draft)
            DatasetImage.objects.filter(dataset=dataset, in_version=False).update(in_version=True)
        draft.seek(0)
        return _keep_version(dataset, user, draft, found)


def _keep_version(dataset, user, draft, found):
    same = DatasetVersion.objects.filter(dataset=dataset, content_hash=found["content_hash"]).first()
    if same:
        return same, False
    name = f"datasets/{dataset.pk}/versions/{found['content_hash']}.jsonl.gz"
    default_storage.save(name, File(draft, name=name))
    try:
        with transaction.atomic():
            Dataset.objects.select_for_update().get(pk=dataset.pk)
            number = (dataset.versions.aggregate(last=Max("number"))["last"] or 0) + 1
            return DatasetVersion.objects.create(
                dataset=dataset, number=number, created_by=user, manifest=name, **found
            ), True  # fmt: skip
    except IntegrityError:  # someone made the same version meanwhile
        return DatasetVersion.objects.get(dataset=dataset, content_hash=found["content_hash"]), False


def _write_manifest(dataset, out):
    """Write the manifest, a header line and a line an image, gzipped; returns what a version knows of it."""
    digest, splits, num_images, num_boxes = hashlib.sha256(), Counter(), 0, 0
    with gzip.GzipFile(fileobj=out, mode="wb", mtime=0, compresslevel=5) as lines:

        def write(entry):
            line = json.dumps(entry, sort_keys=True, separators=(",", ":")).encode() + b"\n"
            digest.update(line)
            lines.write(line)

        places = dataset.places
        write({
            "format": 2, "task": dataset.task, "class_names": dataset.class_names, "class_keys": dataset.class_keys,
        })  # fmt: skip
        for image, boxes in images_with_labels(dataset.images.all()):
            write(_entry(image, boxes, places))
            num_images += 1
            num_boxes += len(boxes)
            splits[image.split] += 1
    return {
        "content_hash": digest.hexdigest(), "class_names": dataset.class_names,
        "class_keys": dataset.class_keys, "num_images": num_images, "num_boxes": num_boxes,
        "split_counts": {split: splits[split] for split in (*SPLITS, "")},
    }  # fmt: skip


def images_with_labels(images):
    """Yield (image, its annotations) in the order of the ids, a page of rows at a time."""
    last = 0
    while True:
        page = list(images.filter(pk__gt=last).order_by("pk")[:PAGE])
        if not page:
            return
        last = page[-1].pk
        labels = {image.pk: [] for image in page}
        rows = Annotation.objects.filter(image__dataset_id=page[0].dataset_id, image__gte=page[0].pk, image__lte=last)
        for row in rows.order_by("pk"):
            if row.image_id in labels:
                labels[row.image_id].append(row)
        for image in page:
            yield image, labels[image.pk]


def _entry(image, boxes, places):
    return {
        "sha256": image.sha256, "file": image.file.name, "filename": image.filename, "plain": image.is_plain,
        "width": image.width, "height": image.height, "split": image.split, "labeled": image.is_labeled,
        "boxes": [
            [
                places[box.class_key], box.x_center, box.y_center, box.width, box.height,
                *([box.points] if box.points else []),
            ]
            for box in boxes
        ],
    }  # fmt: skip


def read_manifest(version):
    """Yield the entries of a version's images, as `_entry` wrote them."""
    with version.manifest.open("rb") as file, gzip.open(file, "rt") as lines:
        next(lines)
        for line in lines:
            yield json.loads(line)


def yolo_folder(version):
    """The version as a folder that ultralytics trains on, made once; returns the path of its data.yaml.

    Only labelled images with a split go in. Local files are linked, others are fetched.
    """
    folder = settings.WORK_DIR / "datasets" / f"{version.pk}-{version.content_hash[:12]}"
    if not (folder / "data.yaml").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
        try:
            _fill_yolo_folder(version, draft, folder)
            draft.rename(folder)
        except OSError:
            if not (folder / "data.yaml").exists():  # else another worker was first
                raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    return folder / "data.yaml"


def _fill_yolo_folder(version, draft, final):
    for split in SPLITS:
        (draft / "images" / split).mkdir(parents=True)
        (draft / "labels" / split).mkdir(parents=True)
    used, polygons = set(), version.dataset.task == Dataset.Task.SEGMENT
    for entry in read_manifest(version):
        if entry["labeled"] and entry["split"]:
            used.add(entry["split"])
            _place_image(entry, draft / "images" / entry["split"])
            rows = "".join(_label_row(box, polygons) for box in entry["boxes"])
            (draft / "labels" / entry["split"] / f"{entry['sha256']}.txt").write_text(rows)
    data = {"path": str(final), "train": "images/train", "val": "images/val"}
    if "test" in used:
        data["test"] = "images/test"
    data["names"] = dict(enumerate(version.class_names))
    (draft / "data.yaml").write_text(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=10_000), "utf-8")


def _label_row(box, polygons):
    class_id, *numbers = box[:5]
    if polygons:  # a box becomes its four corners: Ultralytics cannot read a file that mixes both
        x, y, w, h = numbers
        left, right, top, bottom = x - w / 2, x + w / 2, y - h / 2, y + h / 2
        points = box[5] if len(box) > 5 else [[left, top], [right, top], [right, bottom], [left, bottom]]
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


def validation_images(version, limit):
    """Paths of up to `limit` validation images of a version, for engines to look at."""
    folder = yolo_folder(version).parent / "images" / "val"
    return [str(path) for path in sorted(folder.iterdir())[:limit]]
