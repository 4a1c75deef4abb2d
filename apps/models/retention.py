"""For how long exports of models are kept: each can be made again."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Sum
from django.utils import timezone

from apps.core.models import Job
from apps.core.retention import Going, Rule, days_ago, next_of
from apps.models.models import ModelExport
from apps.models.services.exports import delete_export


def old_exports(now):
    """Exports that were made before EXPORT_DAYS and are not being made again; none where they are kept forever."""
    before = days_ago(now, settings.EXPORT_DAYS)
    made = ModelExport.objects.exclude(job__status__in=Job.ACTIVE)
    return made.filter(exported_at__lt=before) if before else made.none()


def exports_due(now):
    if not settings.EXPORT_DAYS:
        return Going()
    over, kept = old_exports(now), timedelta(days=settings.EXPORT_DAYS)
    size = over.aggregate(size=Sum("num_bytes"))["size"] or 0
    later = next_of(ModelExport.objects.filter(exported_at__gte=now - kept), "exported_at", kept)
    return Going(over.count(), over.exclude(file="").count(), size, later)


def delete_old_exports():
    """Delete them with their files; returns how many."""
    rows = list(old_exports(timezone.now()).order_by("pk"))
    for row in rows:
        delete_export(row, why="older than EXPORT_DAYS")
    return len(rows)


RULES = [Rule("Exports of models", "EXPORT_DAYS", exports_due, delete_old_exports)]
