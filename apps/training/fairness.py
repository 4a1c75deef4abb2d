"""Whose turn it is: the rule by which people share the trainers (docs/decisions/017). Pure; all times are seconds.

1. A job that had begun and was handed back, by a crash or a stopping trainer, goes on first: it keeps its turn.
2. Then the person with the fewest running jobs.
3. Of equals, who has been waiting longest: since their oldest waiting job was queued, or since a trainer last began or
   ended a job of theirs, whichever was later.
4. Of one person's jobs the oldest in the queue.
"""

import heapq
import math
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import count
from types import MappingProxyType
from typing import NamedTuple

SOME_SECONDS = 3600.0  # stands for a length that is not known, to go on guessing the order


class Waiting(NamedTuple):
    """A job in the queue: since `queued_at`, for about `seconds` (None: not known) once it has begun."""

    pk: int
    person: int
    queued_at: float
    seconds: float | None = None
    had_begun: bool = False
    team: int | None = None


class Running(NamedTuple):
    """A job that a trainer works on, for about `seconds` more (None: not known)."""

    person: int
    seconds: float | None = None
    team: int | None = None


class Limits(NamedTuple):
    """Jobs that may run at once for each person (whoever's they are) and for each team; 0 is any number.

    `own`: of whom something else holds, by ("person" or "team", id).
    """

    of_person: int = 0
    of_team: int = 0
    own: Mapping = MappingProxyType({})

    def person(self, person):
        return self.own.get(("person", person), self.of_person) or math.inf

    def team(self, team):
        return self.own.get(("team", team), self.of_team) or math.inf if team else math.inf


NO_LIMITS = Limits()


class Line:
    """The waiting jobs of all people, and what each person and each team has of the trainers.

    `served`: by person, when a trainer last began or ended a job of theirs. A job whose team has all it may have lets
    others of its person go first.
    """

    def __init__(self, waiting, running=(), served=None, limits=NO_LIMITS):
        self.running, self.served, self.limits = list(running), dict(served or {}), limits
        self._held = Counter(job.person for job in self.running)
        self._held_by_team = Counter(job.team for job in self.running)
        self._own = defaultdict(list)
        for job in sorted(waiting, key=lambda job: (not job.had_begun, job.queued_at, job.pk), reverse=True):
            self._own[job.person].append(job)  # the next one is the last of the list

    @property
    def is_waiting(self):
        """Whether any job waits, if only for others of its person to end."""
        return bool(self._own)

    def next(self):
        """The job whose turn it is, left where it is; None where none may start."""
        heads = (
            self._head(jobs) for person, jobs in self._own.items() if self._held[person] < self.limits.person(person)
        )
        return min(filter(None, heads), key=self._turn, default=None)

    def _head(self, jobs):
        """A person's next job; None where the teams of all have what they may have."""
        return next((job for job in reversed(jobs) if self._held_by_team[job.team] < self.limits.team(job.team)), None)

    def _turn(self, job):
        since = max(job.queued_at, self.served.get(job.person, job.queued_at))
        return (not job.had_begun, self._held[job.person], since, job.pk)

    def begin(self, job, now):
        """A trainer takes the job, which is its person's next."""
        self._own[job.person].remove(job)  # mostly the last of them
        if not self._own[job.person]:
            del self._own[job.person]
        self._held[job.person] += 1
        self._held_by_team[job.team] += 1
        self.served[job.person] = now

    def end(self, job, now):
        """A job has ended."""
        self._held[job.person] -= 1
        self._held_by_team[job.team] -= 1
        self.served[job.person] = now


def foresee(line, trainers, now):
    """[(job, seconds until it starts, or None)] of all that wait, in the order in which they would start.

    `trainers` is how many jobs run at once; with none the order is still told. Uses the line up.
    """
    order, tick, known = [], count(), trainers > 0
    ends = [(SOME_SECONDS if job.seconds is None else job.seconds, next(tick), job) for job in line.running]
    heapq.heapify(ends)
    idle, at = max(trainers, 1) - len(ends), 0.0
    while line.is_waiting:
        while idle > 0 and (job := line.next()):
            line.begin(job, now + at)
            order.append((job, at if known else None))
            heapq.heappush(ends, (at + (SOME_SECONDS if job.seconds is None else job.seconds), next(tick), job))
            idle -= 1
        at = ends[0][0]
        while ends and ends[0][0] <= at:  # those that end at once are all gone before the next turn
            _, _, ended = heapq.heappop(ends)
            known = known and ended.seconds is not None
            line.end(ended, now + at)
            idle += 1
    return order
