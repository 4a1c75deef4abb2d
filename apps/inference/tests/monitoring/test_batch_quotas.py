"""What a batch counts in its token's quota and usage: each image once, however often its job is killed."""

import pytest
from django.core.cache import cache
from django.utils import timezone

from apps.core.models import Job
from apps.inference import quotas, services
from apps.inference.models import TokenUsage
from apps.inference.runtime import BadImage
from apps.inference.tasks import batch as batch_task
from apps.inference.tasks import video as video_task
from apps.inference.tests.films import film, found_in
from conftest import upload

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("fresh_quotas", "clock", "run_tasks_at_once")]
ADDRESS = "/api/v1/predictions/batch"


@pytest.fixture
def send(answers, trained_model, django_capture_on_commit_callbacks):
    """`send(api, images)`: start a batch on files, or so many of them, which runs at once; the answer to the call."""

    def sent(api, images=None, **data):
        if images:
            data["images"] = images if isinstance(images, list) else [upload(f"{n}.png", seed=n) for n in range(images)]
        with django_capture_on_commit_callbacks(execute=True):
            return api.post(ADDRESS, {"model_id": trained_model.pk, **data}, format="multipart")

    return sent


def batch_job():
    return Job.objects.get(kind="batch")


def used(token, clock):
    return quotas.used(token, clock.now.date())


def die(job, keep):
    """As if the worker had been killed when `keep` answers were stored, and with them their usage."""
    job.answers.filter(number__gt=keep).delete()
    TokenUsage.objects.filter(token=job.params["token_id"]).update(requests=keep)
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")


def test_each_image_counts_in_quota_and_usage(send, robot, clock, monkeypatch):
    def one_is_bad(model, data, **options):
        if data == b"no image":
            raise BadImage("Not an image.")
        return found_in(model, data)

    monkeypatch.setattr(services, "predict", one_is_bad)
    token, api = robot(requests_per_day=10)
    files = [upload("a.png", seed=1), upload("b.png", b"no image"), upload("c.png", seed=2)]
    answer = send(api, files)
    assert (answer.status_code, answer["X-RateLimit-Remaining"]) == (202, "10")  # the call itself counts nothing
    row = TokenUsage.objects.get(token=token)
    assert (row.requests, row.errors, row.refused) == (3, 1, 0)
    assert used(token, clock) == 3


def test_a_token_without_a_quota_has_its_images_in_usage(send, robot):
    token, api = robot()
    send(api, 3)
    assert (batch_job().status, TokenUsage.objects.get(token=token).requests) == ("completed", 3)


def test_what_a_person_sends_counts_nowhere(send, api_as, alice):
    assert send(api_as(alice), 2).status_code == 202
    assert not TokenUsage.objects.exists()


def test_a_batch_beyond_the_quota_stops_in_words_and_keeps_what_was_answered(send, robot, clock):
    token, api = robot(requests_per_day=3)
    send(api, 5)
    job = batch_job()
    assert (job.status, job.answers.count(), used(token, clock)) == ("failed", 3, 3)
    for words in ("“robot”", "3 times a day", "from 2026-03-15 00:00 UTC", "3 of 5 images, is kept"):
        assert words in job.error_message, job.error_message
    assert TokenUsage.objects.get(token=token).requests == 3


def test_a_batch_is_refused_where_nothing_is_left(send, robot, clock):
    token, api = robot(requests_per_day=1)
    send(api, 1)
    refused = send(api, 1)
    assert (refused.status_code, refused["X-RateLimit-Remaining"]) == (429, "0")
    assert "1 time a day" in refused.json()["detail"]
    assert (Job.objects.filter(kind="batch").count(), used(token, clock)) == (1, 1)
    assert TokenUsage.objects.get(token=token).refused == 1


def test_a_stopped_batch_goes_on_where_it_stopped(send, robot, api_as, alice, carol, clock, monkeypatch):
    token, api = robot(requests_per_day=3)
    send(api, 5)
    job = batch_job()
    address = f"{ADDRESS}/{job.pk}/resume"
    assert api_as(carol).post(address).status_code == 404
    clock.forward(hours=12)
    asked = []
    monkeypatch.setattr(services, "predict", lambda *args, **k: asked.append(1) or found_in(*args, **k))
    assert api.post(address).status_code == 202
    batch_task(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error_message, len(asked)) == ("completed", "", 2)
    assert [row.number for row in job.answers.all()] == [1, 2, 3, 4, 5]
    days = TokenUsage.objects.filter(token=token).order_by("day").values_list("requests", flat=True)
    assert (list(days), used(token, clock)) == ([3, 2], 2)
    assert api_as(alice).post(address).status_code == 409


def test_its_page_lets_it_go_on(send, robot, page_as, alice, carol, django_capture_on_commit_callbacks):
    token, api = robot(requests_per_day=1)
    send(api, 2)
    address = f"/predictions/{batch_job().pk}"
    browser = page_as(alice)
    shown = browser.get(address).content.decode()
    assert "is kept, and the batch can go on" in shown
    assert f'action="{address}/go-on"' in shown
    assert page_as(carol).post(f"{address}/go-on").status_code == 404
    token.requests_per_day = 2
    token.save()
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(f"{address}/go-on")["Location"] == address
    assert (batch_job().status, batch_job().answers.count()) == ("completed", 2)
    assert "It has not stopped" in browser.post(f"{address}/go-on", follow=True).content.decode()


@pytest.mark.parametrize("forgotten", [False, True], ids=["redis stays", "redis is emptied"])
def test_a_killed_batch_counts_no_image_twice(send, robot, clock, forgotten, monkeypatch):
    token, api = robot(requests_per_day=100)
    send(api, 4)
    job = batch_job()
    die(job, keep=2)
    monkeypatch.setattr(quotas, "_counter", quotas.Counter())
    if forgotten:
        cache.clear()
    batch_task(job.pk)
    batch_task(job.pk)  # a message that comes twice
    assert (job.answers.count(), used(token, clock)) == (4, 4)
    assert TokenUsage.objects.get(token=token).requests == 4


def test_a_killed_batch_that_had_used_up_the_quota_answers_what_it_had_counted(send, robot, clock):
    token, api = robot(requests_per_day=3)
    send(api, 5)
    die(batch_job(), keep=1)
    batch_task(batch_job().pk)
    assert (batch_job().status, batch_job().answers.count(), used(token, clock)) == ("failed", 3, 3)


def test_two_runs_of_a_batch_store_and_count_once(send, robot, clock, monkeypatch):
    """A worker that was thought dead comes back while the next one runs: it writes and counts nothing more."""
    _, api = robot()

    def taken_over(*args, **options):
        Job.objects.filter(kind="batch").update(run_token="another worker's", heartbeat_at=timezone.now())
        return found_in(*args, **options)

    monkeypatch.setattr(services, "predict", taken_over)
    send(api, 2)
    assert (batch_job().status, batch_job().answers.count()) == ("running", 0)
    assert not TokenUsage.objects.exists()


def test_a_quota_that_is_raised_meanwhile_holds_at_once(send, robot, monkeypatch):
    token, api = robot(requests_per_day=1)

    def raised(*args, **options):
        type(token).objects.filter(pk=token.pk).update(requests_per_day=2)
        return found_in(*args, **options)

    monkeypatch.setattr(services, "predict", raised)
    send(api, 3)
    assert (batch_job().status, batch_job().answers.count()) == ("failed", 2)


def test_a_revoked_token_counts_no_more_and_stops_nothing(send, robot, monkeypatch):
    token, api = robot(requests_per_day=1)
    send(api, 2)
    token.delete()
    Job.objects.filter(kind="batch").update(status="pending", run_token="", error_message="")
    batch_task(batch_job().pk)
    assert (batch_job().status, batch_job().answers.count()) == ("completed", 2)


def test_without_redis_a_batch_is_counted_by_the_database(send, robot, settings):
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": "unix:///nowhere/valkey.sock?db=1"}}
    token, api = robot(requests_per_day=2)
    send(api, 3)
    assert (batch_job().status, batch_job().answers.count()) == ("failed", 2)
    assert TokenUsage.objects.get(token=token).requests == 2


def test_each_answered_frame_of_a_video_counts(send, robot, clock, monkeypatch):
    monkeypatch.setattr(services, "predict", found_in)
    token, api = robot(requests_per_day=3)
    send(api, video=upload("film.mp4", film(8)), every=2, tracks=False, draw=False)
    job = batch_job()
    assert (job.status, [row.frame for row in job.answers.all()]) == ("failed", [0, 2, 4])
    assert "3 of about 4 frames, is kept" in job.error_message
    token.requests_per_day = 10
    token.save()
    die(job, keep=2)
    video_task(job.pk)
    assert (batch_job().status, [row.frame for row in job.answers.all()]) == ("completed", [0, 2, 4, 6])
    assert (TokenUsage.objects.get(token=token).requests, used(token, clock)) == (4, 4)
