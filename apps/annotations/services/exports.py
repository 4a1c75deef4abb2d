"""Exporting a dataset as an archive, as a job."""

import re
import shutil
import tempfile
import zipfile
from pathlib import PurePath

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from apps.annotations.formats import FORMATS
from apps.annotations.formats.base import Box, ImageLabels
from apps.annotations.services.versions import images_with_labels
from apps.core.images import upright_bytes
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset

TASK = "apps.annotations.tasks.export_archive"


def start_export(user, dataset, format="yolo", splits=(), only_labeled=True):
    """Queue an export; returns the job. No `splits` means all, images without one included."""
    params = {"dataset_id": dataset.pk, "format": format, "splits": list(splits), "only_labeled": only_labeled}
    return create_job(user, "export", TASK, subject=f"dataset:{dataset.pk}", params=params)


def run_export(job, report):
    """The work of an export job: the archive is written to disk as a stream and stored when it is whole."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    images = _chosen(dataset, job.params)
    total = images.count()
    if not total:
        raise WorkFailed("No image matches: nothing to export.")
    filename = f"{re.sub(r'[^A-Za-z0-9._-]+', '-', dataset.name).strip('-') or 'dataset'}-{job.params['format']}.zip"
    with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as draft:
        boxes = _write(
            draft, dataset, images, job.params["format"], lambda n: report(n / total, f"{n} of {total} images")
        )
        size = draft.tell()
        draft.seek(0)
        job.file.save(filename, File(draft), save=False)
    return {
        "url": f"/api/v1/jobs/{job.pk}/file", "filename": filename, "images": total, "boxes": boxes, "bytes": size,
        "figures": {"images": total, "boxes": boxes, "MB": round(size / 2**20, 1)},
    }  # fmt: skip


def _chosen(dataset, params):
    images = dataset.images.all()
    if params["splits"]:
        images = images.filter(split__in=params["splits"])
    return images.filter(is_labeled=True) if params["only_labeled"] else images


def _write(out, dataset, images, format, tell):
    count = {"boxes": 0}
    write = FORMATS[format].write
    done = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive:
        for entry in write(dataset.class_names, _labels(dataset, images, count), task=dataset.task):
            if entry.data is not None:
                with archive.open(entry.name, "w", force_zip64=True) as target:
                    for piece in entry.data:
                        target.write(piece)
                continue
            info = zipfile.ZipInfo(entry.name)  # pictures are compressed already
            with archive.open(info, "w", force_zip64=True) as target:
                _copy_picture(entry.image.key, target)
            done += 1
            tell(done)
        out.seek(0, 2)
    out.seek(0, 2)
    return count["boxes"]


def _labels(dataset, images, count):
    places = dataset.places
    for image, rows in images_with_labels(images):
        count["boxes"] += len(rows)
        yield ImageLabels(
            filename=image.filename if image.is_plain else f"{PurePath(image.filename).stem}.png",
            boxes=[_box(row, places) for row in rows], labelled=image.is_labeled, split=image.split, width=image.width,
            height=image.height, key=(image.file.name, image.is_plain),
        )  # fmt: skip


def _box(row, places):
    points = tuple(value for point in row.points for value in point) if row.points else None
    return Box(places[row.class_key], row.x_center, row.y_center, row.width, row.height, points, row.confidence)


def _copy_picture(key, target):
    name, is_plain = key
    try:
        stored = default_storage.open(name)
    except FileNotFoundError:
        raise WorkFailed(f"The stored file {name} is missing: deleted meanwhile, or lost by a disk.") from None
    with stored as file:
        if is_plain:
            shutil.copyfileobj(file, target, 1 << 20)
        else:  # labels are in the upright frame, and so must the picture be for tools that ignore EXIF
            target.write(upright_bytes(file.read()))
