"""Writing down what shadows answered: sums by five minutes, added under the row's lock, and few samples."""

from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.inference.models import Deployment, ShadowSample, ShadowTraffic
from apps.inference.monitoring.counts import add

MINUTES = 5
KEPT_DAYS = 14
SAMPLES = 50


class Key(NamedTuple):
    """Whose answers are compared."""

    deployment_id: int
    live_id: int
    shadow_id: int

    @property
    def fields(self):
        return self._asdict()


def store_counts(found):
    """Add `{Key: {"answered", "skipped", "failed", "counts"}}` to the rows of now."""
    if not found:
        return
    now = timezone.now()
    start = now.replace(minute=now.minute - now.minute % MINUTES, second=0, microsecond=0)
    for key, more in sorted(found.items()):
        with transaction.atomic():
            if not Deployment.objects.filter(pk=key.deployment_id, shadow=key.shadow_id).exists():
                continue  # it was stopped meanwhile
            row, _ = ShadowTraffic.objects.select_for_update().get_or_create(**key.fields, start=start)
            ShadowTraffic.objects.filter(pk=row.pk).update(
                **{name: F(name) + more.get(name, 0) for name in ("answered", "skipped", "failed")},
                counts=add(row.counts, more.get("counts", {})),
            )


@transaction.atomic
def keep_sample(key, sha256, prediction, difference):
    """Keep two answers on a picture, as long as they are among the SAMPLES that differ most."""
    ShadowSample.objects.update_or_create(
        **key.fields, sha256=sha256,
        defaults={
            "width": prediction.width, "height": prediction.height, "live_boxes": difference.live,
            "shadow_boxes": difference.shadow, "weight": difference.weight,
        },
    )  # fmt: skip
    mine = ShadowSample.objects.filter(**key.fields)
    mine.filter(pk__in=list(mine.values_list("pk", flat=True)[SAMPLES:])).delete()


def forget_old_counts():
    """Delete what is older than KEPT_DAYS; returns how many rows went."""
    over = timezone.now() - timedelta(days=KEPT_DAYS)
    samples = ShadowSample.objects.filter(created_at__lt=over).delete()[0]
    return samples + ShadowTraffic.objects.filter(start__lt=over).delete()[0]
