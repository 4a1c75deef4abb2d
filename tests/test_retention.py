"""What is past its time is told before it goes, by the rules that delete it."""

import json
from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.utils import timezone
from django_celery_results.models import TaskResult

from apps.core import retention
from apps.core.models import Job
from apps.core.tasks import delete_old

DAY = timedelta(days=1)


def going(kind):
    return next(row for row in retention.report() if row.kind == kind).going


def ended_job(owner, days, **values):
    return Job.objects.create(
        owner=owner, kind="x", task="y", status=Job.Status.COMPLETED, completed_at=timezone.now() - days * DAY, **values
    )


@pytest.mark.django_db
def test_every_rule_answers_and_names_a_setting_that_is_there(settings):
    found = retention.report()
    assert len(found) >= 14
    assert len({row.kind for row in found}) == len(found)
    assert all(row.value is not None for row in found)
    assert all((row.going.rows, row.going.files, row.going.bytes) == (0, 0, 0) for row in found)


def test_ended_jobs_go_after_their_days_and_others_stay(alice, settings):
    settings.JOB_DAYS = 10
    old, young = ended_job(alice, 11), ended_job(alice, 9)
    with_file = ended_job(alice, 11, file="jobs/out/a.zip", expires_at=timezone.now() + DAY)
    running = Job.objects.create(owner=alice, kind="x", task="y", status=Job.Status.RUNNING)
    found = going("Ended jobs")
    assert found.rows == 1
    assert abs(found.next_at - (young.completed_at + 10 * DAY)) < timedelta(seconds=1)
    delete_old()
    assert set(Job.objects.all()) == {young, with_file, running}
    assert not Job.objects.filter(pk=old.pk).exists()


def test_what_is_kept_forever_does_not_go(alice, settings):
    settings.JOB_DAYS = 0
    ended_job(alice, 5000)
    assert going("Ended jobs").rows == 0
    delete_old()
    assert Job.objects.count() == 1


def test_files_of_jobs_are_told_with_their_bytes_and_go(alice):
    name = default_storage.save("jobs/out/a.zip", ContentFile(b"12345"))
    job = ended_job(alice, 5, file=name, expires_at=timezone.now() - DAY)
    ended_job(alice, 5, file="jobs/out/gone.zip", expires_at=timezone.now() - DAY)
    found = going("Files of jobs")
    assert (found.rows, found.files, found.bytes) == (2, 1, 5)
    retention.sweep()
    job.refresh_from_db()
    assert not job.file
    assert not default_storage.exists(name)


@pytest.mark.django_db
def test_sessions_and_results_of_tasks_go(settings):
    now = timezone.now()
    for key, days in (("a", -1), ("b", 1)):
        Session.objects.create(session_key=key * 32, session_data="x", expire_date=now + days * DAY)
    for key, days in (("old", 8), ("young", 6)):
        result = TaskResult.objects.create(task_id=key)
        TaskResult.objects.filter(pk=result.pk).update(date_done=now - days * DAY)
    assert (going("Sessions that are over").rows, going("Results of tasks").rows) == (1, 1)
    delete_old()
    assert Session.objects.get().session_key == "b" * 32
    assert TaskResult.objects.get().task_id == "young"


def test_trash_and_exports_of_models_go_with_their_files(
    images, trained_model, settings, django_capture_on_commit_callbacks
):
    from apps.datasets import services
    from apps.datasets.models import DatasetImage
    from apps.models.models import ModelExport

    settings.EXPORT_DAYS = 30
    services.trash_images(images[0].dataset, DatasetImage.objects.filter(pk=images[0].pk), trained_model.owner)
    DatasetImage.all_objects.filter(pk=images[0].pk).update(deleted_at=timezone.now() - 31 * DAY, in_version=False)
    for number, days in enumerate((31, 29)):
        name = default_storage.save(f"exports/{number}.onnx", ContentFile(b"123"))
        trained_model.exports.create(
            format="onnx", img_size=64 + number, file=name, num_bytes=3, exported_at=timezone.now() - days * DAY
        )
    trash, exports = going("Images in the trash"), going("Exports of models")
    assert (trash.rows, trash.files, trash.bytes) == (1, 1, images[0].num_bytes)
    assert (exports.rows, exports.files, exports.bytes) == (1, 1, 3)
    with django_capture_on_commit_callbacks(execute=True):
        retention.sweep()
    assert not DatasetImage.all_objects.filter(pk=images[0].pk).exists()
    assert ModelExport.objects.get().img_size == 65
    assert not default_storage.exists("exports/0.onnx")


def test_logs_of_old_trainings_go_and_their_epochs_stay(ready_dataset, alice, settings):
    from apps.training.models import TrainingEpoch, TrainingJob, TrainingLogPiece

    settings.TRAINING_LOG_DAYS = 10
    for days in (11, 9):
        job = TrainingJob.objects.create(
            user=alice, dataset=ready_dataset, name="t", model_type="yolov8n", epochs=1, batch_size=1, img_size=64,
            patience=1, status="completed", completed_at=timezone.now() - days * DAY,
        )  # fmt: skip
        TrainingLogPiece.objects.create(job=job, number=0, text="log")
        TrainingEpoch.objects.create(job=job, epoch=1)
    assert going("Logs of trainings").rows == 1
    delete_old()
    assert TrainingLogPiece.objects.get().job == job
    assert TrainingEpoch.objects.count() == 2


def test_rule_that_fails_does_not_stop_the_others(monkeypatch, alice, settings):
    settings.JOB_DAYS = 1
    ended_job(alice, 2)
    broken = retention.Rule("Broken", "JOB_DAYS", lambda now: retention.Going(), lambda: 1 / 0)
    known = retention.rules()
    monkeypatch.setattr(retention, "rules", lambda: [broken, *known])
    assert retention.sweep()["Ended jobs"] == 1


def test_dry_run_tells_and_deletes_nothing(alice, settings, capsys):
    settings.JOB_DAYS = 1
    ended_job(alice, 2)
    call_command("retention", "--dry-run")
    told = capsys.readouterr().out
    assert "Ended jobs" in told
    assert "JOB_DAYS=1" in told
    call_command("retention", "--dry-run", "--json")
    rows = json.loads(capsys.readouterr().out)
    assert next(row for row in rows if row["kind"] == "Ended jobs")["rows"] == 1
    assert Job.objects.count() == 1
    call_command("retention")
    assert "1  Ended jobs" in capsys.readouterr().out
    assert not Job.objects.exists()
