"""Quotas at the API's doors: the headers that say what is left, the answer when nothing is, and what batches count."""

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
    return None if allowance is None or allowance.is_within else _refused(allowance)


def batch_over_quota(request):
    """The 429 answer where nothing is left for a batch, else None; it counts nothing, the batch's images do."""
    allowance = request.allowance = quotas.left(request.auth)
    if allowance is None or allowance.remaining:
        return None
    _note_refusal(request.auth)
    return _refused(allowance)


def _refused(allowance):
    words = (
        f"This token may ask {allowance.limit} time{'s' if allowance.limit != 1 else ''} a day, and has today. "
        f"It may again from {allowance.resets_at:%Y-%m-%d %H:%M} UTC; its owner can raise the quota on the page API "
        "tokens, or at PATCH auth/tokens/{id}."
    )
    headers = {"Retry-After": str(allowance.seconds_left)}
    return Response({"detail": words}, status.HTTP_429_TOO_MANY_REQUESTS, headers=headers)


def _note_refusal(token):
    """Add a call that is not told to `after` to the usage of its token, at once."""
    store({}, {_today(token): usage_of(status.HTTP_429_TOO_MANY_REQUESTS)})


def _today(token):
    return Day(token.pk, timezone.now().astimezone(UTC).date())


class BatchMeter:
    """What one run of a batch job counts against the token that started it; without a token, or once it is revoked,
    nothing."""

    def __init__(self, job):
        self.job = job
        self._read_token()

    def _read_token(self):
        self.token = ApiToken.objects.filter(pk=self.job.params.get("token_id")).first()

    def why_not(self, number):
        """Count the `number`-th image (from 1); where the quota has no room for it, why, else an empty text."""
        allowance = self._spent(number)
        if allowance and not allowance.is_within:
            self._read_token()  # its quota may have been raised since
            allowance = self._spent(number)
        if not allowance or allowance.is_within:
            return ""
        return (
            f"The token “{self.token.name}” may ask {allowance.limit} time{'s' if allowance.limit != 1 else ''} a day, "
            f"and has today. It may again from {allowance.resets_at:%Y-%m-%d %H:%M} UTC; its owner can raise the quota "
            "on the page API tokens."
        )

    def _spent(self, number):
        has_quota = self.token and self.token.requests_per_day is not None
        return quotas.spend_part(self.token, self.job.pk, number) if has_quota else None

    def note(self, rows):
        """Add answers to the usage of the token, within the transaction that stores them."""
        if self.token:
            usage = {"requests": len(rows), "errors": sum(bool(row.error) for row in rows)}
            store({}, {_today(self.token): usage})
            self._read_token()
