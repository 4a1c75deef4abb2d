"""Rate limits: of the API by person, by API token and by address; of signing in and registering, at every door."""

from functools import wraps

from django.conf import settings
from django.shortcuts import render
from rest_framework.throttling import BaseThrottle

from apps.accounts import guessing
from apps.accounts.models import ApiToken
from apps.core import limits
from apps.core.addresses import address_of


class Counted(BaseThrottle):
    """A throttle that answers what stands in headers; `limits` are those that a call counts against."""

    def allow_request(self, request, view):
        self.taken = request._request.rate = limits.take(self.limits(request, view))
        return self.taken is None or self.taken.is_within

    def wait(self):
        return self.taken.seconds_left


class ApiRate(Counted):
    """All calls of a minute. One of a token counts for the token and for its person; of nobody, for the address.

    What is refused because nobody is signed in counts apart from what is open to everybody: pages that were left open
    until their sign-in ended take nothing from who signs in. A view's `rate_setting` names another setting than the
    person's and the token's: asking models has its own.
    """

    def allow_request(self, request, view):
        is_allowed = super().allow_request(request, view)
        if not is_allowed and self.taken.limit.kind == "refused":
            guessing.note_spent(self.taken)
        return is_allowed

    def limits(self, request, view):
        if not request.user.is_authenticated:
            kind = "refused" if getattr(request._request, "is_refused", False) else "address"
            return [limits.Limit(kind, address_of(request) or "", settings.RATE_OF_ADDRESSES)]
        own = getattr(view, "rate_setting", None)
        kind, token = own or "all", request.auth
        found = [limits.Limit(f"{kind}:person", str(request.user.pk), getattr(settings, own or "RATE_OF_USERS"))]
        if isinstance(token, ApiToken):
            found.append(limits.Limit(f"{kind}:token", str(token.pk), getattr(settings, own or "RATE_OF_TOKENS")))
        return found


class SignInThrottle(Counted):
    """Tries per address, at the API and on pages together."""

    def limits(self, request, view):
        return [_tries(request)]


def _tries(request):
    return limits.Limit("sign-in:address", address_of(request) or "", *settings.SIGN_IN_RATE)


def bounded(page):
    """A page whose POSTs are tries, as at the API's doors: too many from an address are answered 429, in words."""

    @wraps(page)
    def counted(request, *args, **kwargs):
        if request.method == "POST":
            taken = request.rate = limits.take([_tries(request)])
            if taken and not taken.is_within:
                answer = render(request, "429.html", {"seconds": taken.seconds_left}, status=429)
                answer["Retry-After"] = str(taken.seconds_left)
                return answer
        return page(request, *args, **kwargs)

    return counted
