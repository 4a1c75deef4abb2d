"""Jobs: run to one of their ends, say how far they are, keep and lose their files."""

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core import jobs, work
from apps.core.models import Job
from apps.core.processes import stopping
from apps.core.tasks import expire_job_files


@pytest.fixture
def job(alice):
    return jobs.create_job(alice, "export", "apps.core.tasks.no_such_task")


def run(job, do):
    jobs.run_job(job.pk, do)
    job.refresh_from_db()
    return job


def with_file(job, name="out.zip"):
    job.file.save(name, ContentFile(b"zip"), save=False)
    return job.file.name


def test_completed_job_keeps_its_result_and_file(job):
    def do(job, report):
        with_file(job)
        return {"images": 3}

    run(job, do)
    assert (job.status, job.progress, job.result, job.file.read()) == ("completed", 1, {"images": 3}, b"zip")
    assert job.expires_at > timezone.now()


def test_progress_and_message_are_seen_while_it_runs(job):
    seen = []

    def do(row, report):
        report(0.25, "a quarter")
        seen.append(Job.objects.values_list("progress", "message").get(pk=job.pk))
        return {}

    run(job, do)
    assert seen == [(0.25, "a quarter")]


@pytest.mark.parametrize(("said", "kept"), [(-3, 0), (7, 1)])
def test_progress_stays_between_0_and_1_and_a_long_message_is_cut(job, said, kept):
    def do(row, report):
        report(said, "x" * 1000)
        row.refresh_from_db()
        return {"progress": row.progress, "length": len(row.message)}

    assert run(job, do).result == {"progress": kept, "length": 300}


def test_foreseen_failure_is_told_in_its_own_words(job):
    def do(row, report):
        raise work.WorkFailed("The archive has no image.")

    run(job, do)
    assert (job.status, job.error_message, job.traceback) == ("failed", "The archive has no image.", "")


def test_unforeseen_failure_keeps_its_traceback_apart_from_its_words(job):
    def do(row, report):
        raise KeyError("hidden-detail")

    run(job, do)
    assert job.status == "failed"
    assert "hidden-detail" in job.traceback
    assert "hidden-detail" not in job.error_message


def test_only_the_operator_reads_the_traceback(job, alice, operator, page_as, api_as):
    def do(row, report):
        raise KeyError("hidden-detail")

    run(job, do)
    for body in (page_as(alice).get(f"/jobs/{job.pk}/").content, api_as(alice).get(f"/api/v1/jobs/{job.pk}").content):
        assert b"hidden-detail" not in body
    assert b"hidden-detail" in page_as(operator).get(f"/jobs/{job.pk}/").content


def test_job_that_is_sent_twice_runs_once(job):
    runs = []
    for _ in range(2):
        jobs.run_job(job.pk, lambda row, report: runs.append(1) or {})
    assert runs == [1]


def test_cancelled_job_stops_at_its_next_report_and_stays_cancelled(job):
    def do(row, report):
        work.cancel(row)
        report(0.5, "half")
        pytest.fail("went on after the cancel")

    assert run(job, do).status == "cancelled"


def test_job_cancelled_at_its_very_end_leaves_no_file_behind(job):
    names = []

    def do(row, report):
        names.append(with_file(row))
        work.cancel(row)
        return {}

    run(job, do)
    assert (job.status, job.file.name) == ("cancelled", "")
    assert not default_storage.exists(names[0])


def test_job_that_fails_after_writing_its_file_leaves_none_behind(job):
    names = []

    def do(row, report):
        names.append(with_file(row))
        raise work.WorkFailed("No.")

    assert run(job, do).file.name == ""
    assert not default_storage.exists(names[0])


def test_stopping_worker_hands_its_job_back(job):
    def do(row, report):
        stopping.set()
        report(0.5)

    try:
        run(job, do)
    finally:
        stopping.clear()
    assert (job.status, job.attempts) == ("pending", 0)


def test_expired_files_are_deleted_and_others_stay(alice):
    def finished(hours, **more):
        job = Job(owner=alice, kind="export", status="completed", expires_at=timezone.now() + timedelta(hours=hours))
        Job.objects.bulk_create([job])
        with_file(job)
        Job.objects.filter(pk=job.pk).update(file=job.file.name, **more)
        return job

    old, fresh, active = finished(-1), finished(1), finished(-1, status="running")
    expire_job_files()
    assert [default_storage.exists(job.file.name) for job in (old, fresh, active)] == [False, True, True]
    assert Job.objects.get(pk=old.pk).file.name == ""
    assert jobs.expire_files() == 0


def test_upload_of_a_failed_job_expires_too(alice):
    upload = ContentFile(b"x", name="../../in.ZIP")
    job = jobs.create_job(alice, "import", "apps.core.tasks.no_such_task", upload=upload)
    assert job.upload.name.startswith("jobs/in/")
    assert job.upload.name.endswith(".zip")
    Job.objects.update(status="failed", expires_at=timezone.now() - timedelta(seconds=1))
    assert jobs.expire_files() == 1
    assert not default_storage.exists(job.upload.name)
