"""What a model found on its validation images, as its evaluation stored it: its answers now are held against that."""

import gzip
import json

from django.core.cache import cache
from django.core.files.storage import default_storage
from redis import RedisError

from apps.inference.monitoring.counts import tally_image
from apps.models.models import Evaluation

KEPT_SECONDS = 24 * 3600


def reference_evaluation(model):
    """The newest evaluation of these weights on a validation split, first that of what it learned from; or None."""
    rows = Evaluation.objects.filter(model=model, split="val", evaluated_at__isnull=False).exclude(images="")
    rows = rows.filter(weights_sha256=model.sha256).defer("curves", "results").order_by("-evaluated_at")
    return min(rows, key=lambda row: row.dataset_version_id != model.dataset_version_id, default=None)


def reference_counts(evaluation, thresholds):
    """`{"images", "classes", "confidence", "objects"}` as `counts.py` has them, of what `thresholds` show.

    Raises FileNotFoundError. Reading takes about a second for a hundred thousand boxes, once.
    """
    key = f"reference:{evaluation.pk}:{evaluation.evaluated_at.timestamp()}:{thresholds.key}"
    try:
        found = cache.get(key)
        if found is None:
            found = _read(evaluation, thresholds)
            cache.set(key, found, KEPT_SECONDS)
    except RedisError:
        found = _read(evaluation, thresholds)
    return found


def _read(evaluation, thresholds):
    counts = {"images": 0, "classes": {}, "confidence": {}, "objects": {}}
    with default_storage.open(evaluation.images.name) as stored, gzip.open(stored, "rt") as lines:
        for line in lines:
            tally_image(counts, thresholds.shown(json.loads(line)["found"]))
    return counts
