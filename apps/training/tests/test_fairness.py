"""The rule by which people share the trainers, as properties: played through with made-up people and jobs."""

import heapq
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.training.fairness import Limits, Line, Running, Waiting, foresee

ALICE, BOB, CAROL = 1, 2, 3
durations = st.integers(1, 50).map(float)
arrivals = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 60).map(float), durations), min_size=1, max_size=30)
trainers = st.integers(1, 4)
limits = st.integers(0, 2)


def play(jobs, slots, most=0):
    """What really happens: [(moment, job begun, those that still wait, persons running before)] of `Waiting` jobs.

    Each decision sees only what has come by then, as a trainer that asks the database does.
    """
    coming = sorted(jobs, key=lambda job: (job.queued_at, job.pk))
    waiting, running, ends, served, begun, tick = [], [], [], {}, [], count()
    now = 0.0
    while coming or waiting:
        while coming and coming[0].queued_at <= now:
            waiting.append(coming.pop(0))
        while len(running) < slots and (job := Line(waiting, running, served, Limits(most)).next()):
            begun.append((now, job, list(waiting), [one.person for one in running]))
            waiting.remove(job)
            running.append(Running(job.person, job.seconds))
            served[job.person] = now
            heapq.heappush(ends, (now + job.seconds, next(tick), running[-1]))
        moments = [*(job.queued_at for job in coming[:1]), *(end[0] for end in ends[:1])]
        if not moments:
            break
        now = min(moments)
        while ends and ends[0][0] <= now:
            _, _, ended = heapq.heappop(ends)
            running.remove(ended)
            served[ended.person] = now
    return begun


def jobs_of(rows):
    return [Waiting(pk, person, at, seconds) for pk, (person, at, seconds) in enumerate(rows, 1)]


@given(arrivals, trainers, limits)
@settings(deadline=None, derandomize=True)
def test_every_job_begins_once_and_a_persons_own_in_the_order_in_which_they_were_queued(rows, slots, most):
    jobs = jobs_of(rows)
    begun = [job for _, job, *_ in play(jobs, slots, most)]
    assert sorted(begun) == sorted(jobs)
    for person in {job.person for job in jobs}:
        own = [(job.queued_at, job.pk) for job in begun if job.person == person]
        assert own == sorted(own)


@given(arrivals, trainers)
@settings(deadline=None, derandomize=True)
def test_while_somebody_with_nothing_running_waits_nobody_else_begins_a_second_job(rows, slots):
    since = {}  # who waits with nothing running → those who have begun meanwhile
    for _, job, waiting, running in play(jobs_of(rows), slots):
        hungry = {one.person for one in waiting} - set(running)
        since = {person: since.get(person, []) for person in hungry}
        since.pop(job.person, None)
        for begun in since.values():
            assert job.person not in begun
            begun.append(job.person)


@given(arrivals, trainers, limits)
@settings(deadline=None, derandomize=True)
def test_nobody_runs_more_than_the_limit_and_no_trainer_idles_while_a_job_may_start(rows, slots, most):
    for _, job, waiting, running in play(jobs_of(rows), slots, most):
        assert len(running) < slots
        assert not most or running.count(job.person) < most
        assert job in waiting


@given(arrivals, trainers, limits)
@settings(deadline=None, derandomize=True)
def test_what_is_foreseen_comes_true_where_the_lengths_are_as_guessed(rows, slots, most):
    jobs = [job._replace(queued_at=-1.0 * job.pk) for job in jobs_of(rows)]  # all are there from the start
    seen = foresee(Line(jobs, limits=Limits(most)), slots, now=0.0)
    assert [(job.pk, at) for job, at in seen] == [(job.pk, at) for at, job, *_ in play(jobs, slots, most)]


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
def test_one_job_does_not_wait_for_the_twenty_of_another(slots):
    many = [Waiting(pk, ALICE, float(pk), 100.0) for pk in range(1, 21)]
    running = [Running(ALICE, 100.0)] * slots
    line = Line([*many, Waiting(99, BOB, 50.0, 100.0)], running, {ALICE: 60.0})
    assert line.next().person == BOB
    order = foresee(line, slots, now=70.0)
    assert [(job.pk, at) for job, at in order[:1]] == [(99, 100.0)]
    assert len(order) == 21


def test_three_people_take_turns():
    jobs = [Waiting(pk, person, float(pk), 10.0) for pk, person in enumerate([ALICE] * 4 + [BOB] * 2 + [CAROL] * 2)]
    begun = [job.person for job, _ in foresee(Line(jobs), 1, now=20.0)]
    assert begun == [ALICE, BOB, CAROL, ALICE, BOB, CAROL, ALICE, ALICE]


def test_a_job_that_was_handed_back_keeps_its_turn():
    jobs = [Waiting(1, ALICE, 1.0), Waiting(2, BOB, 2.0), Waiting(3, ALICE, 3.0, had_begun=True)]
    assert Line(jobs, [Running(ALICE)] * 2, {ALICE: 9.0}).next().pk == 3


def test_the_limit_holds_a_person_back_and_lets_others_pass():
    jobs = [Waiting(1, ALICE, 1.0, 10.0), Waiting(2, ALICE, 2.0, 10.0), Waiting(3, BOB, 3.0, 5.0)]
    order = foresee(Line(jobs, limits=Limits(1)), 2, now=4.0)
    assert [(job.pk, at) for job, at in order] == [(1, 0.0), (3, 0.0), (2, 10.0)]
    assert Line(jobs[:2], [Running(ALICE)], limits=Limits(1)).next() is None


def test_an_order_is_told_without_times_where_no_trainer_is_there_and_none_after_a_job_of_unknown_length():
    jobs = [Waiting(1, ALICE, 1.0, 10.0), Waiting(2, BOB, 2.0), Waiting(3, CAROL, 3.0, 10.0)]
    assert [at for _, at in foresee(Line(jobs), 0, now=4.0)] == [None, None, None]
    assert [at for _, at in foresee(Line(jobs), 1, now=4.0)] == [0.0, 10.0, None]
    assert [at for _, at in foresee(Line(jobs, [Running(ALICE)]), 2, now=4.0)] == [0.0, None, None]
