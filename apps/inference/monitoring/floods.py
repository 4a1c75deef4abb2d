"""Predictions that were refused at the door, 503, before it was read what they ask: how many, of all models.

Nobody knows which deployment they meant, so they stand beside the traffic of each. Redis keeps them: every process adds
what it refused once a second, for the minute and for the hour.
"""

import logging
from datetime import timedelta

import redis
from django.utils import timezone

from apps.core.quick import shared_redis

log = logging.getLogger(__name__)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
KEPT = {"minute": 25 * HOUR, "hour": 32 * DAY}


def add(number, now=None):
    """Add to the count of this minute and hour; False where Redis is away."""
    now = now or timezone.now()
    pipe = shared_redis().pipeline()
    for step, kept in KEPT.items():
        pipe.incrby(_key(step, now), number)
        pipe.expire(_key(step, now), kept)
    try:
        pipe.execute()
    except redis.RedisError as error:
        log.warning("%d refused predictions could not be counted, they wait: Redis is away (%s).", number, error)
        return False
    return True


def refused_since(start, now):
    """How many from `start` on, to the minute within a day and else to the hour; None where Redis is away."""
    step, apart = ("minute", HOUR / 60) if now - start <= DAY else ("hour", HOUR)
    keys = [_key(step, start + apart * place) for place in range(int((now - start) / apart) + 1)]
    if _key(step, now) not in keys:
        keys.append(_key(step, now))
    try:
        return sum(int(one) for one in shared_redis().mget(keys) if one)
    except redis.RedisError:
        return None


def _key(step, moment):
    return f"floods:{step}:{int(moment.timestamp()) // (60 if step == 'minute' else 3600)}"
