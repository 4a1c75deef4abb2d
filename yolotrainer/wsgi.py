"""The WSGI application that gunicorn serves."""

import ctypes
import os

from django.core.wsgi import get_wsgi_application

M_ARENA_MAX = -8  # of glibc's malloc.h


def share_memory_among_threads(arenas=2):
    """Let the threads' allocations share a few places: by default each keeps what it once held, tens of megabytes."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries lack it, and need it not
    if mallopt:
        mallopt(M_ARENA_MAX, arenas)


share_memory_among_threads()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
application = get_wsgi_application()
