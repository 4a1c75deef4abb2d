"""How many jobs came to which end, counted in Redis: by workers on all machines, told by any web process.

A count that Redis does not take is lost, and the log says so: no job waits for being counted.
"""

import logging

import redis
from django.db import transaction

from apps.core.quick import shared_redis

log = logging.getLogger(__name__)
KEY = "metrics:ended"


def count_end(kind, state):
    """One more of this kind came to this end, once the transaction is kept."""
    transaction.on_commit(lambda: _count(f"{kind}|{state}"))


def ended():
    """`{(kind, state): number}` since Redis was last emptied."""
    found = shared_redis().hgetall(KEY)
    return {tuple(name.decode().split("|")): int(number) for name, number in found.items()}


def _count(name):
    try:
        shared_redis().hincrby(KEY, name, 1)
    except redis.RedisError as error:
        log.info("the end of a job (%s) was not counted: Redis is away (%s)", name, error)
