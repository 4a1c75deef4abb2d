"""Counters and histograms of this process, or of all web processes of one gunicorn together.

Under gunicorn each process writes its numbers into a folder that all of them read (PROMETHEUS_MULTIPROC_DIR, set in
`yolotrainer/wsgi.py`): whichever answers `/metrics` tells the sum.
"""

import os
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30)
disable_created_metrics()  # when each began to be counted: twice the lines, and nobody asks
REGISTRY = CollectorRegistry()
HTTP_SECONDS = Histogram(
    "yolo_http_request_seconds", "Until the answer began, by route.", ["route", "method"],
    buckets=SECONDS, registry=REGISTRY,
)  # fmt: skip
HTTP_REQUESTS = Counter("yolo_http_requests", "Answers, by route.", ["route", "method", "status"], registry=REGISTRY)
HTTP_QUERIES = Counter("yolo_http_queries", "Database queries of answers.", ["route", "method"], registry=REGISTRY)


def counted():
    """A registry with the numbers of all processes that share a folder, or of this one."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    if not folder:
        return REGISTRY
    _forget_dead(Path(folder))
    together = CollectorRegistry()
    MultiProcessCollector(together, path=folder)
    return together


def _forget_dead(folder):
    """What a process holds (memory) goes with it; what it has counted stays."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*.db")}:
        if not psutil.pid_exists(pid):
            mark_process_dead(pid, str(folder))
