"""Signed texts in links that prove who holds them; nothing of them is stored."""

from django.contrib.auth.tokens import default_token_generator
from django.core import signing
from django.utils.http import urlsafe_base64_encode

EMAIL_PROOF = "apps.accounts.email"  # the salt of signed addresses


def email_proof(user):
    """Proves, to whoever reads this person's mail, that the address is theirs."""
    return signing.dumps([user.pk, user.email], salt=EMAIL_PROOF)


def reset_parts(user):
    """(uid, token) of the page on which this person sets a new password; good once, for PASSWORD_RESET_HOURS."""
    return urlsafe_base64_encode(str(user.pk).encode()), default_token_generator.make_token(user)
