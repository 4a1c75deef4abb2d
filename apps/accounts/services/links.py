"""Links that are good once: made with a random key, of which only the hash is kept, and with an end."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import OneTimeLink, hash_token


class LinkRefused(ValueError):
    """The link is unknown, used, revoked or past its end; the message says so to who holds it."""


@transaction.atomic
def make_link(purpose, made_by, email="", lifetime=timedelta(days=7), **data):
    """A new link as (row, key); the key belongs into its address, is not stored and cannot be shown again.

    `purpose`: what it is good for ("registration", "team"). `email`: whom it is for, if that is known. `data`: what
    its use needs to know, as JSON.
    """
    key = OneTimeLink.new_key()
    row = OneTimeLink.objects.create(
        purpose=purpose, made_by=made_by, email=email, data=data, key_hash=hash_token(key),
        expires_at=timezone.now() + lifetime,
    )  # fmt: skip
    return row, key


def purpose_of(key):
    """What the link that `key` opens is for, good or not; "" where there is none."""
    return OneTimeLink.objects.filter(key_hash=hash_token(key)).values_list("purpose", flat=True).first() or ""


def find_link(purpose, key):
    """The link that `key` opens, still good; raises LinkRefused."""
    link = OneTimeLink.objects.filter(purpose=purpose, key_hash=hash_token(key)).select_related("made_by").first()
    if link is None:
        raise LinkRefused("This link is not known here. Is it copied whole?")
    if link.used_at:
        raise LinkRefused("This link was used already; it is good once.")
    if link.revoked_at:
        raise LinkRefused("This link was withdrawn.")
    if link.expires_at <= timezone.now():
        raise LinkRefused(f"This link was good until {link.expires_at:%Y-%m-%d %H:%M} UTC. Ask for a new one.")
    return link


def use_link(link, user):
    """The link is used up by `user`: of two who use it at once, one wins; raises LinkRefused.

    Call it in the transaction of what the link is good for.
    """
    now = timezone.now()
    good = OneTimeLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=now)
    if not good.update(used_at=now, used_by=user):
        raise LinkRefused("This link was used or withdrawn just now.")
    link.used_at, link.used_by = now, user
    return link


def revoke_link(link):
    """The link is good no more; False where it was used or withdrawn before."""
    good = OneTimeLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None)
    return bool(good.update(revoked_at=timezone.now()))


def renew_key(link):
    """A new key for a link that is still good, in place of its old one; raises LinkRefused."""
    key = OneTimeLink.new_key()
    good = OneTimeLink.objects.filter(pk=link.pk, used_at=None, revoked_at=None, expires_at__gt=timezone.now())
    if not good.update(key_hash=hash_token(key)):
        raise LinkRefused("This link was used or withdrawn, or its time is over.")
    return key
