"""Rate limits of the API: by person, by API token, and by address for who is nobody."""

from django.conf import settings
from rest_framework.throttling import BaseThrottle

from apps.accounts.models import ApiToken
from apps.core import limits
from apps.core.addresses import address_of


class ApiRate(BaseThrottle):
    """All calls of a minute. One of a token counts for the token and for its person; of nobody, for the address.

    A view's `rate_setting` names another setting than the person's and the token's: asking models has its own.
    """

    def allow_request(self, request, view):
        taken = limits.take(_limits(request, getattr(view, "rate_setting", None)))
        request._request.rate = self.taken = taken
        return taken is None or taken.is_within

    def wait(self):
        return self.taken.seconds_left


def _limits(request, own):
    if not request.user.is_authenticated:
        return [limits.Limit("address", address_of(request) or "", settings.RATE_OF_ADDRESSES)]
    found = [limits.Limit(f"{own or 'all'}:person", str(request.user.pk), getattr(settings, own or "RATE_OF_USERS"))]
    if isinstance(request.auth, ApiToken):
        token = request.auth
        found.append(limits.Limit(f"{own or 'all'}:token", str(token.pk), getattr(settings, own or "RATE_OF_TOKENS")))
    return found


class SignInThrottle(BaseThrottle):
    """Tries per address (SIGN_IN_RATE)."""

    def allow_request(self, request, view):
        limit = limits.Limit("sign-in:address", address_of(request) or "", *settings.SIGN_IN_RATE)
        request._request.rate = self.taken = limits.take([limit])
        return self.taken is None or self.taken.is_within

    def wait(self):
        return self.taken.seconds_left
