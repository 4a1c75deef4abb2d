"""An image's way in: checked, noted, stored, and only then a row.

Files are stored before their rows, so that no row ever lacks its file. What is about to be stored is noted for
deletion first, due in an hour, and the note is taken back in the transaction that inserts the row: so a kill at any
moment leaves no file that nobody knows of for long.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import PurePath

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F

from apps.core.images import check_image
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services.files import expect_files, keep_files

STORERS = 4  # files that are stored at once; where the store is elsewhere, each waits for the network


@dataclass
class NewImage:
    """An unsaved row, and the bytes of its files by their stored names."""

    row: DatasetImage
    files: dict[str, bytes]


def check_new_image(dataset, filename, data, split="", **more):
    """Decode `data` and return the NewImage; stores nothing, asks no database, raises BadImage.

    `more` are further fields of the row.
    """
    checked = check_image(data)
    folder = f"datasets/{dataset.pk}"
    row = DatasetImage(
        dataset=dataset, filename=clean_filename(filename), sha256=checked.sha256, num_bytes=len(data),
        width=checked.width, height=checked.height, orientation=checked.orientation, is_plain=checked.is_plain,
        signature=checked.signature, brightness=round(checked.brightness), taken_at=checked.taken_at,
        camera=checked.camera, split=split,
        file=f"{folder}/images/{checked.sha256}.{checked.extension}",
        thumbnail=f"{folder}/thumbs/{checked.sha256}.jpg",
        preview=f"{folder}/previews/{checked.sha256}.png" if checked.preview else "", **more,
    )  # fmt: skip
    files = {row.thumbnail.name: checked.thumbnail, row.file.name: data}
    if checked.preview:
        files[row.preview.name] = checked.preview
    return NewImage(row, files)


def store_images(new_images):
    """Store the files of these NewImages, as far as they are not there already; `insert_rows` must follow."""
    files = {name: data for new in new_images for name, data in new.files.items()}
    missing = expect_files(files)
    for new in new_images:
        # A file that is there without its row may belong to a version: the row must not take it along when it goes.
        new.row.in_version = new.row.file.name not in missing
    if len(missing) < STORERS:
        for name in missing:
            _store(name, files[name])
        return
    with ThreadPoolExecutor(STORERS, thread_name_prefix="store") as pool:
        for stored in [pool.submit(_store, name, files[name]) for name in missing]:
            stored.result()


def _store(name, data):
    default_storage.save(name, ContentFile(data))


@transaction.atomic
def insert_rows(dataset, rows):
    """Insert rows whose files are stored; the same bytes twice are one image.

    Returns (inserted rows, `{sha256: row}` of those that were there already). Counts are the caller's to refresh.
    """
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    known = DatasetImage.all_objects.filter(dataset=dataset, sha256__in=[row.sha256 for row in rows])
    # Two questions, for each has an index of its own.
    existing = {row.sha256: row for row in known.filter(deleted_at=None)}
    trashed = {row.sha256: row for row in known.filter(deleted_at__isnull=False)}
    fresh = {}
    for row in rows:
        if row.sha256 not in existing:
            fresh.setdefault(row.sha256, row)
    # Of those that are there already too: whoever stored them first has a row, and a note of ours must not outlive it.
    noted = keep_files(name.name for row in rows for name in (row.file, row.thumbnail, row.preview))
    for sha256, row in fresh.items():
        twin = trashed.get(sha256)  # the same bytes in the trash share their files with this row
        row.in_version = twin.in_version if twin else row.in_version and row.file.name not in noted
    return DatasetImage.objects.bulk_create(fresh.values()), existing


def add_to_counts(dataset, images=0, labeled=0, boxes=0, splits=()):
    """Add to a dataset's counts, in the running transaction, which holds its lock (`insert_rows` takes it).

    For writes in many batches, where counting everything again each time would take longer than the writing.
    """
    row = Dataset.objects.select_for_update().only("split_counts").get(pk=dataset.pk)
    counts = Counter(row.split_counts)
    counts.update(splits)
    Dataset.objects.filter(pk=dataset.pk).update(
        num_images=F("num_images") + images, num_labeled=F("num_labeled") + labeled, num_boxes=F("num_boxes") + boxes,
        split_counts=dict(counts),
    )  # fmt: skip


def clean_filename(name):
    """The last part of a path, without control characters, at most 255 characters, its ending kept."""
    name = PurePath(str(name).replace("\\", "/")).name
    name = "".join(c for c in name if c.isprintable()).strip()
    name = name if name.strip(".") else "image"
    suffix = PurePath(name).suffix[:16]
    return name if len(name) <= 255 else name[: 255 - len(suffix)] + suffix
