"""Every end of a sign-in."""

from django.db import transaction
from django.db.models import F

from apps.accounts import jwts
from apps.accounts.models import BrowserSession, User
from apps.core import audit


@transaction.atomic
def sign_out_everywhere(user, actor=None):
    """Every session and JWT of this person ends at once; API tokens go on."""
    audit.record(actor or user, "signed out everywhere", user)
    end_sign_ins(user)


def end_sign_ins(user):
    """What was signed in before is of an earlier generation from now on."""
    User.objects.filter(pk=user.pk).update(sign_in_generation=F("sign_in_generation") + 1)
    BrowserSession.objects.filter(user=user).delete()
    user.refresh_from_db(fields=["sign_in_generation"])


def end_jwts(refresh):
    """The sign-in that a refresh token comes from has ended; raises TokenError for what is no token or was used."""
    token = jwts.PersonRefresh(refresh)  # outside of the transaction: what a used one ends stays ended
    user = jwts.person_of(token)
    with transaction.atomic():
        token.end_family()
        audit.record(user, "signed out", user, by="API")
