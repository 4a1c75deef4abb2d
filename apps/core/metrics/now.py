"""What is asked when `/metrics` is read: the state of the platform, the same whichever process tells it.

Answers are kept for a moment, so that several who read ask the database once. A source that fails is named by
`yolo_metrics_source_up`, and the others are told all the same.
"""

import logging
import threading
import time

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

log = logging.getLogger(__name__)
KEPT_SECONDS = 5
SOURCES = {}


def add_source(name, source):
    """`source()` gives metric families, with names that no other source has."""
    SOURCES[name] = source


class Now(Collector):
    """All sources, as a collector."""

    def __init__(self):
        self._lock, self._kept, self._at = threading.Lock(), [], None

    def collect(self):
        with self._lock:
            if self._at is None or time.monotonic() - self._at > KEPT_SECONDS:
                self._kept, self._at = self._ask(), time.monotonic()
            return self._kept

    def forget(self):
        """Ask anew next time."""
        self._at = None

    @staticmethod
    def _ask():
        up = GaugeMetricFamily("yolo_metrics_source_up", "Whether a part of these metrics is told.", labels=["source"])
        families = [up]
        for name, source in SOURCES.items():
            try:
                families += list(source())
                up.add_metric([name], 1)
            except Exception:
                log.exception("the metrics of %s", name)
                up.add_metric([name], 0)
        return families


now = Now()
