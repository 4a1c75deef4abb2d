"""Writing down what is to be told."""

import json
import logging

from celery import current_app
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.core.webhooks.models import Delivery, Webhook

log = logging.getLogger(__name__)
TASK = "apps.core.tasks.deliver_webhook"


def tell(event, owner, data):
    """Have the webhooks of `owner` that want `event` told `data` (a dict for JSON), when the transaction commits."""
    hooks = Webhook.objects.filter(owner=owner, owner__is_active=True, is_active=True)
    for hook in hooks:
        if event in hook.events:
            write(hook, event, data)


def write(hook, event, data):
    """A delivery of `data` to one webhook; it is sent when the transaction commits."""
    now = timezone.now()
    row = Delivery(webhook=hook, event=event, due_at=now, enqueued_at=now)
    told = {"id": str(row.pk), "event": event, "created_at": now, "data": data}
    row.body = json.dumps(told, cls=DjangoJSONEncoder)
    row.save(force_insert=True)
    transaction.on_commit(lambda: send(row))
    return row


def send(row):
    """Put a delivery into the queue; where the queue is away, the sweep does it later."""
    try:
        current_app.send_task(TASK, [str(row.pk)])
    except (OperationalError, OSError) as error:
        log.warning("webhook delivery %s waits, the queue is away: %s", row.pk, error)
        Delivery.objects.filter(pk=row.pk).update(enqueued_at=None)
