"""JWTs: a pair at each sign-in, each refresh token good once; all end where a person's sign-ins do."""

import uuid

from django.db import transaction
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed, TokenError
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from rest_framework_simplejwt.tokens import RefreshToken, Token
from rest_framework_simplejwt.utils import datetime_from_epoch

from apps.accounts.models import User

FAMILY, GENERATION = "family", "generation"
USED = "This refresh token was used before. In case somebody copied it, all that came from its sign-in have ended."


class PersonRefresh(RefreshToken):
    """A refresh token of one sign-in's family. In the database stands its family, in place of the token itself."""

    @classmethod
    def for_user(cls, user):
        token = Token.for_user.__func__(cls, user)
        token[FAMILY], token[GENERATION] = uuid.uuid4().hex, user.sign_in_generation
        token.outstand()
        return token

    def outstand(self):
        return OutstandingToken.objects.get_or_create(
            jti=self[api_settings.JTI_CLAIM],
            defaults={
                "user_id": self[api_settings.USER_ID_CLAIM], "token": self.get(FAMILY, ""),
                "created_at": self.current_time, "expires_at": datetime_from_epoch(self["exp"]),
            },
        )  # fmt: skip

    def blacklist(self):
        return BlacklistedToken.objects.get_or_create(token=self.outstand()[0])

    def check_blacklist(self):
        if BlacklistedToken.objects.filter(token__jti=self[api_settings.JTI_CLAIM]).exists():
            self.end_family()
            raise TokenError(USED)

    def end_family(self):
        """No refresh token of this sign-in is good any more."""
        self.outstand()
        family = OutstandingToken.objects.filter(user_id=self[api_settings.USER_ID_CLAIM], token=self.get(FAMILY, ""))
        rows = [BlacklistedToken(token=one) for one in family.filter(blacklistedtoken=None)]
        BlacklistedToken.objects.bulk_create(rows, ignore_conflicts=True)


def person_of(token):
    """Whose token it is; raises AuthenticationFailed where they are gone, inactive, or signed out everywhere since."""
    user = User.objects.filter(pk=token.get(api_settings.USER_ID_CLAIM), is_active=True).first()
    if user is None:
        raise AuthenticationFailed("No account has this token.")
    refuse_former(token, user)
    return user


def refuse_former(token, user):
    """AuthenticationFailed for a token from before the password changed or all was signed out."""
    if token.get(GENERATION, 0) != user.sign_in_generation:
        raise AuthenticationFailed("This sign-in has ended. Sign in again.")


def rotate(text):
    """The next pair as (access, refresh) for a refresh token, which is used up by it: of two uses at once, one wins.

    Raises TokenError for what is no token or was used, AuthenticationFailed as `person_of`.
    """
    token = PersonRefresh(text)
    person_of(token)
    with transaction.atomic():
        _, is_first = token.blacklist()
        if is_first:
            token.set_jti()
            token.set_exp()
            token.set_iat()
            token.outstand()
            return str(token.access_token), str(token)
    token.end_family()
    raise TokenError(USED)


class PersonJWT(JWTAuthentication):
    """`Authorization: Bearer <access token>` of the person's present generation."""

    def get_user(self, validated_token):
        user = super().get_user(validated_token)
        refuse_former(validated_token, user)
        return user
