"""For how long the trash is kept."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Sum

from apps.core.retention import Going, Rule, next_of
from apps.datasets.models import TRASHED, DatasetImage
from apps.datasets.services.trash import expired_before, purge_expired


def trash_due(now):
    """Files that a version has stay, and are not counted."""
    trashed, before = DatasetImage.all_objects.filter(TRASHED), expired_before(now)
    over = trashed.filter(deleted_at__lt=before)
    free = over.filter(in_version=False)
    size = free.aggregate(size=Sum("num_bytes"))["size"] or 0
    later = next_of(trashed.filter(deleted_at__gte=before), "deleted_at", timedelta(days=settings.TRASH_DAYS))
    return Going(over.count(), free.count(), size, later)


RULES = [Rule("Images in the trash", "TRASH_DAYS", trash_due, purge_expired, "hour")]
