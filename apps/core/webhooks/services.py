"""Every write about webhooks that a person asks for."""

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import audit, outgoing
from apps.core.access import holder
from apps.core.webhooks.events import EVENTS, TEST
from apps.core.webhooks.models import Delivery, Webhook, new_secret
from apps.core.webhooks.telling import send, write

MOST = 20  # of one person or team
CHANGEABLE = ("events", "description", "is_active")  # what the audit log says of a change, and the host


class WebhookRefused(ValueError):
    """This cannot be kept; `field` is to blame (None: nothing alone) and the message says what is accepted."""

    def __init__(self, field, message):
        self.field = field
        super().__init__(message)


@transaction.atomic
def create_webhook(owner, url, events, description="", team=None):
    """A webhook that `owner` makes for themselves or for a team, active, with its secret. Raises WebhookRefused."""
    url, events = _checked(url), _known(events)
    whose = team or owner
    everybody = whose._meta.model.objects.select_for_update()  # of two who make one at once, the second counts both
    if everybody.filter(pk=whose.pk).first() is None:
        raise WebhookRefused(None, f"“{whose}” is not there any more.")
    hook = Webhook(owner=owner, team=team, url=url, events=events, description=description)
    if Webhook.objects.filter(**holder(hook)).count() >= MOST:
        raise WebhookRefused(
            None, f"There are {MOST} webhooks of “{whose}”, which is as many as one person or team has."
        )
    hook.save()
    audit.record(owner, "webhook made", hook, team, host=hook.host, events=events)
    return hook


@transaction.atomic
def update_webhook(hook, by, **values):
    """Have `by` change url, events, description or is_active. Switched on, it starts without a count of failures."""
    if "url" in values:
        values["url"] = _checked(values["url"])
    if "events" in values:
        values["events"] = _known(values["events"])
    if values.get("is_active"):
        values |= {"failures": 0, "failing_since": None, "disabled_because": ""}
    for field, value in values.items():
        setattr(hook, field, value)
    hook.save(update_fields=list(values))
    told = {name: values[name] for name in CHANGEABLE if name in values}
    if "url" in values:
        told["host"] = hook.host
    audit.record(by, "webhook changed", hook, hook.team_id, **told)
    return hook


@transaction.atomic
def delete_webhook(hook, by):
    """It goes, with its log and what was on its way."""
    audit.record(by, "webhook deleted", hook, hook.team_id, host=hook.host)
    hook.delete()


@transaction.atomic
def renew_secret(hook, by):
    """Sign with a new secret from now on; returns it."""
    hook.secret = new_secret()
    hook.save(update_fields=["secret"])
    audit.record(by, "webhook secret renewed", hook, hook.team_id)
    return hook.secret


@transaction.atomic
def send_test(hook):
    """A delivery that says nothing but that it is a test, tried once, also where the webhook is switched off."""
    return write(hook, TEST, {"words": "This is a test of your webhook.", "webhook_id": hook.pk})


@transaction.atomic
def replay(row):
    """Send the same body under the same id again, now, with all its retries. Raises WebhookRefused while it is sent."""
    now = timezone.now()
    resting = Delivery.objects.filter(~Q(status=Delivery.Status.PENDING) | Q(enqueued_at=None), pk=row.pk)
    if not resting.update(status=Delivery.Status.PENDING, due_at=now, enqueued_at=now, tries=0, ended_at=None):
        raise WebhookRefused(None, "It is being sent right now.")
    transaction.on_commit(lambda: send(row))


def _checked(url):
    try:
        outgoing.check_url(url)
    except outgoing.Refused as refused:
        raise WebhookRefused("url", str(refused)) from None
    return url


def _known(events):
    unknown = sorted(set(events) - set(EVENTS))
    if unknown or not events:
        raise WebhookRefused("events", f"Choose one or more of {', '.join(EVENTS)}.")
    return [event for event in EVENTS if event in events]
