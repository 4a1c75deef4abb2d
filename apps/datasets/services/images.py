"""Images: in, out, and between splits."""

from pathlib import PurePath

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from apps.core.images import BadImage, check_image
from apps.datasets.models import SPLITS, Dataset, DatasetImage
from apps.datasets.services.datasets import refresh_counts
from apps.datasets.services.files import forget_files, keep_files


def add_images(dataset, files):
    """Add uploaded files; one bad file never fails the others.

    Returns `{created: [DatasetImage], duplicates: [{filename, image_id}], rejected: [{filename, reason}]}`.
    """
    found = {"created": [], "duplicates": [], "rejected": []}
    for file in files:
        name = clean_filename(file.name)
        try:
            if file.size > settings.MAX_IMAGE_BYTES:
                raise BadImage(f"Larger than {settings.MAX_IMAGE_BYTES // 2**20} MB.")
            image, is_new = _add_image(dataset, name, file.read())
        except BadImage as bad:
            found["rejected"].append({"filename": name, "reason": str(bad)})
        else:
            if is_new:
                found["created"].append(image)
            else:
                found["duplicates"].append({"filename": name, "image_id": image.pk})
    if found["created"]:
        refresh_counts(dataset)
    return found


def _add_image(dataset, filename, data):
    row = prepare_image(dataset, filename, data)
    inserted, existing = insert_rows(dataset, [row])
    return (inserted[0], True) if inserted else (existing[row.sha256], False)


def prepare_image(dataset, filename, data, split=""):
    """Check `data`, store it under its hash, and return its unsaved row; raises BadImage.

    Storing comes before the row: a kill in between leaves a file without a row, which the same upload replaces,
    and never a row without a file.
    """
    checked = check_image(data)
    folder = f"datasets/{dataset.pk}"
    row = DatasetImage(
        dataset=dataset, filename=clean_filename(filename), sha256=checked.sha256, num_bytes=len(data),
        width=checked.width, height=checked.height, orientation=checked.orientation,
        is_plain=checked.is_plain, split=split, signature=checked.signature, brightness=checked.brightness,
        taken_at=checked.taken_at, camera=checked.camera,
        file=f"{folder}/images/{checked.sha256}.{checked.extension}",
        thumbnail=f"{folder}/thumbs/{checked.sha256}.jpg",
        preview=f"{folder}/previews/{checked.sha256}.png" if checked.preview else "",
    )  # fmt: skip
    # A file that is there without its row may belong to a version: the row must not take it along when it goes.
    row.in_version = default_storage.exists(row.file.name)
    for name, content in ((row.thumbnail, checked.thumbnail), (row.preview, checked.preview), (row.file, data)):
        if name and not default_storage.exists(name.name):
            default_storage.save(name.name, ContentFile(content))
    return row


@transaction.atomic
def insert_rows(dataset, rows):
    """Insert prepared rows; the same bytes twice are one image.

    Returns (inserted rows, `{sha256: row}` of those that were there already). Counts are the caller's to refresh.
    """
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    existing = {
        row.sha256: row for row in DatasetImage.objects.filter(dataset=dataset, sha256__in=[row.sha256 for row in rows])
    }  # one in the trash is not met: the same bytes again make a new row, which shares its files
    fresh = {}
    for row in rows:
        if row.sha256 not in existing:
            fresh.setdefault(row.sha256, row)
    taken_back = keep_files(name.name for row in fresh.values() for name in (row.file, row.thumbnail, row.preview))
    for row in fresh.values():
        row.in_version = row.in_version and row.file.name not in taken_back
    inserted = DatasetImage.objects.bulk_create(fresh.values())
    return inserted, existing


@transaction.atomic
def delete_images(dataset, images):
    """Delete the images of this queryset with their labels and files; returns how many."""
    images = images.filter(dataset=dataset)
    pks = list(images.values_list("pk", flat=True))
    for start in range(0, len(pks), 500):
        some = DatasetImage.objects.filter(pk__in=pks[start : start + 500])
        forget_files(name for names in some.values_list("thumbnail", "preview") for name in names)
        forget_files(some.filter(in_version=False).values_list("file", flat=True))
        some.delete()
    refresh_counts(dataset)
    return len(pks)


def set_split(dataset, images, split):
    """Put the images of this queryset into `split` ("" for none); returns how many."""
    if split not in (*SPLITS, ""):
        raise ValueError(f"A split is one of {', '.join(SPLITS)}, or empty for none.")
    count = images.filter(dataset=dataset).update(split=split)
    refresh_counts(dataset)
    return count


def clean_filename(name):
    """The last part of a path, without control characters, at most 255 characters, its ending kept."""
    name = PurePath(str(name).replace("\\", "/")).name
    name = "".join(c for c in name if c.isprintable()).strip()
    name = name if name.strip(".") else "image"
    suffix = PurePath(name).suffix[:16]
    return name if len(name) <= 255 else name[: 255 - len(suffix)] + suffix
