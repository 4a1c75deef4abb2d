"""Invitations to register: a link that is good once."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction

from apps.accounts import tasks
from apps.accounts.mail import later
from apps.accounts.models import OneTimeLink
from apps.accounts.services.links import make_link, renew_key, revoke_link
from apps.core import audit

PURPOSE = "registration"


def invitations():
    """All invitations to register, newest first."""
    return OneTimeLink.objects.filter(purpose=PURPOSE).select_related("made_by", "used_by")


@transaction.atomic
def invite(actor, email="", days=None, site=""):
    """A new invitation as (row, key). With an address, where mail is sent, it goes there, and the key is None."""
    row, key = make_link(PURPOSE, actor, email, timedelta(days=days or settings.INVITATION_DAYS))
    audit.record(actor, "invited", row, email=email)
    if email and settings.MAIL_IS_SENT:
        later(tasks.send_invitation, row.pk, site)
        return row, None
    return row, key


@transaction.atomic
def copy_invitation(actor, row):
    """A new key for an invitation that is still good: the one that was given before opens nothing any more."""
    audit.record(actor, "invitation link renewed", row)
    return renew_key(row)


@transaction.atomic
def withdraw_invitation(actor, row):
    """The invitation is good no more; False where it was used or withdrawn before."""
    if not revoke_link(row):
        return False
    audit.record(actor, "invitation withdrawn", row)
    return True
