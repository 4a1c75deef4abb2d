"""The list of trainings, and what people are told of the queue."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.training import services
from apps.training.models import TrainingEpoch, TrainingJob

from .test_outlook import PLAN


def names(page):
    return re.findall(r'id="job-\d+" href="[^"]+">([^<]+)<', page)


@pytest.fixture
def many(alice, queued):
    """Alice's jobs, one of each state, in the order of their names."""
    states = ["pending", "running", "paused", "completed", "failed", "cancelled"]
    return [queued(alice, name=f"{n} {status}", status=status)[0] for n, status in enumerate(states)]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", 6),
        ("status=active", 2),
        ("status=ended", 3),
        ("status=paused", 1),
        ("search=FAIL", 1),
        ("search=nothing", 0),
        ("model_type=yolov8n", 6),
        ("model_type=yolo11x", 0),
        ("user=alice", 6),
        ("user=bob", 0),
        ("status=active&search=run", 1),
    ],
)
def test_page_and_api_narrow_the_list_alike(page_as, api_as, alice, many, query, found):
    assert len(names(page_as(alice).get(f"/training/?{query}").content.decode())) == found
    assert api_as(alice).get(f"/api/v1/training/?{query}").json()["count"] == found


def test_the_list_is_narrowed_to_a_dataset_and_ordered(page_as, api_as, alice, many):
    page, first = page_as(alice), many[0]
    assert len(names(page.get(f"/training/?dataset={first.dataset_id}").content.decode())) == 6
    assert names(page.get(f"/training/?dataset={first.dataset_id + 1}").content.decode()) == []
    TrainingJob.objects.filter(pk=many[3].pk).update(best_map=0.5)
    TrainingJob.objects.filter(pk=many[1].pk).update(best_map=0.7)
    best = names(page.get("/training/?order=best").content.decode())
    assert best[:2] == ["1 running", "3 completed"]
    assert names(page.get("/training/?order=oldest").content.decode())[0] == "0 pending"


@pytest.mark.parametrize(
    "query", ["status=x", "dataset=x", "dataset=9999999999999999999999", "dataset=-1", "order=x", "search=%00"]
)
def test_a_wrong_filter_is_refused_by_the_api_and_passed_over_by_the_page(page_as, api_as, alice, many, query):
    answer = api_as(alice).get(f"/api/v1/training/?{query}")
    assert (answer.status_code, list(answer.json())) == (400, [query.split("=")[0]])
    assert page_as(alice).get(f"/training/?{query}").status_code == 200


def test_nobody_but_the_operator_sees_another_persons_jobs_or_name(page_as, alice, bob, operator, many, queued):
    queued(bob, name="secret plan")
    page = page_as(alice).get("/training/").content.decode()
    assert "secret plan" not in page
    assert "bob" not in page
    assert "Everybody" not in page
    assert names(page_as(alice).get("/training/?user=bob").content.decode()) == []
    page = page_as(operator).get("/training/?user=bob").content.decode()
    assert names(page) == ["secret plan"]
    assert "Everybody" in page


def test_an_empty_list_says_what_to_do_and_a_narrowed_one_how_to_widen_it(page_as, alice):
    page = page_as(alice)
    assert b"No training yet" in page.get("/training/").content
    assert b"All trainings" in page.get("/training/?status=failed").content


def test_the_refresh_is_the_rows_alone_with_the_same_filters(page_as, alice, many):
    rows = page_as(alice).get("/training/?status=active", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in rows
    assert names(rows) == ["1 running", "0 pending"]
    assert 'hx-get="?status=active"' in rows


def test_the_list_shows_progress_time_left_and_places(page_as, alice, many, trainer):
    running = many[1]
    TrainingJob.objects.filter(pk=running.pk).update(current_epoch=1, best_map=0.25)
    TrainingEpoch.objects.create(job=running, epoch=1, seconds=600)
    page = page_as(alice).get("/training/").content.decode()
    for words in (
        "1 of 3 epochs, about 20 min left",
        "0.250",
        "<strong>Next</strong> of 1",
        "probably in about 20 min",
    ):
        assert words in page


@pytest.mark.parametrize("address", ["/training/", "/api/v1/training/?page_size=30"])
def test_a_page_full_of_waiting_and_running_jobs_takes_as_many_queries_as_two(
    client, alice, bob, queued, trainer, address
):  # fmt: skip
    def cost():
        with CaptureQueriesContext(connection) as seen:
            assert client.get(address).status_code == 200
        return len(seen)

    def add(count, state):
        for job in queued(alice, count, status=state):
            TrainingEpoch.objects.create(job=job, epoch=1, seconds=5)

    client.force_login(alice, backend="apps.accounts.backends.UsernameOrEmailBackend")
    add(1, "running")
    add(1, "pending")
    client.get(address)
    few = cost()
    add(10, "running")
    add(10, "pending")
    queued(bob, 10)
    assert cost() == few


# --- the place in the queue ----------------------------------------------------------------------------------
def test_a_waiting_job_tells_its_place_over_the_api_and_on_its_page(
    api_as, page_as, alice, bob, operator, queued, trainer
):
    trainer(1)
    (_, second), _ = queued(alice, 2), queued(bob)
    body = api_as(alice).get(f"/api/v1/training/{second.pk}").json()
    assert (body["queue_position"], body["queue_length"]) == (3, 3)
    assert body["expected_start"] > body["queued_at"]
    listed = api_as(alice).get("/api/v1/training/").json()["results"][0]
    assert (listed["id"], listed["queue_position"]) == (second.pk, 3)
    words = " ".join(page_as(alice).get(f"/training/{second.pk}/place").content.decode().split())
    assert "3rd of 3 in the queue; 1 ahead is yours. It will probably start in about 1 min." in words
    assert "this person’s" in page_as(operator).get(f"/training/{second.pk}/place").content.decode()
    assert b"/place" in page_as(alice).get(f"/training/{second.pk}/").content


def test_a_job_that_waits_no_more_has_no_place(api_as, page_as, alice, queued):
    (job,) = queued(alice)
    services.take_next()
    body = api_as(alice).get(f"/api/v1/training/{job.pk}").json()
    assert (body["queue_position"], body["queue_length"], body["expected_start"]) == (None, None, None)
    assert page_as(alice).get(f"/training/{job.pk}/place").content == b""


def test_an_outsider_learns_no_place(page_as, alice, carol, queued):
    (job,) = queued(alice)
    assert page_as(carol).get(f"/training/{job.pk}/place").status_code == 404
    assert page_as().get(f"/training/{job.pk}/place").status_code == 302


def test_where_no_trainer_runs_the_pages_say_so(page_as, alice, queued, ready_dataset):
    (job,) = queued(alice)
    page = page_as(alice)
    assert b"No trainer is running" in page.get("/training/").content
    assert b"No trainer is running" in page.get(f"/training/{job.pk}/place").content
    assert b"no trainer is running" in page.get("/training/plan", PLAN | {"dataset": ready_dataset.pk}).content


def test_the_form_says_when_a_new_training_would_start(page_as, alice, bob, queued, trainer, ready_dataset):
    trainer(1)
    page, wanted = page_as(alice), PLAN | {"dataset": ready_dataset.pk}

    def starts():
        page_text = " ".join(page.get("/training/plan", wanted).content.decode().split())
        return re.sub("<[^>]+>", "", page_text.split("data-starts>")[1].split("</dd>")[0])

    assert starts() == "at once: a trainer is free"
    queued(alice, 2)
    services.take_next()
    assert re.fullmatch(r"probably in about \d+ (s|min); 1 job is ahead, yours", starts())
    queued(bob, 1)
    queued(alice, 1)
    assert re.fullmatch(r"probably in about \d+ (s|min); 3 jobs are ahead, 2 of them yours", starts())
