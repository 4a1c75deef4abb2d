"""How many revisions are kept."""

from django.conf import settings
from django.db.models import F

from apps.annotations.models import Revision

LEAST_REVISIONS_KEPT = 20


def old_revisions():
    """The oldest revisions of each image beyond REVISIONS_KEPT (never fewer than 20); none where all are kept."""
    if not settings.REVISIONS_KEPT:
        return Revision.objects.none()
    kept = max(settings.REVISIONS_KEPT, LEAST_REVISIONS_KEPT)
    return Revision.objects.filter(number__lte=F("image__revision") - kept)


def prune_old_revisions():
    """Delete revisions that are not kept; returns how many."""
    if not settings.REVISIONS_KEPT:
        return 0
    return Revision.objects.filter(pk__in=old_revisions().order_by().values("pk")[:50_000]).delete()[0]
