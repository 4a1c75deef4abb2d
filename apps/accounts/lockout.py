"""Guessing passwords is stopped by django-axes: by account and address, by account, and by address."""

from datetime import timedelta
from math import ceil

from axes.handlers.database import AxesDatabaseHandler
from axes.models import AccessAttempt
from django.conf import settings
from django.db.models import Max, Sum
from django.http import JsonResponse
from django.shortcuts import render
from django.utils import timezone

from apps.accounts.models import find_person
from apps.core import audit
from apps.core.addresses import address_of

WIDER = 20  # so many times SIGN_IN_FAILURES, over all addresses of an account, or all accounts of an address


def account_name(request, credentials=None):
    """The account that is tried: its username, however it was written, so that spellings give no further tries."""
    known = known_account(request, credentials)
    return known.username if known else str((credentials or {}).get("username") or "").lower()[:255]


def known_account(request, credentials=None):
    """The person whose account is tried, or None."""
    return find_person(str((credentials or {}).get("username") or ""))


class Handler(AxesDatabaseHandler):
    """Counts as axes does, and also what is spread over many addresses or many accounts."""

    def get_failures(self, request, credentials=None):
        found = locking(account_name(request, credentials), address_of(request))
        return settings.AXES_FAILURE_LIMIT if found else super().get_failures(request, credentials)

    def user_login_failed(self, sender, credentials, request=None, **kwargs):
        super().user_login_failed(sender, credentials, request, **kwargs)
        locked = bool(getattr(request, "axes_locked_out", False))
        verb = "sign-in refused: locked" if locked else "sign-in failed"
        audit.record(None, verb, known_account(request, credentials), account=account_name(request, credentials))


def locking(name, address):
    """(words about whose tries, when it ends) where signing in is locked for this account from this address."""
    recent = AccessAttempt.objects.filter(attempt_time__gt=timezone.now() - settings.AXES_COOLOFF_TIME)
    limit = settings.AXES_FAILURE_LIMIT
    for most, whose, attempts in (
        (limit, "for this account from here", recent.filter(username=name, ip_address=address)),
        (limit * WIDER, "for this account", recent.filter(username=name)),
        (limit * WIDER, "from your address", recent.filter(ip_address=address)),
    ):
        tries = attempts.aggregate(number=Sum("failures_since_start"), last=Max("attempt_time"))
        if (tries["number"] or 0) >= most:
            return whose, tries["last"] + settings.AXES_COOLOFF_TIME
    return None


def forget(user, request):
    """The right password forgets the wrong ones before it."""
    AccessAttempt.objects.filter(username=user.username, ip_address=address_of(request)).delete()


def answer(request, response=None, credentials=None):
    """The 429 answer to who is locked out: why, and when it ends."""
    found = locking(account_name(request, credentials), address_of(request))
    whose, until = found or ("for this account", timezone.now() + timedelta(seconds=1))
    seconds = max(ceil((until - timezone.now()).total_seconds()), 1)
    words = (
        f"Too many wrong passwords {whose}. Signing in is open again at {until:%H:%M} UTC, in {ceil(seconds / 60)} "
        "min; an operator can open it before that."
    )
    if request.path_info.startswith("/api/"):
        answered = JsonResponse({"detail": words}, status=429)
    else:
        answered = render(request, "accounts/locked_out.html", {"words": words}, status=429)
    answered["Retry-After"] = str(seconds)
    return answered
