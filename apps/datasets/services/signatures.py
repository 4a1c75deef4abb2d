"""Signatures of images that came in before signatures were taken."""

import logging

from django.core.files.storage import default_storage
from PIL import Image

from apps.core.signature import signature_and_brightness
from apps.datasets.models import DatasetImage

log = logging.getLogger(__name__)
PAGE = 200


def fill_signatures(dataset, report=lambda part: None):
    """Take the missing signatures of a dataset from its thumbnails, a page at a time; returns how many.

    An image whose thumbnail is missing or broken stays without. What a kill leaves is done by the next call.
    """
    missing = DatasetImage.all_objects.filter(dataset=dataset, signature=None).order_by("pk")
    total, count, last = missing.count(), 0, 0
    while rows := list(missing.filter(pk__gt=last).only("pk", "thumbnail")[:PAGE]):
        last = rows[-1].pk
        filled = [row for row in rows if _fill(row)]
        DatasetImage.all_objects.bulk_update(filled, ["signature", "brightness"])
        count += len(filled)
        report(min(count / total, 1))
    return count


def _fill(row):
    try:
        with default_storage.open(row.thumbnail.name) as file, Image.open(file) as thumbnail:
            row.signature, row.brightness = signature_and_brightness(thumbnail)
    except (OSError, ValueError) as error:
        log.warning("no signature of image %s: %s", row.pk, error)
        return False
    return True
