"""How often a token may ask on one day (UTC).

Redis counts, in one call for each question: all web processes see the same number. The usage that the database has is
what the count begins with where Redis knows none (a new day, a Redis that was emptied). Where Redis is away, each
process goes on from the database's usage, read again every few seconds: then a few more than the quota may come
through, as many as the other processes answer meanwhile. Nobody is refused because Redis is away.

A question counts once it found its model, whatever becomes of it; one that the quota refuses does not. Each image or
frame of a batch is a question of its own, counted as it is answered: what a batch has counted once it does not again.
"""

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import redis
from django.utils import timezone

from apps.accounts.models import ApiToken
from apps.core.quick import quick_redis
from apps.inference.models import TokenUsage

log = logging.getLogger(__name__)
KEPT_SECONDS = 2 * 24 * 3600
AWAY_SECONDS = 5.0  # without asking a Redis again that did not answer
READ_AGAIN_SECONDS = 3.0  # the database's usage, while Redis is away

# KEYS: the count of a token's day. ARGV: the least that it is known to be (-1: nothing is known), the quota, seconds to
# keep it. Answers the count with this question, above the quota where it is refused; -1 where nothing is known.
# Of a batch: KEYS[2] holds the number of its last image that counted, ARGV[4] is this one's; 0 where it counted before.
SPEND = """
if KEYS[2] and tonumber(redis.call('GET', KEYS[2]) or '0') >= tonumber(ARGV[4]) then return 0 end
local used = math.max(tonumber(redis.call('GET', KEYS[1]) or '-1'), tonumber(ARGV[1]))
if used < 0 then return -1 end
if used >= tonumber(ARGV[2]) then return used + 1 end
redis.call('SET', KEYS[1], used + 1, 'EX', ARGV[3])
if KEYS[2] then redis.call('SET', KEYS[2], ARGV[4], 'EX', ARGV[3]) end
return used + 1
"""


@dataclass(frozen=True)
class Allowance:
    """What is left of a token's day after a question; `number` is the question's own, above `limit` where refused."""

    limit: int
    number: int
    resets_at: datetime

    @property
    def is_within(self):
        return self.number <= self.limit

    @property
    def remaining(self):
        return max(self.limit - self.number, 0)

    @property
    def seconds_left(self):
        """Whole seconds until the day ends, at least one."""
        return max(int((self.resets_at - timezone.now()).total_seconds()) + 1, 1)


def spend(auth):
    """Count one question of `request.auth`; None where it is no token, or one without a quota."""
    if not isinstance(auth, ApiToken) or auth.requests_per_day is None:
        return None
    day, ends = _today()
    return Allowance(auth.requests_per_day, _counter.next(auth.pk, day, auth.requests_per_day), ends)


def left(auth):
    """What is left of the quota of `request.auth`, counting nothing; None as `spend`."""
    if not isinstance(auth, ApiToken) or auth.requests_per_day is None:
        return None
    day, ends = _today()
    return Allowance(auth.requests_per_day, used(auth, day), ends)


def spend_part(token, job_id, number):
    """Count the `number`-th image (from 1) of a batch, once however often it is asked for; an Allowance."""
    day, ends = _today()
    limit = token.requests_per_day
    return Allowance(limit, _counter.next(token.pk, day, limit, (f"quota:batch:{job_id}", number)), ends)


def _today():
    """(the day, when it ends), both UTC."""
    now = timezone.now().astimezone(UTC)
    return now.date(), now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def stored(token_id, day):
    """What the database knows of a token's day: it lags by what the processes have not stored yet."""
    usage = TokenUsage.objects.filter(token_id=token_id, day=day).first()
    return usage.spent if usage else 0


def used(token, day):
    """How many questions count against the token's quota on a day; for pages, not for each question."""
    return max(_counter.seen(token.pk, day), stored(token.pk, day))


class Counter:
    """Counts questions in Redis, or here while it is away."""

    def __init__(self):
        self._client = self._spend = None
        self._away_until = 0.0
        self._here, self._lock = {}, threading.Lock()  # (token id, day) → [count, read at]

    def next(self, token_id, day, limit, part=()):
        """The number of this question on the day; above `limit` it is refused and does not count.

        `part` is (key of a batch, the question's number in it): 0 where it was counted before.
        """
        if time.monotonic() >= self._away_until:
            try:
                return self._in_redis(token_id, day, limit, part)
            except redis.RedisError as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("Quotas are counted by each process for itself: Redis is away (%s).", error)
        return self._in_process(token_id, day, limit)

    def seen(self, token_id, day):
        """What Redis, or this process while it is away, has counted; 0 where neither knows."""
        try:
            if time.monotonic() >= self._away_until:
                return int(self._connected().get(_key(token_id, day)) or 0)
        except redis.RedisError:
            self._away_until = time.monotonic() + AWAY_SECONDS
        return self._here.get((token_id, day), [0])[0]

    def _connected(self):
        if self._client is None:
            client = quick_redis()
            self._spend = client.register_script(SPEND)
            self._client = client
        return self._client

    def _in_redis(self, token_id, day, limit, part):
        self._connected()
        keys, more = [_key(token_id, day), *part[:1]], [limit, KEPT_SECONDS, *part[1:]]
        known = self._here.get((token_id, day), [-1])[0]
        number = self._spend(keys=keys, args=[known, *more])
        if number < 0:
            number = self._spend(keys=keys, args=[stored(token_id, day), *more])
        if known >= 0:
            self._here.pop((token_id, day), None)  # Redis knows them now
        return int(number)

    def _in_process(self, token_id, day, limit):
        with self._lock:
            if len(self._here) > 10_000:
                self._here = {key: value for key, value in self._here.items() if key[1] == day}
            here = self._here.setdefault((token_id, day), [0, None])
            if here[1] is None or time.monotonic() - here[1] > READ_AGAIN_SECONDS:
                here[:] = [max(here[0], stored(token_id, day)), time.monotonic()]
            if here[0] >= limit:
                return here[0] + 1
            here[0] += 1
            return here[0]


def _key(token_id, day):
    return f"quota:{token_id}:{day}"


_counter = Counter()
