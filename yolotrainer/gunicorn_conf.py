"""How gunicorn serves the platform: `gunicorn yolotrainer.wsgi -c python:yolotrainer.gunicorn_conf --bind …`."""

import gc
import os

from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")

worker_class = "yolotrainer.web_worker.Worker"
workers = 1  # each loads the models that it is asked for
threads = settings.WEB_THREADS  # of all but predictions, which have their own
timeout = 120
graceful_timeout = 8
keepalive = 30
loglevel = "warning"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else "/tmp"  # noqa: S108 — where its heartbeat file lies


def post_worker_init(worker):
    """Load all that the first call would load, and take it out of what the garbage collector looks through."""
    from django.urls import get_resolver

    get_resolver().url_patterns  # noqa: B018 — imports every view
    gc.collect()
    gc.freeze()
