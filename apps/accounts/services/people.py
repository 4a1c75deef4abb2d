"""Every write about people."""

from django.conf import settings
from django.core import signing
from django.db import IntegrityError, transaction
from django.urls import reverse

from apps.accounts import tasks
from apps.accounts.mail import later
from apps.accounts.models import User
from apps.accounts.proofs import EMAIL_PROOF, reset_parts
from apps.accounts.services.sign_ins import end_sign_ins
from apps.core import audit, limits

MAILS_AN_HOUR = 5  # that anybody may have sent to a person


class NameTaken(ValueError):
    """Someone else took the username or the email since it was checked."""

    def __init__(self):
        super().__init__("This username or email is taken.")


class ProofRefused(ValueError):
    """A link that should prove an address is broken, past its end, or about an address that is no longer this one."""


def register_user(username, email, password, **extra):
    """A new person with a hashed password; raises NameTaken."""
    try:
        with transaction.atomic():
            return User.objects.create_user(username=username, email=email, password=password, **extra)
    except IntegrityError:
        raise NameTaken from None


@transaction.atomic
def register_oneself(username, email, password, site, link=None):
    """A person who registers by themselves, by the link of an invitation or without; raises NameTaken.

    Where mail is sent they get a link that proves their address, unless the invitation went to that very address.
    `site`: the address of the platform for that link, as "https://yolo.example.org". The link is not used up here.
    """
    proven = link is not None and link.email.lower() == email.lower()
    must_verify = settings.MAIL_IS_SENT and not proven
    user = register_user(username, email, password, must_verify_email=must_verify)
    audit.record(user, "registered", user, invited_by=link.made_by.username if link else None)
    if must_verify:
        later(tasks.send_email_proof, user.pk, site)
    return user


def may_be_mailed(user):
    """Count one mail that somebody has sent to this person; whether it is among the MAILS_AN_HOUR."""
    return limits.is_within("mail", str(user.pk), MAILS_AN_HOUR, 3600)


@transaction.atomic
def update_user(user, site="", **values):
    """Change username or email; raises NameTaken. Where mail is sent, a new address gets a link to prove it."""
    before = User.objects.get(pk=user.pk)
    for field, value in values.items():
        setattr(user, field, value)
    email_is_new = user.email.lower() != before.email.lower()
    user.must_verify_email = user.must_verify_email or (email_is_new and settings.MAIL_IS_SENT)
    try:
        with transaction.atomic():
            user.save(update_fields=[*values, "must_verify_email", "updated_at"])
    except IntegrityError:
        raise NameTaken from None
    changed = {name: [getattr(before, name), new] for name, new in values.items() if getattr(before, name) != new}
    if changed:
        audit.record(user, "account changed", user, **changed)
    if email_is_new and settings.MAIL_IS_SENT:
        if may_be_mailed(user):  # else another can be sent from the account's page, later
            later(tasks.send_email_proof, user.pk, site)
        if not before.must_verify_email:  # an address that was never proven may be a stranger's
            later(tasks.send_email_changed, user.pk, before.email)
    return user


@transaction.atomic
def verify_email(proof):
    """The address of a signed text is its person's; returns the person, raises ProofRefused."""
    try:
        pk, email = signing.loads(proof, salt=EMAIL_PROOF, max_age=settings.EMAIL_VERIFICATION_DAYS * 86400)
    except signing.SignatureExpired:
        raise ProofRefused("This link was good for a few days only. Sign in and have a new one sent.") from None
    except signing.BadSignature:
        raise ProofRefused("This link is broken. Is it copied whole?") from None
    user = User.objects.filter(pk=pk, email=email, is_active=True).first()
    if user is None:
        raise ProofRefused("This link is about an address that the account no longer has.")
    if user.must_verify_email:
        User.objects.filter(pk=pk, email=email).update(must_verify_email=False)
        audit.record(user, "email verified", user, email=email)
    return user


@transaction.atomic
def set_password(user, password, actor=None):
    """A new password; every session and JWT of this person ends, API tokens go on. `actor`: who did it, if another."""
    user.set_password(password)
    User.objects.filter(pk=user.pk).update(password=user.password)
    audit.record(actor or user, "password changed", user)
    end_sign_ins(user)
    if settings.MAIL_IS_SENT:
        later(tasks.send_password_changed, user.pk)


def make_reset_link(user, actor=None, site=""):
    """The address of the page on which `user` sets a new password, for an operator to hand on; good once."""
    audit.record(actor, "reset link made", user)
    return site + reverse("accounts:password_reset_confirm", args=reset_parts(user))


def save_keymap(user, keymap):
    """Keep the keys that this person chose for the labelling workspace."""
    User.objects.filter(pk=user.pk).update(keymap=keymap)
    user.keymap = keymap
