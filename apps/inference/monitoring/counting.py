"""Counting what was asked, beside the answering: in memory first, into the database once a second.

Each process adds up what it answered and stores the sums itself, so what it costs does not grow with the traffic. A
process that is killed loses what it answered in its last second.
"""

import atexit
import logging
import threading
import time
from datetime import UTC

from django.db import close_old_connections
from django.utils import timezone

from apps.inference import after
from apps.inference.models import Deployment
from apps.inference.monitoring import counts as c
from apps.inference.monitoring import floods
from apps.inference.monitoring.storing import Day, Key, store
from apps.inference.monitoring.thresholds import asked_thresholds, default_thresholds
from apps.models.models import TrainedModel

log = logging.getLogger(__name__)
EVERY = 1.0  # seconds between two writes
MOST_KEPT = 2000  # buckets that wait for a database that is away
DEFAULTS_KEPT = 10.0  # seconds after which the defaults of a deployment are read again
MAX_DETECTIONS = 300

_traffic, _usage, _lock = {}, {}, threading.Lock()
_floods, _floods_lock = 0, threading.Lock()
_storing = threading.Lock()
_wake, _thread = threading.Event(), None
_defaults = {}  # (deployment id, model id) → (read at, Thresholds)


def count(questions):
    """Take a list of `after.Asked`: a listener. They are stored within a second or so."""
    _take(questions)
    _start()
    _wake.set()


def count_flood():
    """One more prediction was refused before anything of it was read."""
    global _floods
    with _floods_lock:
        _floods += 1
    _start()
    _wake.set()


def flush():
    """Store what was counted so far; keeps it for the next time where the database is away."""
    global _traffic, _usage, _floods
    with _storing:
        with _floods_lock:
            refused, _floods = _floods, 0
        if refused and not floods.add(refused):
            with _floods_lock:
                _floods += refused
        with _lock:
            traffic, usage, _traffic, _usage = _traffic, _usage, {}, {}
        if not traffic and not usage:
            return
        try:
            store(traffic, usage)
        except Exception:
            log.exception("The traffic of %d buckets could not be stored; it waits", len(traffic))
            with _lock:
                if len(_traffic) + len(traffic) < MOST_KEPT:
                    c.add(_traffic, traffic)
                    c.add(_usage, usage)


def _take(questions):
    now = timezone.now()
    minute, day = now.replace(second=0, microsecond=0), now.astimezone(UTC).date()
    known = {one: _default_thresholds(*one) for one in {(q.deployment_id, q.model_id) for q in questions}}
    with _lock:
        for asked in questions:
            key = Key(asked.deployment_id, asked.model_id, "minute", minute)
            usual = known[asked.deployment_id, asked.model_id]
            c.add(_traffic.setdefault(key, {}), counts_of(asked, usual))
            if asked.token_id:
                c.add(_usage.setdefault(Day(asked.token_id, day), {}), usage_of(asked.status))


def counts_of(asked, usual):
    """The counts of one question; `usual` are the thresholds that drift is judged at."""
    counts = {"statuses": {str(asked.status): 1}}
    if asked.prediction is None or asked.status >= 400:
        return counts
    boxes = asked.prediction.boxes
    counts["objects"] = len(boxes)
    c.tally(counts.setdefault("latency", {}), c.latency_slot(asked.seconds * 1000))
    c.tally_boxes(counts, boxes)
    whole = len(boxes) < (asked.options.get("max_det") or MAX_DETECTIONS)  # else some may have been cut off
    if whole and asked_thresholds(asked.options, usual).hides_nothing_of(usual):
        c.tally_image(counts.setdefault("compared", {}).setdefault(usual.key, {}), usual.shown(boxes))
    return counts


def usage_of(status):
    """What one answer adds to the usage of its token."""
    return {"requests": 1, "errors": int(status >= 400 and status != 429), "refused": int(status == 429)}


def _default_thresholds(deployment_id, model_id):
    read_at, known = _defaults.get((deployment_id, model_id), (None, None))
    if read_at is None or time.monotonic() - read_at > DEFAULTS_KEPT:
        point = TrainedModel.objects.filter(pk=model_id).values_list("operating_point", flat=True).first()
        own = Deployment.objects.filter(pk=deployment_id).values_list("defaults", flat=True).first()
        known = default_thresholds(point, own)
        if len(_defaults) > MOST_KEPT:
            _defaults.clear()
        _defaults[deployment_id, model_id] = (time.monotonic(), known)
    return known


def _start():
    global _thread
    if _thread is None or not _thread.is_alive():
        _thread = threading.Thread(target=_store_on, name="store-traffic", daemon=True)
        _thread.start()


def _store_on():
    while True:
        _wake.wait()
        time.sleep(EVERY)
        _wake.clear()
        close_old_connections()
        flush()


@atexit.register
def _store_the_rest():
    after.settle()
    if _traffic or _usage or _floods:
        flush()
