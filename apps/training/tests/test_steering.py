"""Pausing, resuming and cancelling: through every door, and of two that race exactly one wins."""

# ruff: noqa: F811 (pytest takes the fixtures of test_jobs by name)

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core import work
from apps.models.models import TrainedModel
from apps.training import services
from apps.training.endings import stop_in_words
from apps.training.models import TrainingJob

from .test_jobs import WANTED, ask, job, sent  # noqa: F401

STOPPED = ("paused", "failed", "cancelled")


def set_job(job, **values):
    TrainingJob.objects.filter(pk=job.pk).update(**values)
    job.refresh_from_db()


def steer(api, job, action, **body):
    return api.post(f"/api/v1/training/{job.pk}/{action}", body)


def test_a_job_that_waits_is_paused_and_resumed_over_the_api(api_as, alice, job, sent):
    api = api_as(alice)
    paused = steer(api, job, "pause").json()
    assert (paused["status"], paused["can_be_resumed"], bool(paused["paused_at"])) == ("paused", True, True)
    assert steer(api, job, "pause").json()["status"] == "paused"
    services.run_training(job.pk)  # its message was in the queue already
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("paused", 0)
    resumed = steer(api, job, "resume").json()
    assert (resumed["status"], resumed["stopped"]) == ("pending", "")


@pytest.mark.parametrize("status", ["completed", "failed", "cancelled"])
def test_an_ended_job_cannot_be_paused(api_as, alice, job, status):
    set_job(job, status=status)
    answer = steer(api_as(alice), job, "pause")
    assert answer.status_code == 400
    assert f"this one is {status}" in answer.json()["detail"]


@pytest.mark.parametrize("status", ["pending", "running", "completed"])
def test_only_a_stopped_job_can_be_resumed(api_as, alice, job, status):
    set_job(job, status=status)
    answer = steer(api_as(alice), job, "resume")
    assert (answer.status_code, f"this one is {status}" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize("status", STOPPED)
def test_a_job_whose_checkpoint_was_cleaned_offers_no_resuming_and_refuses_it_in_words(
    api_as, page_as, alice, job, status
):
    set_job(job, status=status)
    assert f"/training/{job.pk}/resume".encode() in page_as(alice).get(f"/training/{job.pk}/").content
    set_job(job, cleaned_at=timezone.now())
    assert f"/training/{job.pk}/resume".encode() not in page_as(alice).get(f"/training/{job.pk}/").content
    answer = steer(api_as(alice), job, "resume")
    assert (answer.status_code, "was deleted" in answer.json()["detail"]) == (400, True)


@pytest.mark.parametrize(
    ("begun", "body", "due"),
    [(True, {}, True), (True, {"keep": True}, True), (True, {"keep": False}, False), (False, {"keep": True}, False)],
)
def test_a_cancel_says_whether_the_best_weights_are_kept(api_as, alice, job, begun, body, due):
    set_job(job, status="running", started_at=timezone.now() if begun else None)
    answer = steer(api_as(alice), job, "cancel", **body).json()
    assert (answer["status"], answer["ended_by"]) == ("cancelled", "cancelled")
    assert TrainingJob.objects.get(pk=job.pk).weights_due is due


def test_a_cancel_that_says_nonsense_is_refused_and_cancels_nothing(api_as, alice, job):
    answer = steer(api_as(alice), job, "cancel", keep="perhaps")
    assert (answer.status_code, list(answer.json())) == (400, ["keep"])
    assert TrainingJob.objects.get(pk=job.pk).status == "pending"


@pytest.mark.parametrize(("pressed", "due"), [("yes", True), ("no", False)])
def test_the_page_asks_whether_to_keep_the_best_weights(page_as, alice, job, pressed, due):
    set_job(job, status="running", started_at=timezone.now())
    page = page_as(alice)
    assert b"Cancel, keep the best" in page.get(f"/training/{job.pk}/").content
    page.post(f"/training/{job.pk}/cancel", {"keep": pressed})
    job.refresh_from_db()
    assert (job.status, job.weights_due) == ("cancelled", due)


@pytest.mark.parametrize("action", ["pause", "resume", "cancel"])
def test_an_outsider_learns_nothing_of_a_job_and_cannot_steer_it(api_as, page_as, job, carol, action):
    assert page_as(carol).post(f"/training/{job.pk}/{action}").status_code == 404
    assert api_as(carol).post(f"/api/v1/training/{job.pk}/{action}").status_code == 404
    assert api_as().post(f"/api/v1/training/{job.pk}/{action}").status_code == 401
    job.refresh_from_db()
    assert job.status == "pending"


def test_the_operator_steers_many_jobs_in_the_admin_and_is_told_what_could_not_be(
    page_as, operator, alice, ready_dataset, job, sent
):
    ended = services.create_job(alice, ready_dataset, **WANTED, patience=5)
    set_job(ended, status="completed")

    def act(action):
        data = {"action": action, "_selected_action": [job.pk, ended.pk]}
        return page_as(operator).post("/admin/training/trainingjob/", data, follow=True).content.decode()

    told = act("pause")
    assert "1 of 2 paused." in told
    assert "this one is completed" in told
    assert "1 of 2 resumed." in act("resume")
    assert "1 of 2 cancelled." in act("cancel_and_drop")
    assert sorted(TrainingJob.objects.values_list("status", flat=True)) == ["cancelled", "completed"]


@pytest.mark.parametrize("steering", [services.pause_job, services.cancel_job])
def test_who_steers_a_job_that_has_just_finished_loses_and_who_is_first_wins(job, steering):
    worker = work.claim(TrainingJob, job.pk)
    steering(job)
    assert not work.end(worker, "completed")
    set_job(job, status="running", run_token=worker.run_token)
    assert work.end(worker, "completed")
    if steering is services.pause_job:
        with pytest.raises(services.TrainingRefused):
            steering(job)
    else:
        assert not steering(job)
    assert TrainingJob.objects.get(pk=job.pk).status == "completed"


def test_a_worker_from_before_a_pause_writes_nothing_and_hands_nothing_back(job):
    old = work.claim(TrainingJob, job.pk)
    services.pause_job(job)
    services.resume_job(job)
    new = work.claim(TrainingJob, job.pk)
    work.hand_back(old)
    assert not work.end(old, "failed")
    job.refresh_from_db()
    assert (job.status, job.run_token) == ("running", new.run_token)


def test_a_paused_job_is_left_alone_by_the_sweep(job, sent):
    work.claim(TrainingJob, job.pk)
    services.pause_job(job)
    long_ago = timezone.now() - timedelta(days=30)
    set_job(job, heartbeat_at=long_ago, created_at=long_ago)
    sent.clear()
    services.sweep_training()
    assert (TrainingJob.objects.get(pk=job.pk).status, sent) == ("paused", [])


def test_the_model_of_a_cancelled_job_stands_for_itself_when_the_job_is_resumed(job, trained_model):
    TrainedModel.objects.filter(pk=trained_model.pk).update(training_id=job.pk)
    set_job(job, status="cancelled", model=trained_model, current_epoch=7)
    services.resume_job(job)
    job.refresh_from_db()
    trained_model.refresh_from_db()
    assert (job.model, trained_model.training_id) == (None, None)
    assert trained_model.card["kept_at"] == "epoch 7"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"status": "paused", "current_epoch": 0}, "Resumed, it goes on with epoch 1, from the beginning"),
        ({"status": "paused", "current_epoch": 12}, "Paused after epoch 12. Resumed, it goes on with epoch 13"),
        ({"status": "paused", "current_epoch": 50}, "Resumed, it is validated and becomes a model."),
        ({"status": "cancelled", "current_epoch": 0}, "Cancelled before its first epoch was done."),
        ({"status": "cancelled", "current_epoch": 5}, "Cancelled after epoch 5. No model was kept."),
        (
            {"status": "cancelled", "current_epoch": 5, "best_epoch": 3, "weights_due": True},
            "The best so far, of epoch 3, is being stored as a model.",
        ),
        (
            {"status": "completed", "ended_by": "patience", "current_epoch": 34, "patience": 20},
            "Stopped early after epoch 34: no better epoch in the 20 since epoch 14.",
        ),
        (
            {"status": "completed", "ended_by": "time_limit", "current_epoch": 7, "time_limit": 7200},
            "Stopped after epoch 7 by its time limit of 2 h.",
        ),
        ({"status": "completed", "ended_by": "epochs", "current_epoch": 50}, ""),
    ],
)
def test_a_job_says_in_words_why_it_stopped_where_it_did(values, words):
    told = stop_in_words(TrainingJob(**{"epochs": 50, "patience": 0} | values))
    assert words in told
    assert bool(words) == bool(told)


@pytest.mark.parametrize(("asked", "most", "limit"), [(None, 0, None), (90, 0, 90), (None, 2, 7200), (90, 2, 90)])
def test_a_time_limit_is_what_was_asked_for_or_the_platforms_own(
    api_as, alice, ready_dataset, sent, settings, asked, most, limit
):
    settings.TRAINING_MAX_HOURS = most
    assert ask(api_as(alice), ready_dataset, time_limit=asked).json()["time_limit"] == limit


@pytest.mark.parametrize("asked", [0, -5, 59, "soon", 7201, 10**12])
def test_a_time_limit_out_of_range_is_refused_by_name(api_as, alice, ready_dataset, sent, settings, asked):
    settings.TRAINING_MAX_HOURS = 2
    answer = ask(api_as(alice), ready_dataset, time_limit=asked)
    assert (answer.status_code, list(answer.json())) == (400, ["time_limit"])


def test_the_form_takes_a_time_limit_in_hours(page_as, alice, ready_dataset, sent):
    wanted = WANTED | {"patience": 5, "seed": 0, "time_limit": "1.5"}
    assert page_as(alice).post(f"/training/new?dataset={ready_dataset.pk}", wanted).status_code == 302
    assert TrainingJob.objects.get().time_limit == 5400
