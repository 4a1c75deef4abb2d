"""Every write about the browsers in which a person is signed in."""

from datetime import timedelta
from importlib import import_module

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import BrowserSession
from apps.core import audit
from apps.core.addresses import address_of
from apps.core.text import sayable


def note_session(request, user):
    """The request's session was here just now, from its address and with its browser."""
    seen = {
        "user": user, "address": address_of(request), "last_seen_at": timezone.now(),
        "user_agent": sayable(request.headers.get("User-Agent", ""))[:300],
    }  # fmt: skip
    BrowserSession.objects.update_or_create(session_key=request.session.session_key, defaults=seen)


@transaction.atomic
def end_session(row, actor=None):
    """Sign one browser out. `actor`: who does it, where that is not its person."""
    import_module(settings.SESSION_ENGINE).SessionStore(row.session_key).delete()
    audit.record(actor or row.user, "signed out", row.user, ended=row.user_agent[:100], its_address=row.address)
    row.delete()


def forget_session(session_key):
    """A browser has signed itself out."""
    BrowserSession.objects.filter(session_key=session_key).delete()


def forget_ended_sessions():
    """Rows of sessions that ran out."""
    gone = timezone.now() - timedelta(seconds=settings.SESSION_COOKIE_AGE)
    BrowserSession.objects.filter(last_seen_at__lt=gone).delete()
