"""The queue of trainings: whose turn it is, where a job stands, and messages that are lost or doubled."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.teams.services import create_team
from apps.core import work
from apps.core.models import Quota
from apps.training import services, tasks
from apps.training.models import Trainer, TrainingEpoch, TrainingJob
from apps.training.services import trainers as presence_room
from apps.training.services.trainers import Presence, trainer_slots

from .test_jobs import WANTED, sent  # noqa: F401

TASK = "apps.training.tasks.train"


def end(job):
    assert work.end(job, TrainingJob.Status.COMPLETED)


# --- whose turn it is ----------------------------------------------------------------------------------------
def test_a_person_with_one_job_is_next_however_many_another_has_queued(alice, bob, queued):
    mine = queued(alice, 20)
    first = services.take_next()
    assert first.pk == mine[0].pk
    (other,) = queued(bob)
    end(first)
    turns = []
    for _ in range(4):
        job = services.take_next()
        turns.append(job.pk)
        end(job)
    assert turns == [other.pk, mine[1].pk, mine[2].pk, mine[3].pk]


def test_a_free_trainer_goes_to_who_has_fewer_running(alice, bob, carol, queued):
    queued(alice, 5)
    assert {services.take_next().user for _ in range(2)} == {alice}
    late = [*queued(bob, 2), *queued(carol)]
    assert [services.take_next().pk for _ in range(3)] == [late[0].pk, late[2].pk, late[1].pk]


def test_a_job_that_was_handed_back_is_next_and_one_that_was_resumed_by_hand_is_not(alice, bob, queued, sent):  # noqa: F811
    (cancelled,) = queued(alice)
    services.take_next()
    services.cancel_job(cancelled)
    (crashed, waits), (other,) = queued(alice, 2), queued(bob)
    end(services.take_next())
    running = services.take_next()
    assert running.pk == crashed.pk
    work.hand_back(running)
    cancelled.refresh_from_db()
    services.resume_job(cancelled)
    assert [services.take_next().pk for _ in range(3)] == [crashed.pk, waits.pk, cancelled.pk]
    other.refresh_from_db()
    assert other.status == "completed"


def test_the_limit_for_each_person_keeps_trainers_free_for_others(alice, bob, queued, settings):
    settings.TRAININGS_AT_ONCE_PER_PERSON = 1
    first, second = queued(alice, 2)
    assert services.take_next().pk == first.pk
    assert services.take_next() is None
    (other,) = queued(bob)
    assert services.take_next().pk == other.pk
    work.end(TrainingJob.objects.get(pk=first.pk), "completed")
    assert services.take_next().pk == second.pk


def test_the_limit_of_a_team_lets_its_peoples_other_jobs_go_first(alice, bob, queued, settings):
    settings.TRAININGS_AT_ONCE_PER_TEAM = 1
    team = create_team(alice, "Roads")
    of_team = [queued(alice)[0], queued(bob)[0]]
    TrainingJob.objects.filter(pk__in=[job.pk for job in of_team]).update(team=team)
    assert services.take_next().pk == of_team[0].pk
    assert services.take_next() is None
    (own,) = queued(bob)
    Trainer.objects.create(name="t", slots=2, heartbeat_at=timezone.now())
    assert services.Queue().place(own.pk).position == 1
    assert services.take_next().pk == own.pk
    work.end(TrainingJob.objects.get(pk=of_team[0].pk), "completed")
    assert services.take_next().pk == of_team[1].pk


def test_a_quota_of_trainings_stands_above_the_setting(alice, bob, queued, settings):
    settings.TRAININGS_AT_ONCE_PER_PERSON = 1
    Quota.objects.create(person=alice, trainings_at_once=2)
    queued(alice, 3)
    queued(bob, 2)
    assert [services.take_next().user_id for _ in range(3)] == [alice.pk, bob.pk, alice.pk]
    assert services.take_next() is None


@pytest.mark.parametrize("limit", [0, 2])
def test_of_trainers_that_come_at_once_each_takes_another_job_and_none_is_lost(
    threads_database, alice, bob, carol, queued, settings, limit
):
    settings.TRAININGS_AT_ONCE_PER_PERSON = limit
    made = {job.pk for user in (alice, bob, carol) for job in queued(user, 8)}
    together = threading.Barrier(6)

    def trainer(_):
        try:
            together.wait()
            taken = []
            while (job := services.take_next()) is not None:
                taken.append(job.pk)
            return taken
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        taken = [pk for found in pool.map(trainer, range(6)) for pk in found]
    assert len(taken) == len(set(taken))
    if limit:
        running = TrainingJob.objects.filter(status="running")
        assert [running.filter(user=user).count() for user in (alice, bob, carol)] == [limit] * 3
    else:
        assert set(taken) == made
    assert TrainingJob.objects.filter(attempts__gt=1).count() == 0


# --- messages ------------------------------------------------------------------------------------------------
@pytest.fixture
def ran(monkeypatch):
    """Keys of the jobs that trainings, which end at once here, were run for."""
    from apps.training.services import run

    keys = []

    def finish(job):
        keys.append(job.pk)
        end(job)

    monkeypatch.setattr(run, "_run", finish)
    return keys


def test_a_message_runs_the_job_whose_turn_it_is_and_one_too_many_ends_without_a_word(alice, bob, queued, sent, ran):  # noqa: F811
    (first, second), (other,) = queued(alice, 2), queued(bob)
    for message in (second.pk, second.pk, other.pk, first.pk, 12345, None):
        tasks.train(message)
    assert ran == [first.pk, other.pk, second.pk]


def test_who_ends_a_job_sends_for_the_next_whose_message_came_too_early(alice, queued, sent, ran, settings):  # noqa: F811
    settings.TRAININGS_AT_ONCE_PER_PERSON = 1
    first, second = queued(alice, 2)
    running = services.take_next()
    tasks.train(second.pk)  # on another trainer: it is not its person's turn
    assert (ran, sent) == ([], [])
    end(running)
    (third,) = queued(alice)
    tasks.train(first.pk)
    assert (ran, sent) == ([second.pk], [(TASK, third.pk)])


def test_a_lost_message_is_sent_again_where_a_trainer_idles_and_never_more_than_can_start(
    alice, bob, queued, sent, trainer  # noqa: F811
):  # fmt: skip
    queued(alice, 10)
    services.sweep_training()
    assert sent == []  # no trainer is there: a message would only lie about
    trainer(3)
    services.sweep_training()
    assert len(sent) == 3
    services.sweep_training()
    assert len(sent) == 3  # those are on their way
    for _ in range(3):
        services.take_next()
    TrainingJob.objects.update(enqueued_at=timezone.now() - timedelta(days=1))
    services.sweep_training()
    assert len(sent) == 3  # all trainers are at work


def test_what_was_never_sent_is_sent_whether_a_trainer_is_there_or_not(alice, queued, sent):  # noqa: F811
    (job,) = queued(alice, enqueued_at=None)
    services.sweep_training()
    assert sent == []  # it is about to be sent by who made it
    TrainingJob.objects.update(created_at=timezone.now() - timedelta(minutes=1))
    services.sweep_training()
    assert sent == [(TASK, job.pk)]


# --- trainers ------------------------------------------------------------------------------------------------
def test_trainers_count_while_they_say_that_they_are_there(trainer, settings):
    assert trainer_slots() == 0
    trainer(1)
    gone = trainer(2)
    assert trainer_slots() == 3
    gone.heartbeat_at -= timedelta(seconds=settings.JOB_STALE_SECONDS + 1)
    gone.save()
    assert trainer_slots() == 1


def test_a_trainer_has_one_row_while_it_lives_and_takes_the_place_of_one_that_was_killed(threads_database, monkeypatch):
    monkeypatch.setattr(presence_room, "BEAT_SECONDS", 0.02)
    Trainer.objects.create(name="trainer@here", slots=4, heartbeat_at=timezone.now())
    presence = Presence()
    presence.enter("trainer@here", 2)

    def until(true):
        for _ in range(500):
            if true():
                return
            threading.Event().wait(0.02)
        raise AssertionError("not within 10 s")

    until(lambda: list(Trainer.objects.values_list("slots", flat=True)) == [2])
    before = Trainer.objects.get().heartbeat_at
    until(lambda: Trainer.objects.get().heartbeat_at > before)
    Trainer.objects.all().delete()
    until(lambda: Trainer.objects.count() == 1)
    presence.leave()
    presence.join()
    assert not Trainer.objects.exists()


# --- places --------------------------------------------------------------------------------------------------
def place_of(job):
    return services.Queue().place(job.pk)


def test_a_place_counts_all_that_start_before_and_guesses_when(alice, bob, queued, trainer):
    trainer(1)
    long = {"usual_epoch_seconds": 10_000}
    mine, (other,) = queued(alice, 3, **long), queued(bob, **long)
    running = services.take_next()
    left = 10 + 3 * 10_000  # its start and three epochs by the usual figures
    first, second, third = place_of(other), place_of(mine[1]), place_of(mine[2])
    assert [(p.position, p.length, p.own_ahead) for p in (first, second, third)] == [(1, 3, 0), (2, 3, 0), (3, 3, 1)]
    for place, whole in ((first, 1), (second, 2), (third, 3)):
        assert place.starts_in == pytest.approx(whole * left, abs=3000)
    assert place_of(running) is None
    TrainingJob.objects.filter(pk=running.pk).update(current_epoch=1)
    TrainingEpoch.objects.create(job=running, epoch=1, seconds=1000)
    assert place_of(other).starts_in == pytest.approx(2000)


def test_more_trainers_are_sooner_done_and_none_means_no_guess(alice, queued, trainer):
    jobs = queued(alice, 4)
    assert [place_of(job).starts_in for job in jobs] == [None] * 4
    trainer(2)
    assert [place_of(job).starts_in for job in jobs] == [
        0,
        0,
        43,
        43,
    ]  # its start, and three epochs of 10 s and what each costs besides
    assert services.Queue().place_of_new(alice.pk)[:3] == (5, 5, 4)


def test_who_would_be_new_is_told_their_own_place(alice, bob, queued, trainer):
    trainer(1)
    queued(alice, 20)
    services.take_next()
    assert services.Queue().place_of_new(bob.pk)[:3] == (1, 20, 0)
    assert services.Queue().place_of_new(alice.pk)[:3] == (20, 20, 19)


def test_made_up_names_are_told_apart_by_a_number(alice, bob, ready_dataset, sent):  # noqa: F811
    def name(user, **more):
        return services.create_job(user, ready_dataset, **WANTED, patience=5, **more).name

    assert [name(alice) for _ in range(3)] == ["Cells yolov8n", "Cells yolov8n 2", "Cells yolov8n 3"]
    assert name(bob) == "yolov8n"  # alice may hide her dataset, whose name it is, one day
    assert [name(alice, name="Mine") for _ in range(2)] == ["Mine", "Mine"]
    ready_dataset.name = "x" * 120
    names = [name(alice) for _ in range(2)]
    assert names == ["x" * 120, "x" * 118 + " 2"]
