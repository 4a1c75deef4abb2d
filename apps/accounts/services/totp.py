"""Every write about the second step of signing in: codes of an authenticator app (TOTP), and recovery codes."""

import secrets
from base64 import b32encode

from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from apps.core import audit

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that is read as another
CODES = 10


class CodeRefused(ValueError):
    """The code is wrong or was used, or is asked for too soon after wrong ones; the message says which."""


def has_totp(user):
    """Whether this person signs in with a second step."""
    return TOTPDevice.objects.filter(user=user, confirmed=True).exists()


def codes_left(user):
    """How many recovery codes are still good."""
    return StaticToken.objects.filter(device__user=user).count()


def secret_text(device):
    """The secret as apps take it by hand: base32, in groups of four."""
    text = b32encode(device.bin_key).decode()
    return " ".join(text[start : start + 4] for start in range(0, len(text), 4))


@transaction.atomic
def start_totp(user):
    """A new secret, which counts once a code of it was given; the one of an attempt before is forgotten."""
    TOTPDevice.objects.filter(user=user, confirmed=False).delete()
    return TOTPDevice.objects.create(user=user, name="app", confirmed=False)


def confirm_totp(user, code):
    """Turn the second step on by a first code; returns the recovery codes, shown once. Raises CodeRefused."""
    _match(TOTPDevice, user, code, confirmed=False)
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user, confirmed=True).delete()
        TOTPDevice.objects.filter(user=user).update(confirmed=True)
        audit.record(user, "second step turned on", user)
        return _new_codes(user)


def check_code(user, code):
    """A code of the app, or a recovery code, which is used up by it; raises CodeRefused."""
    code = code.replace(" ", "").lower()
    if code.isdecimal():
        return _match(TOTPDevice, user, code)
    _match(StaticDevice, user, _hashed(code))
    return audit.record(user, "recovery code used", user, left=codes_left(user))


def renew_codes(user, code):
    """New recovery codes in place of the old ones; raises CodeRefused."""
    check_code(user, code)
    with transaction.atomic():
        audit.record(user, "recovery codes made", user)
        return _new_codes(user)


def turn_off_totp(user, code):
    """No second step any more; raises CodeRefused. Whoever calls it has checked the password."""
    check_code(user, code)
    release_totp(user)


@transaction.atomic
def release_totp(user, actor=None):
    """Turn the second step off without a code, as an operator does for who lost everything."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    audit.record(actor or user, "second step turned off", user)


def _match(kind, user, code, confirmed=True):
    """Let the person's device of this kind check the code: one try at a time, and none too soon after wrong ones."""
    with transaction.atomic():
        device = kind.objects.select_for_update().filter(user=user, confirmed=confirmed).first()
        allowed, why = device.verify_is_allowed() if device else (True, None)
        is_right = bool(device) and allowed and device.verify_token(code)
    if not allowed:
        seconds = max(int((why["locked_until"] - timezone.now()).total_seconds()) + 1, 1)
        raise CodeRefused(f"Too many wrong codes. The next one is looked at in {seconds} s.")
    if not is_right:
        audit.record(user, "code refused", user)
        raise CodeRefused("This code is not right, or was used already. Is the clock of your device right?")


def _new_codes(user):
    """Recovery codes as text; only what they hash to is stored."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name="recovery")
    codes = ["".join(secrets.choice(LETTERS) for _ in range(12)) for _ in range(CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=_hashed(code)) for code in codes)
    return [f"{code[:4]}-{code[4:8]}-{code[8:]}" for code in codes]


def _hashed(code):
    """64 bits, which is what the library's column holds; a code is of 59 random bits, and tries are slowed down."""
    return salted_hmac("apps.accounts.recovery", code.replace("-", ""), algorithm="sha256").hexdigest()[:16]
