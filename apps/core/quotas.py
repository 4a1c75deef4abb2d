"""How much of the platform a person and a team may have: bytes of files, and trainings at once.

The settings hold for everybody; a row of `Quota` says otherwise of one. What is used is summed in the database and kept
for some seconds, to which everything that comes in is added: two uploads at the same moment may pass a limit by one.
"""

import logging
from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache
from redis import RedisError

from apps.core import usage
from apps.core.models import Quota
from apps.core.text import sized
from apps.core.work import WorkFailed

log = logging.getLogger(__name__)
KEPT_SECONDS = 30


class NoRoomLeft(WorkFailed):
    """It would not fit into what its person or team may have; the message says how much is used, and what to do."""


@dataclass(frozen=True)
class Storage:
    """Bytes that a person or a team has of how many; `most` is 0 where there is no limit."""

    used: int
    most: int

    @property
    def percent(self):
        return min(round(100 * self.used / self.most), 100) if self.most else 0

    @property
    def is_nearly_full(self):
        return self.percent >= 90


def storage_of(owner_id=None, team_id=None):
    """The Storage of a team, or of what is a person's own."""
    return Storage(_used(owner_id, team_id), most_bytes(owner_id, team_id))


def most_bytes(owner_id=None, team_id=None):
    """Bytes that they may have; 0: no limit."""
    rows = Quota.objects.filter(**({"team": team_id} if team_id else {"person": owner_id}))
    return _bytes("team" if team_id else "person", rows.values_list("storage_mb", flat=True).first())


class Limits:
    """The storage limits of all, read once."""

    def __init__(self):
        rows = Quota.objects.values_list("person", "team", "storage_mb")
        self._own = {("team", team) if team else ("person", person): most for person, team, most in rows}

    def most(self, what, pk):
        """Bytes that a "person" or a "team" may have; 0: no limit."""
        return _bytes(what, self._own.get((what, pk)))


def check_room(owner_id, team_id, size):
    """Raise NoRoomLeft where `size` bytes more do not fit; else they count from now on."""
    most = most_bytes(owner_id, team_id)
    if most and size:
        if _used(owner_id, team_id) + size > most:
            raise NoRoomLeft(in_words(storage_of(owner_id, team_id), size, team_id))
        _add(owner_id, team_id, size)


def has_room(owner_id, team_id, size):
    """Whether `size` bytes more fit."""
    most = most_bytes(owner_id, team_id)
    return not most or not size or _used(owner_id, team_id) + size <= most


def room_left(owner_id, team_id):
    """Bytes that still fit; None where there is no limit."""
    most = most_bytes(owner_id, team_id)
    return max(most - _used(owner_id, team_id), 0) if most else None


def trainings_at_once():
    """`{("person" or "team", id): how many}` of those of whom something else than the settings holds; 0: no limit."""
    rows = Quota.objects.exclude(trainings_at_once=None).values_list("person", "team", "trainings_at_once")
    return {("team", team) if team else ("person", person): most for person, team, most in rows}


def in_words(there, size, team_id=None, waiting=0):
    """Why `size` bytes do not fit; `waiting` are those of uploads that nothing was made of yet."""
    have = "The team has" if team_id else "You have"
    words = (
        f"This takes {sized(size)}. {have} {sized(there.used)} of {sized(there.most)}: delete datasets, images (and "
        "empty the trash), models or exports, or ask the operator for more."
    )
    if waiting:
        hours = settings.JOB_FILE_HOURS
        words += (
            f" Uploads that are not imported yet count, too: {sized(waiting)}; they go by themselves in {hours} hours."
        )
    return words


def _bytes(what, own_megabytes):
    if own_megabytes is None:
        own_megabytes = settings.STORAGE_MB_PER_TEAM if what == "team" else settings.STORAGE_MB_PER_PERSON
    return own_megabytes * 2**20


def _key(owner_id, team_id):
    return f"used-{f'team-{team_id}' if team_id else f'person-{owner_id}'}"


def _used(owner_id, team_id):
    def used():
        return usage.used_by(team=team_id) if team_id else usage.used_by(owner=owner_id)

    try:
        return cache.get_or_set(_key(owner_id, team_id), used, KEPT_SECONDS)
    except RedisError:
        return used()


def _add(owner_id, team_id, size):
    try:
        cache.incr(_key(owner_id, team_id), size)
    except (RedisError, ValueError):
        log.debug("what is used is summed anew")  # ValueError: it was kept no longer
