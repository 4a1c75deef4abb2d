"""Checkpoints in the store: a training goes on where another machine left it."""

import tarfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.core.work import WorkCancelled
from apps.training.models import TrainingJob
from apps.training.services import checkpoints
from apps.training.services.folders import run_folder
from apps.training.services.keeping import keep_due_weights
from apps.training.services.retention import clean_runs

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def store_elsewhere(monkeypatch):
    monkeypatch.setattr(checkpoints, "are_wanted", lambda: True)


@pytest.fixture
def running(queued, alice, monkeypatch):
    (job,) = queued(alice, status=TrainingJob.Status.RUNNING, run_token="mine")
    write_run(job, b"last of 3", b"best of 2")
    return job


def write_run(job, last, best=None):
    weights = run_folder(job) / "run" / "weights"
    weights.mkdir(parents=True, exist_ok=True)
    (weights / "last.pt").write_bytes(last)
    (weights.parent / "results.csv").write_text("epoch\n")
    if best is not None:
        (weights / "best.pt").write_bytes(best)


def on_another_machine(job, settings, tmp_path):
    settings.WORK_DIR = tmp_path / "another"
    return TrainingJob.objects.get(pk=job.pk)


def read(job, name="last.pt"):
    return (run_folder(job) / "run" / "weights" / name).read_bytes()


def test_another_machine_begins_with_what_the_store_has(running, settings, tmp_path):
    checkpoints.store(running, 3)
    job = on_another_machine(running, settings, tmp_path)
    assert job.checkpoint_epoch == 3
    assert checkpoints.fetch(job) == 3
    assert (read(job), read(job, "best.pt")) == (b"last of 3", b"best of 2")
    assert not list(run_folder(job).rglob("*.fetched"))
    assert checkpoints.fetch(job) is None  # it lies here now


def test_what_lies_here_and_is_later_stays(running):
    checkpoints.store(running, 3)
    write_run(running, b"last of 5")
    checkpoints.note_epoch(run_folder(running), 5)
    running.refresh_from_db()
    assert checkpoints.fetch(running) is None
    assert read(running) == b"last of 5"


def test_what_lies_here_and_is_older_gives_way(running, settings, tmp_path):
    here = settings.WORK_DIR
    checkpoints.note_epoch(run_folder(running), 3)
    elsewhere = on_another_machine(running, settings, tmp_path)
    write_run(elsewhere, b"last of 9", b"best of 8")
    elsewhere.run_token = running.run_token
    checkpoints.store(elsewhere, 9)
    settings.WORK_DIR = here
    running.refresh_from_db()
    assert checkpoints.fetch(running) == 9
    assert read(running) == b"last of 9"


def test_a_keeper_stores_the_newest_and_waits_for_what_it_began(running):
    with checkpoints.Keeper(running) as keeper:
        keeper.epoch_done(3)
        keeper.flush()
    running.refresh_from_db()
    assert running.checkpoint_epoch == 3
    with default_storage.open(checkpoints.stored_as(running)) as file, tarfile.open(fileobj=file) as pack:
        assert pack.getnames() == ["last.pt", "best.pt", "results.csv"]


def test_a_keeper_stores_nothing_where_the_store_is_this_disk(running, monkeypatch):
    monkeypatch.setattr(checkpoints, "are_wanted", lambda: False)
    with checkpoints.Keeper(running) as keeper:
        keeper.epoch_done(3)
        keeper.flush()
    running.refresh_from_db()
    assert running.checkpoint_epoch is None


def test_a_store_that_is_away_does_not_end_the_training(running, monkeypatch, caplog):
    monkeypatch.setattr(default_storage, "save", lambda *a: (_ for _ in ()).throw(OSError("no store")))
    with checkpoints.Keeper(running) as keeper:
        keeper.epoch_done(3)
        keeper.flush()
    running.refresh_from_db()
    assert running.checkpoint_epoch is None
    assert "could not be stored" in caplog.text


def test_who_has_lost_the_job_does_not_say_what_the_store_has(running):
    TrainingJob.objects.filter(pk=running.pk).update(run_token="another")
    with pytest.raises(WorkCancelled):
        checkpoints.store(running, 3)
    running.refresh_from_db()
    assert running.checkpoint_epoch is None


def test_a_checkpoint_that_is_gone_is_a_start_from_the_start(running, settings, tmp_path):
    checkpoints.store(running, 3)
    default_storage.delete(checkpoints.stored_as(running))
    job = on_another_machine(running, settings, tmp_path)
    assert checkpoints.fetch(job) is None
    assert not (run_folder(job) / "run" / "weights" / "last.pt").exists()


def test_a_pack_with_other_files_is_refused(running, settings, tmp_path):
    evil = tmp_path / "evil.tar"
    (tmp_path / "last.pt").write_bytes(b"x")
    with tarfile.open(evil, "w") as pack:
        pack.add(tmp_path / "last.pt", "../../last.pt")
    default_storage.save(checkpoints.stored_as(running), ContentFile(evil.read_bytes()))
    TrainingJob.objects.filter(pk=running.pk).update(checkpoint_epoch=3)
    job = on_another_machine(running, settings, tmp_path)
    with pytest.raises(ValueError, match=r"none of its files"):
        checkpoints.fetch(job)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_retention_takes_the_stored_one_too(running, settings, tmp_path, status, long_ago):
    checkpoints.store(running, 3)
    job = on_another_machine(running, settings, tmp_path)
    TrainingJob.objects.filter(pk=job.pk).update(status=status, completed_at=long_ago)
    clean_runs()
    job.refresh_from_db()
    assert job.checkpoint_epoch is None
    assert job.cleaned_at
    assert not default_storage.exists(checkpoints.stored_as(job))


@pytest.fixture
def long_ago(settings):
    from datetime import timedelta

    from django.utils import timezone

    return timezone.now() - timedelta(days=settings.RUN_FOLDER_DAYS, hours=1)


def test_a_cancelled_training_becomes_a_model_on_another_machine(running, settings, tmp_path, monkeypatch):
    checkpoints.store(running, 3)
    job = on_another_machine(running, settings, tmp_path)
    TrainingJob.objects.filter(pk=job.pk).update(status="cancelled", weights_due=True, heartbeat_at=None)
    stripped = []
    monkeypatch.setattr("apps.training.services.keeping._strip", lambda best, place: stripped.append(best.read_bytes()))
    monkeypatch.setattr("apps.training.services.keeping._keep_cancelled", lambda job, told: True)
    assert keep_due_weights() == 1
    assert stripped == [b"best of 2"]
