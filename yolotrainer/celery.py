"""Celery: queues `default` (imports, exports), `inference` (deploy, batches), `training`, `upkeep` (sweeps)."""

import os

from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutdown, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")

app = Celery("yolotrainer")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_the_settings_logging(**kwargs):
    """Celery sets up no logging of its own where someone answers this: LOGGING of the settings holds."""


@worker_ready.connect
def say_that_a_trainer_is_here(sender, **kwargs):
    """A worker of the training queue tells how many jobs it runs at a time, as long as it is there."""
    if "training" in {queue.name for queue in sender.task_consumer.queues}:
        from apps.training.services import presence

        presence.enter(sender.hostname, sender.pool.limit)


@worker_shutting_down.connect
def hand_back_running_work(**kwargs):
    """Tell long tasks to hand their work back, so that a worker stops in seconds and not in hours."""
    from apps.core.processes import stopping
    from apps.training.services import presence

    stopping.set()
    presence.leave()


@worker_shutdown.connect
def be_gone(**kwargs):
    """The row that says that a trainer is here goes before its process does."""
    from apps.training.services import presence

    presence.join()
