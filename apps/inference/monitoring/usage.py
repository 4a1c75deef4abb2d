"""What was asked with a person's tokens, by day; and what is left of their quotas today."""

from datetime import UTC, datetime, timedelta

from django.utils import timezone

from apps.inference import quotas
from apps.inference.models import TokenUsage

FIELDS = ("requests", "errors", "refused")
MOST_DAYS = 400
COLUMNS = ("day", "token", "answered", "errors", "refused", "requests")


def usage_of(user, days):
    """The last `days` days (UTC, today the last) of all tokens of `user`, as the API answers it.

    Tokens that are there come first, newest first; revoked ones that were used in these days follow, with `id` null.
    """
    today = timezone.now().astimezone(UTC).date()
    dates = [today - timedelta(days=back) for back in reversed(range(days))]
    rows = list(TokenUsage.objects.filter(user=user, day__gte=dates[0], day__lte=today))
    tokens = [
        _used(dates, [row for row in rows if row.token_id == token.pk], today, token)
        for token in user.api_tokens.all()
    ]  # fmt: skip
    gone = [row for row in rows if row.token_id is None]
    for name in sorted({row.token_name for row in gone}):
        tokens.append(_used(dates, [row for row in gone if row.token_name == name], today, name))
    return {"days": dates, "tokens": tokens}


def by_day(usage):
    """A dict of COLUMNS for each day and token that asked, the newest first; `requests` is the sum of the three."""
    return [
        {
            "day": day, "token": token["name"], "requests": token["requests"][place],
            "answered": token["requests"][place] - token["errors"][place] - token["refused"][place],
            "errors": token["errors"][place], "refused": token["refused"][place],
        }
        for place, day in reversed(list(enumerate(usage["days"])))
        for token in usage["tokens"]
        if token["requests"][place]
    ]  # fmt: skip


def _used(dates, rows, today, token):
    """One token's entry; `token` is its name where it was revoked."""
    revoked = isinstance(token, str)
    series = {field: [0] * len(dates) for field in FIELDS}
    for row in rows:
        for field in FIELDS:
            series[field][(row.day - dates[0]).days] += getattr(row, field)
    quota = None if revoked else token.requests_per_day
    used = sum(row.spent for row in rows if row.day == today) if quota is None else quotas.used(token, today)
    return {
        "id": None if revoked else token.pk, "name": token if revoked else token.name,
        "hint": None if revoked else token.hint, "requests_per_day": quota, "used_today": used,
        "remaining_today": None if quota is None else max(quota - used, 0),
        "resets_at": datetime.combine(today + timedelta(days=1), datetime.min.time(), UTC),
        "total": {field: sum(series[field]) for field in FIELDS}, **series,
    }  # fmt: skip
