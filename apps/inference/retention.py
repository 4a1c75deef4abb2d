"""For how long answers of batches, captured images and counts of traffic are kept."""

from datetime import timedelta

from django.db.models import Sum

from apps.core.models import Job
from apps.core.retention import Going, Rule, next_of
from apps.inference.batch import expire_answers, expired_answers
from apps.inference.capture.inbox import delete_expired, expired_images
from apps.inference.models import BatchAnswer, Captured
from apps.inference.monitoring.rollup import delete_old_counts, old_counts


def answers_due(now):
    waiting = Job.objects.filter(expires_at__gte=now, pk__in=BatchAnswer.objects.values("job"))
    return Going(expired_answers(BatchAnswer, now).count(), next_at=next_of(waiting, "expires_at", timedelta(0)))


def captures_due(now):
    over = expired_images(now)
    size = over.aggregate(size=Sum("num_bytes"))["size"] or 0
    later = next_of(Captured.objects.filter(expires_at__gte=now), "expires_at", timedelta(0))
    return Going(over.count(), over.count(), size, later)


def counts_due(now):
    return Going(sum(rows.count() for rows in old_counts(now)))


class EachCapturesOwn(Rule):
    """The days are a setting of each capture."""

    @property
    def value(self):
        return "of each"


RULES = [
    Rule("Answers of batches", "JOB_FILE_HOURS", answers_due, expire_answers, "hour"),
    EachCapturesOwn("Captured images that nobody took", "keep_days", captures_due, delete_expired, "hour"),
    Rule("Counts of traffic and tokens", "TRAFFIC_DAYS", counts_due, delete_old_counts, "half hour"),
]
