"""Quotas at the API's doors: the headers that say what is left, and the answer when nothing is."""

from datetime import UTC

from django.utils import timezone
from rest_framework import status
from rest_framework.response import Response

from apps.accounts.models import ApiToken
from apps.inference import quotas
from apps.inference.monitoring.counting import usage_of
from apps.inference.monitoring.storing import Day, store

HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class MeteredView:
    """A view whose answers say what is left of the token's quota, where it has one.

    `X-RateLimit-Reset` is when the quota begins anew, in seconds since 1970, as GitHub's is.
    """

    def finalize_response(self, request, response, *args, **kwargs):
        response = super().finalize_response(request, response, *args, **kwargs)
        allowance = getattr(request, "allowance", None)
        if allowance:
            values = (allowance.limit, allowance.remaining, int(allowance.resets_at.timestamp()))
            for name, value in zip(HEADERS, values, strict=True):
                response[name] = str(value)
        return response


def over_quota(request):
    """Count this question; the 429 answer where the token's quota is used up, else None."""
    allowance = request.allowance = quotas.spend(request.auth)
    if allowance is None or allowance.is_within:
        return None
    words = (
        f"This token may ask {allowance.limit} time{'s' if allowance.limit != 1 else ''} a day, and has today. "
        f"It may again from {allowance.resets_at:%Y-%m-%d %H:%M} UTC; its owner can raise the quota on the page API "
        "tokens, or at PATCH auth/tokens/{id}."
    )
    headers = {"Retry-After": str(allowance.seconds_left)}
    return Response({"detail": words}, status.HTTP_429_TOO_MANY_REQUESTS, headers=headers)


def note_usage(request, status_code):
    """Add a call that is not told to `after` (a batch, which counts as one) to the usage of its token, at once."""
    if isinstance(request.auth, ApiToken):
        store({}, {Day(request.auth.pk, timezone.now().astimezone(UTC).date()): usage_of(status_code)})
