"""API tokens that ask models: which one a call came with, and the names of a person's."""

from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import ApiToken


def token_of(request):
    """The API token that a call came with, a program's; None where a person is signed in."""
    return request.auth if isinstance(request.auth, ApiToken) else None


def names_of_tokens_to_ask(user):
    """The newest first, at most five."""
    tokens = user.api_tokens.filter(scope__contains="infer").filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    )
    return list(tokens.values_list("name", flat=True)[:5])
