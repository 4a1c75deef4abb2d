"""Run folders: kept as long as somebody may go on from them, and no longer."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.training import services
from apps.training.models import TrainingJob
from apps.training.services.folders import run_folder

from .test_jobs import job, sent  # noqa: F401

# ruff: noqa: F811 (pytest takes the fixtures of other modules by name)


@pytest.fixture
def work_dir(tmp_path, settings):
    settings.WORK_DIR, settings.RUN_FOLDER_DAYS = tmp_path, 14
    return tmp_path


def with_folder(job, status, days=0.0):
    """The job in that state, for so many days, with something in its run folder."""
    since = timezone.now() - timedelta(days=days)
    TrainingJob.objects.filter(pk=job.pk).update(status=status, completed_at=since, created_at=since)
    (run_folder(job) / "run" / "weights").mkdir(parents=True)
    (run_folder(job) / "run" / "weights" / "last.pt").write_bytes(b"weights")
    return run_folder(job)


@pytest.mark.parametrize(
    ("status", "days", "goes"),
    [
        ("failed", 15, True), ("failed", 13, False), ("cancelled", 15, True), ("cancelled", 13, False),
        ("completed", 1, True), ("completed", 0, False), ("paused", 400, False), ("running", 400, False),
        ("pending", 400, False),
    ],
)  # fmt: skip
def test_the_folder_of_an_ended_run_goes_after_the_set_time_and_no_other(job, work_dir, status, days, goes):
    folder = with_folder(job, status, days)
    services.clean_folders()
    job.refresh_from_db()
    assert (not folder.exists(), bool(job.cleaned_at)) == (goes, goes)
    if status in ("failed", "cancelled", "paused"):
        assert job.can_be_resumed is not goes


def test_zero_days_leave_time_to_end_and_to_resume_at_once(job, work_dir, settings):
    settings.RUN_FOLDER_DAYS = 0
    folder = with_folder(job, "cancelled")
    services.clean_folders()
    assert folder.exists()
    TrainingJob.objects.filter(pk=job.pk).update(completed_at=timezone.now() - timedelta(hours=2))
    services.clean_folders()
    assert not folder.exists()


def test_a_run_that_is_resumed_at_that_moment_keeps_its_folder(job, work_dir, monkeypatch):
    from apps.training.services import retention

    folder = with_folder(job, "failed", 20)
    ended = list(TrainingJob.objects.filter(pk=job.pk))
    services.resume_job(job)
    assert [retention._clean(row) for row in ended] == [0]
    assert folder.exists()


def test_folders_of_jobs_that_are_gone_go_once_nothing_writes_there(job, work_dir):
    folder = with_folder(job, "running")
    (folder / "log.txt").write_text("line\n")
    TrainingJob.objects.all().delete()
    services.clean_folders()
    assert folder.exists()
    for path in (folder / "log.txt", folder):
        os.utime(path, (0, 0))
    (work_dir / "runs" / "notes of mine").mkdir()
    services.clean_folders()
    assert [path.name for path in (work_dir / "runs").iterdir()] == ["notes of mine"]
