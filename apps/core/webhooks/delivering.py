"""Sending deliveries: each attempt is claimed in the row, so that two workers never make the same one.

A worker that dies in an attempt loses its claim after a while, and the delivery is sent again with the same id: it
arrives at least once, and a receiver that remembers ids takes it once.
"""

import logging
import random
import time
from datetime import timedelta

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.core import outgoing
from apps.core.access import Right, roles_with
from apps.core.webhooks.events import TEST
from apps.core.webhooks.models import Delivery, Webhook
from apps.core.webhooks.signing import headers
from apps.core.webhooks.telling import send

log = logging.getLogger(__name__)
PAUSES = (10, 60, 300, 1800, 7200, 21600, 43200)  # seconds after each attempt that failed; after the last: given up
ATTEMPT_SECONDS = 10
CLAIM = timedelta(seconds=60)
RESEND = timedelta(seconds=300)  # a message that nobody took for so long is sent again
LEAST_FAILING = timedelta(hours=1)  # before a webhook is switched off
MOST_KEPT = 40  # attempts in the log of a delivery
KEPT_OF_ANSWER = 500  # characters


def deliver(pk):
    """Make the attempt of a delivery that is due; harmless to call twice at once."""
    now = timezone.now()
    mine = Delivery.objects.filter(pk=pk, status=Delivery.Status.PENDING, due_at__lte=now)
    if not mine.update(due_at=now + CLAIM, enqueued_at=now, tries=F("tries") + 1):
        return
    row = Delivery.objects.select_related("webhook__owner", "webhook__team").get(pk=pk)
    if not row.webhook.is_active and row.event != TEST:
        _end(row, {"at": now.isoformat(), "error": "The webhook is switched off.", "seconds": 0}, may_retry=False)
        return
    attempt = _attempt(row)
    log.info("webhook delivery %s (%s): %s", row.pk, row.event, attempt.get("error") or attempt["status"])
    if "error" not in attempt:
        _end(row, attempt)
        Webhook.objects.filter(pk=row.webhook_id).exclude(failures=0).update(failures=0, failing_since=None)
        return
    _end(row, attempt, may_retry=row.event != TEST)
    if row.event != TEST:
        _count_failure(row.webhook, attempt["error"])


def _attempt(row):
    """One attempt: `{at, status, seconds, answered}`, with `error` where it did not arrive."""
    at = timezone.now()
    body, started = row.body.encode(), time.monotonic()
    try:
        answer = outgoing.post(
            row.webhook.url, body, headers(row.webhook.secret, row, int(at.timestamp())), ATTEMPT_SECONDS
        )
    except (outgoing.Refused, outgoing.Unreachable) as reason:
        return {"at": at.isoformat(), "error": str(reason), "seconds": round(time.monotonic() - started, 3)}
    told = {
        "at": at.isoformat(), "status": answer.status, "seconds": round(answer.seconds, 3),
        "answered": answer.body.decode(errors="replace").replace("\x00", "")[:KEPT_OF_ANSWER],
    }  # fmt: skip
    if 300 <= answer.status < 400:
        told["error"] = f"It answered {answer.status}, a redirect: give the address that it leads to."
    elif not 200 <= answer.status < 300:
        told["error"] = f"It answered {answer.status}; any status from 200 to 299 says that it arrived."
    return told


def _end(row, attempt, may_retry=True):
    """Write an attempt down: arrived, to be tried again, or given up."""
    now = timezone.now()
    values = {"attempts": [*row.attempts, attempt][-MOST_KEPT:], "due_at": None, "ended_at": now}
    if "error" not in attempt:
        values["status"] = Delivery.Status.DELIVERED
    elif not may_retry or row.tries > len(PAUSES):
        values["status"] = Delivery.Status.FAILED
    else:
        pause = PAUSES[row.tries - 1] * random.uniform(1, 1.2)  # not all of them at the same moment again
        values |= {"due_at": now + timedelta(seconds=pause), "ended_at": None, "enqueued_at": None}
    Delivery.objects.filter(pk=row.pk, status=Delivery.Status.PENDING, tries=row.tries).update(**values)


def _count_failure(hook, reason):
    now = timezone.now()
    rows = Webhook.objects.filter(pk=hook.pk)
    rows.update(failures=F("failures") + 1)
    rows.filter(failing_since=None).update(failing_since=now)
    because = f"{settings.WEBHOOK_MAX_FAILURES} attempts in a row failed. The last: {reason}"[:300]
    with transaction.atomic():
        many = Q(failures__gte=settings.WEBHOOK_MAX_FAILURES, failing_since__lte=now - LEAST_FAILING)
        if rows.filter(many, is_active=True).update(is_active=False, disabled_because=because):
            transaction.on_commit(lambda: _tell_owners(hook, because))


def _tell_owners(hook, because):
    """Its owner, or its team's, by mail where mail is set up; the page and the start page say it in any case."""
    whose = f"team {hook.team_id}" if hook.team_id else f"person {hook.owner_id}"
    log.warning("webhook %s of %s is switched off: %s", hook.pk, whose, because)
    if not settings.MAIL_IS_SENT:
        return
    one = f"A webhook of the team “{hook.team}”," if hook.team else "Your webhook"
    words = f"{one} “{hook}” ({hook.url}) is switched off.\n\n{because}\n\nMend it, then switch it on on its page."
    for address in _addresses(hook):
        try:
            send_mail("A webhook of yours is switched off", words, None, [address])
        except OSError as error:
            log.warning("an owner of webhook %s could not be told by mail: %s", hook.pk, error)


def _addresses(hook):
    """Where its owners read their mail."""
    if hook.team is None:
        return [hook.owner.email] if hook.owner.email else []
    owners = hook.team.memberships.filter(role__in=roles_with(Right.MANAGE), user__is_active=True)
    return list(owners.exclude(user__email="").order_by("pk").values_list("user__email", flat=True))


def sweep():
    """Send what is due and was never sent, or long ago; returns how many."""
    now = timezone.now()
    unsent = Q(enqueued_at=None) | Q(enqueued_at__lt=now - RESEND)
    due = Delivery.objects.filter(unsent, status=Delivery.Status.PENDING, due_at__lte=now).order_by("due_at")
    rows = list(due.only("pk")[:500])
    Delivery.objects.filter(pk__in=[row.pk for row in rows]).update(enqueued_at=now)
    for row in rows:
        send(row)
    return len(rows)


def old_log(now):
    """The deliveries that ended and are past `WEBHOOK_LOG_DAYS`."""
    ended = Delivery.objects.exclude(status=Delivery.Status.PENDING)
    return ended.filter(created_at__lt=now - timedelta(days=settings.WEBHOOK_LOG_DAYS))


def expire_log():
    """Delete deliveries that ended before `WEBHOOK_LOG_DAYS`; returns how many."""
    some = list(old_log(timezone.now()).order_by("created_at").values_list("pk", flat=True)[:5000])
    return Delivery.objects.filter(pk__in=some).delete()[0] if some else 0
