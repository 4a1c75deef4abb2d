"""Old minutes become hours, old hours become days, and what is older than the platform keeps is deleted."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.inference.models import TokenUsage, Traffic
from apps.inference.monitoring.counts import add
from apps.inference.monitoring.storing import GROWN, Key, add_counts, grow

MINUTES_KEPT = timedelta(hours=25)  # a day is drawn from minutes
HOURS_KEPT = timedelta(days=32)  # a month is drawn from hours


def roll_up(now=None):
    """Add up what is old enough. May be killed at any instant, and run twice, also at once."""
    now = now or timezone.now()
    _add_up("minute", "hour", now - MINUTES_KEPT)
    _add_up("hour", "day", now - HOURS_KEPT)
    delete_old_counts(now)


def old_counts(now):
    """Counts that are older than the platform keeps them, or of what is gone: two querysets, traffic and tokens."""
    oldest = now - timedelta(days=settings.TRAFFIC_DAYS)
    of_nothing = Q(deployment=None, model=None)
    return Traffic.objects.filter(Q(start__lt=oldest) | of_nothing), TokenUsage.objects.filter(day__lt=oldest.date())


def delete_old_counts(now=None):
    """Delete them; returns how many."""
    return sum(rows.delete()[0] for rows in old_counts(now or timezone.now()))


def start_of(moment, step):
    """The first moment of the hour or day that `moment` lies in."""
    moment = moment.replace(minute=0, second=0, microsecond=0)
    return moment.replace(hour=0) if step == "day" else moment


def _add_up(fine, coarse, before):
    """Move the rows of step `fine` that lie in whole coarse steps before `before`: a transaction for each of these."""
    before = start_of(before, coarse)
    old = Traffic.objects.filter(step=fine, start__lt=before)
    subjects = old.order_by("deployment_id", "model_id").values_list("deployment_id", "model_id").distinct()
    for deployment_id, model_id in list(subjects):
        mine = old.filter(deployment_id=deployment_id, model_id=model_id)
        for start in sorted({start_of(moment, coarse) for moment in mine.values_list("start", flat=True)}):
            _merge(mine, Key(deployment_id, model_id, coarse, start))


@transaction.atomic
def _merge(rows, key):
    """Whoever locks the fine rows adds them up and deletes them; another who waited for them finds none."""
    end = key.start + (timedelta(days=1) if key.step == "day" else timedelta(hours=1))
    fine = list(rows.filter(start__gte=key.start, start__lt=end).order_by("pk").select_for_update())
    if not fine:
        return
    counts = {}
    for row in fine:
        add(counts, row.counts)
    if key.model_id is not None or not _add_to_orphan(key, counts):
        add_counts({key: counts})
    Traffic.objects.filter(pk__in=[row.pk for row in fine]).delete()


def _add_to_orphan(key, counts):
    """Of models that were deleted no unique row is known: add to the one that is there, if one is."""
    row = Traffic.objects.filter(key.query).order_by("pk").select_for_update().first()
    if row is None:
        return False
    grow(row, counts)
    row.save(update_fields=GROWN)
    return True
