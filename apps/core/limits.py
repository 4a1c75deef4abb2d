"""How often somebody may do something within a time: counted in Redis, in one call however many limits there are.

Time is cut into windows of fixed length, so that a count is one number: at the seam of two windows up to twice the
limit may come through. Where Redis is away nobody is refused, and it is not asked again for some seconds.
"""

import logging
import time
from dataclasses import dataclass

import redis

from apps.core.quick import quick_redis

log = logging.getLogger(__name__)
AWAY_SECONDS = 5.0  # without asking a Redis again that did not answer


@dataclass(frozen=True)
class Limit:
    """`most` times in `seconds` for `who`, of a `kind` of thing."""

    kind: str
    who: str
    most: int
    seconds: int = 60


@dataclass(frozen=True)
class Taken:
    """How a limit stands after being taken from."""

    limit: Limit
    number: int
    resets_at: int  # seconds since 1970

    @property
    def is_within(self):
        return self.number <= self.limit.most

    @property
    def remaining(self):
        return max(self.limit.most - self.number, 0)

    @property
    def seconds_left(self):
        return max(self.resets_at - int(time.time()), 1)


class Counter:
    """The connection, and whether it is worth a try."""

    def __init__(self):
        self._client, self._away_until = None, 0.0

    def add(self, keys):
        """Add one to each (key, seconds to keep it); the counts, or None while Redis is away."""
        if not keys or time.monotonic() < self._away_until:
            return None
        try:
            pipe = self._connected().pipeline(transaction=False)
            for key, seconds in keys:
                pipe.incr(key)
                pipe.expire(key, seconds)
            return pipe.execute()[::2]
        except redis.RedisError as error:
            self._away_until = time.monotonic() + AWAY_SECONDS
            log.warning("Nobody is held to a rate: Redis is away (%s).", error)
            return None

    def _connected(self):
        if self._client is None:
            self._client = quick_redis()
        return self._client


_counter = Counter()


def take(limits):
    """Count one for each Limit; the Taken that is closest to its end, or None where none is set or Redis is away."""
    now, limits = int(time.time()), [limit for limit in limits if limit.most]
    windows = [now // limit.seconds for limit in limits]
    keys = [
        (f"rate:{limit.kind}:{limit.who}:{window}", limit.seconds + 1)
        for limit, window in zip(limits, windows, strict=True)
    ]
    counts = _counter.add(keys)
    if counts is None:
        return None
    taken = [
        Taken(limit, number, (window + 1) * limit.seconds)
        for limit, window, number in zip(limits, windows, counts, strict=True)
    ]
    return min(taken, key=lambda one: one.limit.most - one.number)


def is_within(kind, who, most, seconds):
    """Count one; whether it was within the limit."""
    taken = take([Limit(kind, who, most, seconds)])
    return taken is None or taken.is_within


class RateHeaders:
    """Middleware: answers tell the limit that the request was counted against."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        response = self.get_response(request)
        taken = getattr(request, "rate", None)
        if taken:
            response.headers.setdefault("X-RateLimit-Limit", str(taken.limit.most))
            response.headers.setdefault("X-RateLimit-Remaining", str(taken.remaining))
            response.headers.setdefault("X-RateLimit-Reset", str(taken.resets_at))
        return response
