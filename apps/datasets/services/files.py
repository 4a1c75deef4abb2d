"""Deleting stored files: only after the rows are gone for good, and in the end always."""

import logging

from django.core.files.storage import default_storage
from django.db import transaction

from apps.datasets.models import PendingDeletion

log = logging.getLogger(__name__)


def forget_files(names):
    """Note stored files for deletion in the running transaction; they go when it commits."""
    rows = [PendingDeletion(name=name) for name in names if name]
    PendingDeletion.objects.bulk_create(rows, batch_size=500)
    transaction.on_commit(delete_pending_files, robust=True)


def delete_pending_files():
    """Delete what is noted; what a kill leaves is deleted by the next call. Returns how many went."""
    count = 0
    for row in PendingDeletion.objects.order_by("pk").iterator():
        try:
            _delete(row.name)
            row.delete()
            count += 1
        except OSError as error:
            log.warning("%s stays for now: %s", row.name, error)
    return count


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
