"""The names of a person's API tokens that may ask models."""

from django.db.models import Q
from django.utils import timezone


def names_of_tokens_to_ask(user):
    """The newest first, at most five."""
    tokens = user.api_tokens.filter(scope__contains="infer").filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    )
    return list(tokens.values_list("name", flat=True)[:5])
