"""A Redis that answers at once or not at all, for what can go on without it."""

from functools import cache

import redis
from django.conf import settings

SECONDS = 0.25


def quick_redis():
    """A new connection pool; a call takes at most SECONDS, then it raises redis.RedisError."""
    return redis.Redis.from_url(
        settings.CACHES["default"]["LOCATION"], socket_timeout=SECONDS, socket_connect_timeout=SECONDS
    )


@cache
def shared_redis():
    """The one of this process."""
    return quick_redis()
