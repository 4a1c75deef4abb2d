"""The audit log: who did what to what. One function writes it; rows are never changed."""

import json

from django.core.serializers.json import DjangoJSONEncoder

from apps.core.addresses import address_of
from apps.core.callers import current_request
from apps.core.models import AuditEvent
from apps.core.text import sayable

FIRST, LONGEST = 5, 200  # names of many rows, and characters of a text, that are kept of them


def record(actor, verb, subject=None, team=None, token=None, **detail):
    """Write down that `actor` did `verb` ("signed in", "deleted", "deployed") to `subject`; returns the row.

    `actor`: a user, or None for nobody (a failed sign-in) and for the platform itself. `subject`: a row; name one that
    is deleted before its row goes. `team`: a row or its id, whose admins may see the event. `detail`: what else is
    worth knowing, as JSON; never a secret. Call it in the transaction of the write, so that neither is without the
    other. The caller's address and API token are taken from the request being answered; `token` is the one that was
    used where the request does not know of it yet.
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
        token_id=getattr(token or getattr(request, "auth", None), "pk", None),
        detail=sayable(json.loads(json.dumps(detail, cls=DjangoJSONEncoder))),
    )


def record_many(actor, verb, rows, team=None, **detail):
    """One event for rows of one kind that something was done to at once: how many, and the first of their names."""
    if len(rows) == 1:
        return record(actor, verb, rows[0], team, **detail)
    return record(actor, verb, _Many(rows), team, count=len(rows), names=first_names(rows), **detail)


class _Many:
    """Rows of one kind, as the subject of an event."""

    pk = ""

    def __init__(self, rows):
        self._meta = rows[0]._meta
        self._words = f"{len(rows)} {self._meta.verbose_name_plural}"

    def __str__(self):
        return self._words


def first_names(rows):
    """The names of the first FIRST rows, for an event's detail."""
    return [str(row)[:LONGEST] for row in rows[:FIRST]]


def changes(row, values):
    """`{field: [before, after]}` of what `values` change of the row as it is stored; ask before it is saved."""
    stored = type(row)._base_manager.filter(pk=row.pk).values(*values).first() if values else None
    pairs = {name: [was, getattr(values[name], "pk", values[name])] for name, was in (stored or {}).items()}
    return {name: [_short(was), _short(now)] for name, (was, now) in pairs.items() if was != now}


def _short(value):
    return value[:LONGEST] if isinstance(value, str) else value


def record_changes(actor, row, changed, team=None):
    """An event for `changed`, as `changes` gives it; none where it is empty. Who may see it now is its verb."""
    if not changed:
        return None
    verb = "changed"
    if "is_public" in changed:
        verb = "made public" if changed["is_public"][1] else "made private"
    return record(actor, verb, row, team, **{"changed": changed})


def forget_before(moment):
    """Delete events older than `moment`, a retention that the operator chose; returns how many."""
    old = AuditEvent.objects.filter(at__lt=moment)
    return old._raw_delete(old.db)
