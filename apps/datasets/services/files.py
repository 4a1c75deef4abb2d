"""Deleting stored files: only after the rows are gone for good, and in the end always."""

import logging
import re
from datetime import timedelta

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.datasets.models import DatasetImage, PendingDeletion

log = logging.getLogger(__name__)
PAGE = 500
EXPECTED = timedelta(hours=1)  # what is noted before it is stored has its row long before
IMAGE_FILE = re.compile(r"datasets/(\d{1,18})/(?:images|thumbs|previews)/([0-9a-f]{64})\.\w+")


def forget_files(names):
    """Note stored files for deletion in the running transaction; they go when it commits."""
    rows = [PendingDeletion(name=name) for name in names if name]
    PendingDeletion.objects.bulk_create(rows, batch_size=500)
    transaction.on_commit(delete_pending_files, robust=True)


def expect_files(names):
    """Note what is about to be stored, so that it goes again where a kill comes in between; outside a transaction.

    Returns the names that are not there yet, which the caller stores. What is there stays for as long, whatever notes
    of it there are. `keep_files` takes the notes back when the rows are there.
    """
    names, due_at = set(names), timezone.now() + EXPECTED
    PendingDeletion.objects.filter(name__in=names).update(due_at=due_at)
    missing = {name for name in names if not default_storage.exists(name)}
    noted = set(PendingDeletion.objects.filter(name__in=missing).values_list("name", flat=True))
    PendingDeletion.objects.bulk_create(PendingDeletion(name=name, due_at=due_at) for name in sorted(missing - noted))
    return missing


def keep_files(names):
    """Take notes back, in the running transaction: these files are used again. Returns the names that were noted."""
    notes = PendingDeletion.objects.filter(name__in=[name for name in names if name])
    noted = set(notes.values_list("name", flat=True))
    if noted:
        notes.delete()
    return noted


def delete_pending_files():
    """Delete what is noted; what a kill leaves is deleted by the next call. Returns how many went."""
    count = last = 0
    due = PendingDeletion.objects.filter(due_at__lte=timezone.now()).order_by("pk")
    while rows := list(due.filter(pk__gt=last)[:PAGE]):
        last = rows[-1].pk
        for row in rows:
            try:
                count += _delete_noted(row)
            except OSError as error:
                log.warning("%s stays for now: %s", row.name, error)
    return count


def _delete_noted(row):
    note = PendingDeletion.objects.filter(pk=row.pk, due_at__lte=timezone.now())  # it may be put off this moment
    if row.name.endswith("/"):  # the folder of a dataset that is gone: nothing comes back under its name
        _delete(row.name)
        return note.delete()[0]
    with transaction.atomic():  # whoever takes the note back waits for this, or this finds no note
        gone = note.delete()[0]
        if gone and not _has_row(row.name):
            _delete(row.name)
    return gone


def _has_row(name):
    """Whether an image, also one in the trash, has this file: the same bytes may have come in again meanwhile."""
    parts = IMAGE_FILE.fullmatch(name)
    if parts is None:
        return False
    rows = DatasetImage.all_objects.filter(dataset_id=int(parts[1]), sha256=parts[2])
    return rows.filter(deleted_at=None).exists() or rows.filter(deleted_at__isnull=False).exists()


def _delete(name):
    if not name.endswith("/"):
        default_storage.delete(name)
        return
    try:
        folders, files = default_storage.listdir(name)
    except FileNotFoundError:
        return
    for file in files:
        default_storage.delete(name + file)
    for folder in folders:
        _delete(f"{name}{folder}/")
    default_storage.delete(name)
