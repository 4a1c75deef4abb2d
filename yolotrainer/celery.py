"""Celery: queues `default` (imports, exports), `inference` (deploy, batches) and `training`."""

import os

from celery import Celery
from celery.signals import worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")

app = Celery("yolotrainer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_shutting_down.connect
def hand_back_running_work(**kwargs):
    """Tell long tasks to hand their work back, so that a worker stops in seconds and not in hours."""
    from apps.core.processes import stopping

    stopping.set()
