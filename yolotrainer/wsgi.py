"""The WSGI application that gunicorn serves."""

import ctypes
import os

import django
from django.core.handlers.exception import convert_exception_to_response
from django.core.handlers.wsgi import WSGIHandler
from django.utils.module_loading import import_string

from yolotrainer.shared_metrics import share_metrics_among_processes

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
KEPT_BYTES = 32 * 2**20  # the most that glibc allows for M_MMAP_THRESHOLD

PREDICTION_PATH = "/api/v1/predictions/infer"
KEYS = ("Token ", "Bearer ")
# What a call with a key and without cookies passes. The others of settings.MIDDLEWARE serve browsers: static files,
# session, CSRF, messages, htmx. Such a call has none of these, and each of them costs it time.
FOR_PROGRAMS = (
    "apps.core.metrics.middleware.Metered",
    "apps.core.logs.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "apps.core.headers.PagePolicy",
    "apps.core.headers.SafeHeaders",
    "corsheaders.middleware.CorsMiddleware",
    "apps.core.limits.RateHeaders",
    "apps.core.callers.KnownCaller",
    "apps.core.middleware.SlashlessApi",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
)


def share_memory_among_threads(arenas=2):
    """Let the threads' allocations share a few places: by default each keeps what it once held, tens of megabytes.

    These places keep up to KEPT_BYTES that are free. By default a decoded picture is given back to the system after
    each answer, and the next one's fresh pages take as long as the decoding itself.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries lack it, and need it not
    if mallopt:
        mallopt(M_ARENA_MAX, arenas)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)


class Handler(WSGIHandler):
    """Django's, with a shorter way for predictions that are asked for with a key."""

    def load_middleware(self, is_async=False):
        super().load_middleware(is_async)
        self._whole = self._short = self._middleware_chain
        chain = convert_exception_to_response(self._get_response)
        for name in reversed(FOR_PROGRAMS):
            chain = convert_exception_to_response(import_string(name)(chain))
        self._short, self._middleware_chain = chain, self._choose

    def _choose(self, request):
        meta = request.META
        has_key = meta.get("HTTP_AUTHORIZATION", "").startswith(KEYS) and "HTTP_COOKIE" not in meta
        if not (has_key and request.path_info.startswith(PREDICTION_PATH)):
            return self._whole(request)
        request.user = ANYBODY  # as without a session: every `process_view` is asked on this way too
        return self._short(request)


share_memory_among_threads()
share_metrics_among_processes()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "yolotrainer.settings")
django.setup(set_prefix=False)

from django.contrib.auth.models import AnonymousUser  # noqa: E402 — it needs the apps

ANYBODY = AnonymousUser()
application = Handler()
