"""Every write to API tokens."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import ApiToken, hash_token
from apps.core import audit


@transaction.atomic
def create_token(user, name, scope="read infer", expires_at=None, requests_per_day=None):
    """A new API token as (row, key); the key is not stored and cannot be shown again.

    `requests_per_day`: how often it may ask models on one day; None: as often as it likes.
    """
    key = ApiToken.new_key()
    row = ApiToken.objects.create(
        user=user, name=name, scope=scope, expires_at=expires_at, requests_per_day=requests_per_day,
        hint=key[:8], key_hash=hash_token(key),
    )  # fmt: skip
    audit.record(user, "token made", row, scope=scope, expires_at=expires_at)
    return row, key


@transaction.atomic
def set_quota(token, requests_per_day, actor=None):
    """How often the token may ask models on one day from now on; None: as often as it likes.

    `actor`: who sets it, where that is not its owner.
    """
    changed = audit.changes(token, {"requests_per_day": requests_per_day})
    audit.record_changes(actor or token.user, token, changed)
    token.requests_per_day = requests_per_day
    token.save(update_fields=["requests_per_day"])
    return token


@transaction.atomic
def revoke_token(token, actor=None):
    """The token stops working at once, in every process. `actor`: who revokes it, where that is not its owner."""
    audit.record(actor or token.user, "token revoked", token)
    token.delete()


def note_use(token):
    """The token was used just now: kept by the minute, and written to the audit log once a day."""
    now, before = timezone.now(), token.last_used_at
    if before and now - before <= timedelta(minutes=1):
        return
    is_first_to_note = ApiToken.objects.filter(pk=token.pk, last_used_at=before).update(last_used_at=now)
    if is_first_to_note and (before is None or before.date() != now.date()):
        audit.record(token.user, "token used", token, token=token)
