"""Celery: queues `default` (imports, exports), `inference` (deploy, batches) and `training`."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")

app = Celery("yolotrainer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_the_settings_logging(**kwargs):
    """Celery sets up no logging of its own where someone answers this: LOGGING of the settings holds."""


@worker_shutting_down.connect
def hand_back_running_work(**kwargs):
    """Tell long tasks to hand their work back, so that a worker stops in seconds and not in hours."""
    from apps.core.processes import stopping

    stopping.set()
