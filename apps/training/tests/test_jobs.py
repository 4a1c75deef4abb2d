"""Starting, seeing and steering training jobs."""

import hashlib

import pytest

from apps.annotations.services.versions import create_version
from apps.core import work
from apps.datasets import services as datasets
from apps.training import services
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.services.log import append_log
from apps.training.services.logtail import LogTail, clean_line
from apps.training.services.queue import take
from apps.training.services.warnings import split_warnings

WANTED = {"model_type": "yolov8n", "weights": "scratch", "epochs": 3, "batch_size": 4, "img_size": 64}


@pytest.fixture
def sent(monkeypatch):
    """Names of the tasks that are sent to a queue."""
    from celery import current_app

    names = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args=(), **kw: names.append((name, *args)))
    return names


@pytest.fixture
def job(ready_dataset, alice, sent):
    return services.create_job(alice, ready_dataset, **WANTED, patience=5)


def ask(api, dataset, **changes):
    return api.post("/api/v1/training/", WANTED | {"dataset_id": dataset.pk} | changes)


@pytest.mark.django_db(transaction=True)
def test_starting_answers_the_job_and_queues_it_after_the_commit(api_as, alice, ready_dataset, sent):
    answer = ask(api_as(alice), ready_dataset, augmentation={"mosaic": 0.0, "optimizer": "AdamW"})
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["dataset_version"], body["current_epoch"]) == ("pending", 1, 0)
    assert body["augmentation"] == {"mosaic": 0.0, "optimizer": "AdamW"}
    assert sent == [("apps.training.tasks.train", body["id"])]


def test_two_trainings_on_the_same_labels_share_a_version(job, alice, ready_dataset, sent):
    again = services.create_job(alice, ready_dataset, **WANTED, patience=5)
    assert again.dataset_version_id == job.dataset_version_id


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda d: type(d).objects.filter(pk=d.pk).update(class_names=[], num_classes=0), "no class"),
        (lambda d: d.images.filter(split="val").update(split="train"), "validation"),
        (lambda d: d.images.filter(split="train").update(split=""), "train split"),
        (lambda d: d.images.update(is_labeled=False), "train split"),
        (lambda d: d.images.filter(split="train").update(num_boxes=0), "nothing to learn"),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_queued(api_as, alice, ready_dataset, sent, spoil, reason):
    spoil(ready_dataset)
    answer = ask(api_as(alice), ready_dataset)
    assert answer.status_code == 400
    assert reason in str(answer.json()["dataset_id"])
    assert not TrainingJob.objects.exists()
    assert not ready_dataset.versions.exists()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"img_size": 100}, "img_size"),
        ({"epochs": 0}, "epochs"),
        ({"model_type": "resnet"}, "model_type"),
        ({"weights": "stolen"}, "weights"),
        ({"weights": "999999"}, "weights"),
        ({"batch_size": "many"}, "batch_size"),
        ({"augmentation": {"mosaic": 2}}, "augmentation"),
        ({"augmentation": {"rm": "-rf"}}, "augmentation"),
        ({"learning_rate": "NaN"}, "learning_rate"),
    ],
)
def test_a_wrong_setting_is_refused_by_name(api_as, alice, ready_dataset, changes, field):
    answer = ask(api_as(alice), ready_dataset, **changes)
    assert answer.status_code == 400
    assert field in answer.json()


def test_another_persons_private_model_is_no_start(api_as, bob, trained_model, ready_dataset):
    ready_dataset.is_public = True
    ready_dataset.save()
    answer = ask(api_as(bob), ready_dataset, weights=str(trained_model.pk))
    assert (answer.status_code, list(answer.json())) == (400, ["weights"])


def test_whoever_sees_a_dataset_trains_on_it_and_an_outsider_learns_nothing_of_it(
    api_as, page_as, bob, carol, ready_dataset, sent
):
    assert ask(api_as(carol), ready_dataset).status_code == 404
    assert page_as(carol).get(f"/training/new?dataset={ready_dataset.pk}").status_code == 404
    type(ready_dataset).objects.filter(pk=ready_dataset.pk).update(is_public=True)
    answer = ask(api_as(bob), ready_dataset)
    assert answer.status_code == 201
    job = TrainingJob.objects.get()
    assert (job.user, job.dataset) == (bob, ready_dataset)


@pytest.mark.parametrize("path", ["", "/metrics", "/logs", "/live", "/usage", "/log.txt", "/metrics.csv"])
def test_only_who_started_it_and_the_operator_see_a_job(api_as, page_as, job, alice, carol, operator, path):
    address = f"/api/v1/training/{job.pk}{path}"
    assert [api_as(who).get(address).status_code for who in (alice, operator, carol)] == [200, 200, 404]
    assert api_as().get(address).status_code == 401


@pytest.mark.parametrize("action", ["cancel", "resume"])
def test_an_outsider_cannot_steer_a_job(api_as, page_as, job, carol, action):
    assert api_as(carol).post(f"/api/v1/training/{job.pk}/{action}").status_code == 404
    assert page_as(carol).post(f"/training/{job.pk}/{action}").status_code == 404
    assert page_as(carol).get(f"/training/{job.pk}/").status_code == 404
    job.refresh_from_db()
    assert job.status == "pending"


def test_a_cancelled_job_is_not_run(job):
    assert services.cancel_job(job)
    services.run_training(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("cancelled", 0)


def test_cancelling_twice_is_harmless(api_as, alice, job):
    api = api_as(alice)
    answers = [api.post(f"/api/v1/training/{job.pk}/cancel").json()["status"] for _ in range(2)]
    assert answers == ["cancelled", "cancelled"]


def test_only_an_ended_job_can_be_resumed(api_as, alice, job):
    api = api_as(alice)
    assert api.post(f"/api/v1/training/{job.pk}/resume").status_code == 400
    services.cancel_job(job)
    answer = api.post(f"/api/v1/training/{job.pk}/resume")
    assert (answer.status_code, answer.json()["status"]) == (200, "pending")


def test_the_same_job_is_never_run_twice_at_once(job):
    first = work.claim(TrainingJob, job.pk)
    assert first is not None
    assert work.claim(TrainingJob, job.pk) is None


def test_a_job_without_heartbeat_goes_back_and_fails_after_too_many_restarts(job, settings, sent):
    from datetime import timedelta

    from django.utils import timezone

    settings.TRAINING_MAX_RESTARTS = 1
    long_ago = timezone.now() - timedelta(hours=1)
    for expected in ("pending", "failed"):
        take(job.pk)
        TrainingJob.objects.filter(pk=job.pk).update(heartbeat_at=long_ago, created_at=long_ago)
        services.sweep_training()
        job.refresh_from_db()
        assert job.status == expected
    assert sent.count(("apps.training.tasks.train", job.pk)) == 1
    assert "died" in job.error_message


def test_metrics_are_a_row_an_epoch_and_only_the_later_ones_where_asked(api_as, alice, job):
    for epoch in (1, 2, 3):
        TrainingEpoch.objects.create(job=job, epoch=epoch, seconds=1.5, metrics={"mAP50": epoch / 10})
    api = api_as(alice)
    assert [row["mAP50"] for row in api.get(f"/api/v1/training/{job.pk}/metrics").json()] == [0.1, 0.2, 0.3]
    assert [row["epoch"] for row in api.get(f"/api/v1/training/{job.pk}/metrics?after=2").json()] == [3]
    assert api.get(f"/api/v1/training/{job.pk}/metrics?after=-1").status_code == 400


def test_the_log_is_read_on_from_an_offset(api_as, alice, job):
    append_log(job, "first\nsécond\n")
    api = api_as(alice)
    piece = api.get(f"/api/v1/training/{job.pk}/logs").json()
    assert piece == {"text": "first\nsécond\n", "next_offset": 13}
    assert api.get(f"/api/v1/training/{job.pk}/logs?offset=6").json()["text"] == "sécond\n"
    assert api.get(f"/api/v1/training/{job.pk}/logs?offset=6&limit=2").json() == {"text": "sé", "next_offset": 8}
    assert api.get(f"/api/v1/training/{job.pk}/logs?offset=999").json()["text"] == ""
    assert api.get(f"/api/v1/training/{job.pk}/logs?offset=x").status_code == 400


def test_the_log_file_reaches_the_job_without_colours_and_half_lines(job, tmp_path):
    path = tmp_path / "log.txt"
    tail = LogTail(job, path)
    path.write_bytes(b"\x1b[34mtrain:\x1b[0m one\n 10%\r 50%\r100% done\nhalf a l")
    tail.flush()
    job.refresh_from_db()
    assert job.logs == "train: one\n100% done\n"
    with path.open("ab") as file:
        file.write(b"ine\n")
    tail.flush()
    job.refresh_from_db()
    assert job.logs.endswith("half a line\n")


def test_an_overwritten_line_keeps_its_last_state():
    assert clean_line(b" 1/9\r 9/9 it \r\n".rstrip(b"\n")) == " 9/9 it\n"


def test_the_list_takes_the_same_number_of_queries_for_one_job_and_for_twenty(
    page_as, job, alice, ready_dataset, sent, django_assert_max_num_queries
):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    page = page_as(alice)
    page.get("/training/")
    with CaptureQueriesContext(connection) as one:
        page.get("/training/")
    for _ in range(19):
        services.create_job(alice, ready_dataset, **WANTED, patience=5)
    with django_assert_max_num_queries(len(one)):
        assert page.get("/training/").content.count(b"badge-pending") == 20


def test_the_page_proposes_settings_and_says_what_is_missing(page_as, alice, ready_dataset, dataset):
    page = page_as(alice)
    body = page.get(f"/training/new?dataset={ready_dataset.pk}").content.decode()
    assert "Start training" in body
    assert "cannot be trained on yet" not in body
    ready_dataset.images.update(split="")
    body = page.get(f"/training/new?dataset={ready_dataset.pk}").content.decode()
    assert "cannot be trained on yet" in body
    assert "validation split" in body


def test_the_page_shows_arguments_in_words_beside_their_defaults(page_as, alice, job):
    TrainingJob.objects.filter(pk=job.pk).update(arguments={"mosaic": 0.5, "hsv_h": 0.015, "forgotten": 1})
    body = " ".join(page_as(alice).get(f"/training/{job.pk}/").content.decode().split())
    assert 'Mosaic</dt><dd>0.5 <span class="muted small">default 1</span>' in body
    assert 'Hue</dt><dd>0.015 <span class="muted small">the default</span>' in body
    assert "forgotten</dt><dd>1 " in body
    assert "Flip left–right</dt><dd>0.5</dd>" in body


def test_the_traceback_is_for_the_operator_only(page_as, alice, operator, job):
    TrainingJob.objects.filter(pk=job.pk).update(
        status="failed", error_message="In words.", traceback="Traceback: deep"
    )
    assert b"deep" not in page_as(alice).get(f"/training/{job.pk}/").content
    assert b"In words." in page_as(alice).get(f"/training/{job.pk}/").content
    assert b"deep" in page_as(operator).get(f"/training/{job.pk}/").content


def test_a_training_is_told_that_the_splits_of_its_version_leak(alice, ready_dataset, images):
    for number, image in enumerate(images):  # the pictures of the fixture are nearly the same
        image.signature = hashlib.md5(bytes([number]), usedforsecurity=False).digest()
        image.group = "slide 7" if number in (0, 5) else ""
        image.save(update_fields=["signature", "group"])
    version, _ = create_version(ready_dataset, alice)
    (warning,) = split_warnings(version)
    assert "1 group of images from one source (2 images) lies in more than one split" in warning
    datasets.set_split(ready_dataset, ready_dataset.images.all(), "train")
    assert split_warnings(version) == [warning]  # the version keeps its splits, whatever becomes of the dataset's
    apart, _ = create_version(ready_dataset, alice)
    assert split_warnings(apart) == []


def test_the_api_and_the_page_show_the_warnings(alice, job, api_as, page_as):
    assert api_as(alice).get(f"/api/v1/training/{job.pk}").json()["warnings"] == []
    TrainingJob.objects.filter(pk=job.pk).update(environment={"warnings": ["The splits leak: 3 groups."]})
    assert api_as(alice).get(f"/api/v1/training/{job.pk}").json()["warnings"] == ["The splits leak: 3 groups."]
    assert b"The splits leak: 3 groups." in page_as(alice).get(f"/training/{job.pk}/").content
