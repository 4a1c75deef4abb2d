"""Writing down what is to be told."""

import json
import logging

from celery import current_app
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from apps.core.access import Right, may, roles_with
from apps.core.webhooks.models import Delivery, Webhook

log = logging.getLogger(__name__)
TASK = "apps.core.tasks.deliver_webhook"


def tell(event, row, data, owner="owner", members=None):
    """Have those webhooks told `data` (a dict for JSON) that want `event`, when the transaction commits.

    It happened to `row`: told are the webhooks of its team, and those of the person in its field `owner`, as long as
    they see it; who has left the team is told nothing more. With `members`, a Right, the event is for those who have
    it: of a team's row the webhooks of all such members are told instead of that person's.
    """
    for hook in _hooks_about(row, owner, members):
        if event in hook.events:
            write(hook, event, data)


def _hooks_about(row, owner, members):
    active = Webhook.objects.filter(is_active=True)
    of_people = active.filter(team=None, owner__is_active=True)
    if row.team_id is not None and members:
        found = row.team.memberships.filter(role__in=roles_with(members)).values("user")
        return [*active.filter(team=row.team_id), *of_people.filter(owner__in=found)]
    person = getattr(row, owner)
    own = of_people.filter(owner=person) if may(person, Right.INSIDE, row, owner) else []
    return [*own, *(active.filter(team=row.team_id) if row.team_id is not None else [])]


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
