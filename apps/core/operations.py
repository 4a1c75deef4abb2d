"""Who may see how the platform is doing inside: health in words, and metrics."""

import ipaddress
import secrets

from django.conf import settings
from django.db import DatabaseError

FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Via")


def may_see_inside(request):
    """Whoever has METRICS_TOKEN, and the operator. Without a token set: who asks from this machine, past no proxy."""
    return _has_token(request) or _is_beside(request) or _is_operator(request)


def _has_token(request):
    said = request.headers.get("Authorization", "")
    token = settings.METRICS_TOKEN
    return bool(token) and secrets.compare_digest(said.encode(), f"Bearer {token}".encode())


def _is_beside(request):
    """On this machine; behind a proxy, as HTTPS says there is, everybody seems to be."""
    if (
        settings.METRICS_TOKEN
        or settings.HTTPS
        or settings.TRUSTED_PROXIES
        or any(name in request.headers for name in FORWARDED)
    ):
        return False
    try:
        return ipaddress.ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def _is_operator(request):
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return False
    try:
        return request.user.is_active and request.user.is_superuser
    except DatabaseError:  # which is then among the answers
        return False
