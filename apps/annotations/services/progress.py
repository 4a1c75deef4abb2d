"""How many revisions are kept."""

from django.conf import settings
from django.db.models import F

from apps.annotations.models import Revision

LEAST_REVISIONS_KEPT = 20


def prune_old_revisions():
    """Delete the oldest revisions of each image beyond REVISIONS_KEPT (never fewer than 20); returns how many."""
    if not settings.REVISIONS_KEPT:
        return 0
    kept = max(settings.REVISIONS_KEPT, LEAST_REVISIONS_KEPT)
    old = Revision.objects.filter(number__lte=F("image__revision") - kept)
    return Revision.objects.filter(pk__in=old.order_by().values("pk")[:50_000]).delete()[0]
