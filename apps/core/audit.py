"""The audit log: who did what to what. One function writes it; rows are never changed."""

import json

from django.core.serializers.json import DjangoJSONEncoder

from apps.core.addresses import address_of
from apps.core.callers import current_request
from apps.core.models import AuditEvent
from apps.core.text import sayable


def record(actor, verb, subject=None, team=None, **detail):
    """Write down that `actor` did `verb` ("signed in", "deleted", "deployed") to `subject`; returns the row.

    `actor`: a user, or None for nobody (a failed sign-in) and for the platform itself. `subject`: a row; name one that
    is deleted before its row goes. `team`: a row or its id, whose admins may see the event. `detail`: what else is
    worth knowing, as JSON; never a secret. Call it in the transaction of the write, so that neither is without the
    other. The caller's address and API token are taken from the request being answered.
    """
    request = current_request()
    return AuditEvent.objects.create(
        actor_id=getattr(actor, "pk", None),
        actor_name=sayable(actor.get_username())[:150] if actor and actor.pk else "",
        verb=verb,
        subject_type=subject._meta.label_lower if subject is not None else "",
        subject_id=str(subject.pk) if subject is not None else "",
        subject_name=sayable(str(subject))[:200] if subject is not None else "",
        team_id=getattr(team, "pk", team),
        address=address_of(request) if request else None,
        token_id=getattr(getattr(request, "auth", None), "pk", None),
        detail=sayable(json.loads(json.dumps(detail, cls=DjangoJSONEncoder))),
    )


def forget_before(moment):
    """Delete events older than `moment`, a retention that the operator chose; returns how many."""
    old = AuditEvent.objects.filter(at__lt=moment)
    return old._raw_delete(old.db)
