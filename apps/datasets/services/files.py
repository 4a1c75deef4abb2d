"""Deleting stored files: only after the rows are gone for good, and in the end always."""

import logging

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.datasets.models import PendingDeletion

log = logging.getLogger(__name__)
PAGE = 500


def forget_files(names):
    """Note stored files for deletion in the running transaction; they go when it commits."""
    rows = [PendingDeletion(name=name) for name in names if name]
    PendingDeletion.objects.bulk_create(rows, batch_size=500)
    transaction.on_commit(delete_pending_files, robust=True)


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
    note = PendingDeletion.objects.filter(pk=row.pk)
    if row.name.endswith("/"):  # the folder of a dataset that is gone: nothing comes back under its name
        _delete(row.name)
        return note.delete()[0]
    with transaction.atomic():  # whoever takes the note back waits for this, or this finds no note
        gone = note.delete()[0]
        if gone:
            _delete(row.name)
    return gone


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
