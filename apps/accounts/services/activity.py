"""Who may be here at all: accounts are switched off and on again by an operator."""

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services.sign_ins import end_sign_ins
from apps.core import audit


class ActivityRefused(ValueError):
    """This account stays active; the message says why."""


@transaction.atomic
def deactivate_user(user, actor):
    """Nothing of this person's is answered from now on: no session, JWT or API token; True where this call did it.

    What they own stays, and their jobs go on. Raises ActivityRefused for oneself and for the last operator.
    """
    if actor is not None and user.pk == actor.pk:
        raise ActivityRefused("You cannot deactivate yourself: another operator can.")
    # Locked, so that of two operators who deactivate each other at once one stays.
    active = User.objects.select_for_update().filter(is_active=True, is_superuser=True).order_by("pk")
    operators = list(active.values_list("pk", flat=True))
    if operators == [user.pk]:
        raise ActivityRefused("This is the last operator. Make another one first.")
    if actor is not None and actor.is_superuser and actor.pk not in operators:
        raise ActivityRefused("You were deactivated yourself.")
    if not User.objects.filter(pk=user.pk, is_active=True).update(is_active=False):
        return False
    end_sign_ins(user)
    audit.record(actor, "person deactivated", user)
    return True


@transaction.atomic
def activate_user(user, actor):
    """This person may sign in again, and their API tokens are good again; True where this call did it."""
    if not User.objects.filter(pk=user.pk, is_active=False).update(is_active=True):
        return False
    audit.record(actor, "person activated", user)
    return True
