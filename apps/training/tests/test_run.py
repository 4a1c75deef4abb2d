"""Running a job through the real engine: small, but nothing of it is pretended."""

import json
import os
import signal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.annotations.services.labels import save_labels
from apps.core.models import Delivery
from apps.core.webhooks import services as webhooks
from apps.core.work import WorkCancelled
from apps.datasets import services as datasets
from apps.datasets.sample import generate_sample
from apps.training import services
from apps.training.models import TrainingJob
from apps.training.weights import weights_path

pytestmark = pytest.mark.django_db(transaction=True)
TINY = {"model_type": "yolov8n", "weights": "scratch", "epochs": 2, "batch_size": 4, "img_size": 32, "patience": 0}


@pytest.fixture
def shapes(alice):
    """Eight images of the sample dataset: six to learn from, two to measure on."""
    drawn = [image for _, image in zip(range(8), generate_sample(), strict=False)]
    names = sorted({box[0] for image in drawn for box in image.boxes})
    dataset = datasets.create_dataset(alice, "Shapes", class_names=names)
    rows = datasets.add_images(dataset, [SimpleUploadedFile(i.filename, i.data) for i in drawn])["created"]
    for number, (row, image) in enumerate(zip(rows, drawn, strict=True)):
        row.dataset = dataset
        boxes = [
            dict(zip(("class_id", "x_center", "y_center", "width", "height"), (names.index(b[0]), *b[1:]), strict=True))
            for b in image.boxes
        ]
        save_labels(row, 0, boxes, alice)
        datasets.set_split(dataset, dataset.images.filter(pk=row.pk), "val" if number > 5 else "train")
    return dataset


@pytest.fixture(autouse=True)
def nothing_is_sent(monkeypatch):
    from celery import current_app

    monkeypatch.setattr(current_app, "send_task", lambda *a, **k: None)


def test_a_training_ends_in_a_model_with_metrics_and_lineage(alice, shapes, settings):
    webhooks.create_webhook(alice, "https://example.org/", ["training.finished"])
    job = services.create_job(alice, shapes, **TINY)
    services.run_training(job.pk)
    job.refresh_from_db()
    assert json.loads(Delivery.objects.get().body)["data"]["model_id"] == job.model_id
    assert (job.status, job.error_message, job.current_epoch) == ("completed", "", 2)
    assert [row.epoch for row in job.epoch_rows.all()] == [1, 2]
    model = job.model
    assert (model.training_id, model.dataset_version_id) == (job.pk, job.dataset_version_id)
    assert model.class_names == shapes.class_names
    assert {"overall", "per_class", "curves", "confusion_matrix"} <= set(model.metrics)
    assert model.file.size > 1_000_000
    assert "mAP50-95" in job.logs
    assert "Warning" not in job.logs
    assert job.environment["warnings"] == []
    assert job.environment["device"]
    assert job.training_time > 0
    assert [start["epoch"] for start in job.environment["starts"]] == [1]
    assert job.usage_rows.first().values["memory"] > 0
    assert not (settings.WORK_DIR / "runs" / str(job.pk)).exists()


@pytest.mark.once
def test_a_training_on_splits_that_leak_says_so_in_its_log_and_goes_on(alice, shapes):
    shapes.images.update(group="one video")
    job = services.create_job(alice, shapes, **{**TINY, "epochs": 1})
    services.run_training(job.pk)
    job.refresh_from_db()
    assert job.status == "completed"
    assert job.logs.startswith("— Warning: The splits leak: 1 group of images from one source (8 images)")
    assert len(job.environment["warnings"]) == 1


def test_a_job_that_had_finished_when_its_worker_died_only_stores_the_model(alice, shapes, monkeypatch):
    from apps.training.services import run

    job = services.create_job(alice, shapes, **TINY)
    real = run.keep_model
    monkeypatch.setattr(run, "keep_model", lambda job, finished: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        services.run_training(job.pk)
    monkeypatch.setattr(run, "keep_model", real)
    TrainingJob.objects.filter(pk=job.pk).update(status="pending")
    epochs = list(job.epoch_rows.values_list("pk", flat=True))
    services.run_training(job.pk)
    job.refresh_from_db()
    assert job.status == "completed"
    assert list(job.epoch_rows.values_list("pk", flat=True)) == epochs


def test_pretrained_weights_that_are_not_to_be_had_end_in_words_that_say_where_to_put_them(alice, shapes):
    job = services.create_job(alice, shapes, **TINY | {"weights": "pretrained"})
    services.run_training(job.pk)
    job.refresh_from_db()
    assert job.status == "failed"
    assert "yolov8n.pt" in job.error_message
    assert str(weights_path("yolov8n").parent) in job.error_message


@pytest.mark.once
def test_auto_starts_from_nothing_where_there_are_no_weights_and_says_so(alice, shapes):
    job = services.create_job(alice, shapes, **TINY | {"weights": "auto", "epochs": 1})
    services.run_training(job.pk)
    job.refresh_from_db()
    assert job.status == "completed"
    assert "not to be had" in job.started_from


@pytest.mark.once
def test_weights_put_there_by_hand_and_an_own_model_are_starts(alice, shapes):
    first = services.create_job(alice, shapes, **TINY | {"epochs": 1})
    services.run_training(first.pk)
    first.refresh_from_db()
    path = weights_path("yolov8n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(first.model.file.read())
    for weights, words in (("auto", "pretrained yolov8n.pt"), (str(first.model_id), "the model “Shapes yolov8n v1”")):
        job = services.create_job(alice, shapes, **TINY | {"epochs": 1, "weights": weights})
        services.run_training(job.pk)
        job.refresh_from_db()
        assert (job.status, job.started_from) == ("completed", words)
    path.unlink()


@pytest.mark.once
def test_weights_that_are_not_a_checkpoint_end_in_words(alice, shapes):
    path = weights_path("yolov8n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"<html>not found</html>")
    job = services.create_job(alice, shapes, **TINY | {"weights": "pretrained"})
    services.run_training(job.pk)
    job.refresh_from_db()
    path.unlink()
    assert job.status == "failed"
    assert job.error_message
    assert "Traceback" in job.traceback
    assert "Traceback" not in job.error_message


@pytest.mark.once
def test_an_engine_that_a_dead_worker_left_behind_is_ended_before_the_next_one_begins(alice, shapes, monkeypatch):
    from apps.core.processes import Engine
    from apps.training.services import queue, run

    job = services.create_job(alice, shapes, **TINY)
    stray = run.Supervision(queue.take(job.pk), heartbeat=None)
    with Engine(run.ENGINE, stray._payload(), stray.folder, stray.tail.path) as engine:
        next(event for event in engine.events() if event and event["event"] == "started")
        os.killpg(engine.process.pid, signal.SIGSTOP)
        TrainingJob.objects.filter(pk=job.pk).update(status="pending")
        monkeypatch.setattr(run, "ENGINE", "apps.training.tests.impatient_engine")
        services.run_training(job.pk)
        assert engine.process.wait(10) == -signal.SIGKILL
    job.refresh_from_db()
    assert (job.status, job.attempts, job.fruitless_starts) == ("pending", 1, 1)
    services.run_training(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("completed", 2)


def test_a_worker_that_lost_its_job_writes_nothing_of_it_any_more(alice, shapes):
    from apps.training.services import queue, run

    job = services.create_job(alice, shapes, **TINY)
    late = run.Supervision(queue.take(job.pk), heartbeat=None)
    TrainingJob.objects.filter(pk=job.pk).update(status="pending", run_token="")
    again = queue.take(job.pk)
    again.epoch_rows.create(epoch=1, metrics={"mAP50_95": 0.5})
    about = {"machine": "", "start_epoch": 1}
    epoch = {"event": "epoch", "time": 1, "epoch": 2, "epochs": 2, "seconds": 1, "mAP50_95": 0.9, "is_best": True}
    for tell, event in ((late.on_started, about), (late.on_epoch, epoch | {"epoch": 1}), (late.on_epoch, epoch)):
        with pytest.raises(WorkCancelled):
            tell(event)
    assert list(again.epoch_rows.values_list("epoch", "metrics")) == [(1, {"mAP50_95": 0.5})]


def test_restarts_are_counted_anew_once_an_epoch_is_done(alice, shapes, settings):
    from apps.core.processes import EngineDied
    from apps.training.services import queue, run

    settings.TRAINING_MAX_RESTARTS = 1
    job = services.create_job(alice, shapes, **TINY)
    epoch = {"event": "epoch", "time": 1, "epochs": 2, "seconds": 1, "mAP50_95": 0.9, "is_best": True}
    for number, expected in ((1, "pending"), (2, "pending"), (None, "pending"), (None, "failed")):
        running = queue.take(job.pk)
        if number:
            run.Supervision(running, heartbeat=None).on_epoch(epoch | {"epoch": number})
            running.refresh_from_db()
        run._restart_or_fail(running, EngineDied(-signal.SIGKILL, ""))
        job.refresh_from_db()
        assert job.status == expected, number
    assert job.attempts == 4
