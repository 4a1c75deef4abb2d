"""Jobs on pages and over the API: their owner's and the operator's alone."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.core.jobs import create_job
from apps.core.models import Job

READS = ["/jobs/{}/", "/jobs/{}/file", "/api/v1/jobs/{}", "/api/v1/jobs/{}/file"]
WRITES = ["/jobs/{}/cancel", "/api/v1/jobs/{}/cancel"]


@pytest.fixture
def job(alice):
    job = Job.objects.create(owner=alice, kind="export", status="completed", result={"filename": "cells.zip"})
    job.file.save("out.zip", ContentFile(b"zip bytes"))
    return job


@pytest.mark.parametrize("path", READS)
def test_reading_a_job_is_its_owners_and_the_operators(path, job, page_as, bob, operator):
    path = path.format(job.pk)
    statuses = [page_as(user).get(path).status_code for user in (None, bob, job.owner, operator)]
    assert statuses == [401 if "api" in path else 302, 404, 200, 200]


def test_a_job_that_waits_says_how_many_of_its_queue_are_before_it(alice, bob, page_as, api_as):
    def waits(owner, task, **more):
        return create_job(owner, "some work", task, **more)

    first, other = waits(bob, "apps.inference.tasks.batch"), waits(bob, "apps.core.tasks.export")
    second = waits(bob, "apps.models.tasks.evaluate")
    Job.objects.filter(pk=first.pk).update(status="running")
    job, later = waits(alice, "apps.inference.tasks.deploy"), waits(bob, "apps.inference.tasks.deploy")
    assert {other.message, later.message} == {"Waiting for a worker"}

    def said():
        return api_as(alice).get(f"/api/v1/jobs/{job.pk}").json()["message"]

    assert said() == "Waiting for a worker: 2 jobs before it"
    assert "Waiting for a worker: 2 jobs before it" in page_as(alice).get(f"/jobs/{job.pk}/").content.decode()
    Job.objects.filter(pk=first.pk).update(status="completed")
    assert said() == "Waiting for a worker: 1 job before it"
    Job.objects.filter(pk=second.pk).update(status="failed")
    assert said() == "Waiting for a worker"
    Job.objects.filter(pk=job.pk).update(status="running", message="Exporting")
    assert said() == "Exporting"


@pytest.mark.parametrize("path", WRITES)
def test_cancelling_a_job_is_its_owners_and_the_operators(path, job, page_as, bob, operator):
    done = 200 if "api" in path else 302
    for user, expected in [(None, 401 if "api" in path else 302), (bob, 404), (job.owner, done), (operator, done)]:
        Job.objects.update(status="running")
        assert page_as(user).post(path.format(job.pk)).status_code == expected
        assert Job.objects.get().status == ("cancelled" if user in (job.owner, operator) else "running")


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/jobs/recent"])
def test_lists_show_ones_own_jobs_only(path, job, page_as, bob):
    assert b"xport" in page_as(job.owner).get(path).content
    assert b"xport" not in page_as(bob).get(path).content


def test_job_over_the_api_has_the_documented_fields(job, api_as):
    found = api_as(job.owner).get(f"/api/v1/jobs/{job.pk}").json()
    assert {"id", "kind", "status", "progress", "message", "result", "error"} <= set(found)
    assert "traceback" not in found


def test_file_comes_as_a_download_under_its_own_name(job, page_as):
    response = page_as(job.owner).get(f"/jobs/{job.pk}/file")
    assert response["Content-Disposition"] == 'attachment; filename="cells.zip"'
    assert b"".join(response.streaming_content) == b"zip bytes"


@pytest.mark.parametrize("path", READS[1::2])
def test_file_that_has_expired_answers_404(path, job, page_as):
    default_storage.delete(job.file.name)  # the file went, a kill came before its row was told
    assert page_as(job.owner).get(path.format(job.pk)).status_code == 404
    Job.objects.update(file="")
    assert page_as(job.owner).get(path.format(job.pk)).status_code == 404


def test_progress_fragment_asks_for_the_whole_page_when_the_job_has_ended(job, page_as):
    ask = {"HTTP_HX_REQUEST": "true"}
    assert page_as(job.owner).get(f"/jobs/{job.pk}/", **ask)["HX-Refresh"] == "true"
    Job.objects.update(status="running")
    response = page_as(job.owner).get(f"/jobs/{job.pk}/", **ask)
    assert "HX-Refresh" not in response
    assert b"<html" not in response.content


def test_problems_of_an_archive_are_shown_as_text(job, page_as):
    problem = {"file": "<script>alert(1)</script>.txt", "line": 3, "reason": "<b>bad</b>"}
    Job.objects.update(result={"problems": [problem], "num_problems": 1})
    page = page_as(job.owner).get(f"/jobs/{job.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<b>bad" not in page


# --- a download that goes on where it broke off ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "answer", "span"),
    [
        ("bytes=0-2", b"zip", "bytes 0-2/9"),
        ("bytes=4-", b"bytes", "bytes 4-8/9"),
        ("bytes=8-8", b"s", "bytes 8-8/9"),
        ("bytes=3-999", b" bytes", "bytes 3-8/9"),
        ("bytes=-3", b"tes", "bytes 6-8/9"),
        ("bytes=-99", b"zip bytes", "bytes 0-8/9"),
    ],
)
@pytest.mark.parametrize("path", READS[1::2])
def test_part_of_a_file_is_answered_with_that_part(path, job, page_as, asked, answer, span):
    response = page_as(job.owner).get(path.format(job.pk), headers={"Range": asked})
    assert (response.status_code, response["Content-Range"]) == (206, span)
    assert response["Content-Length"] == str(len(answer))
    assert b"".join(response.streaming_content) == answer


@pytest.mark.parametrize("asked", ["bytes=9-", "bytes=100-200", "bytes=-0"])
def test_part_beyond_the_end_is_416(job, page_as, asked):
    response = page_as(job.owner).get(f"/jobs/{job.pk}/file", headers={"Range": asked})
    assert (response.status_code, response["Content-Range"]) == (416, "bytes */9")


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=0-1,3-4", "bytes=-", "lines=1-2", "bytes=a-b", "", "bytes=1-\x00"]
)
def test_range_that_is_none_gets_the_whole_file(job, page_as, asked):
    response = page_as(job.owner).get(f"/jobs/{job.pk}/file", headers={"Range": asked})
    assert (response.status_code, response["Accept-Ranges"]) == (200, "bytes")
    assert b"".join(response.streaming_content) == b"zip bytes"


def test_part_of_other_bytes_gets_the_whole_file(job, page_as):
    browser, url = page_as(job.owner), f"/jobs/{job.pk}/file"
    etag = browser.get(url)["ETag"]
    assert browser.get(url, headers={"Range": "bytes=4-", "If-Range": etag}).status_code == 206
    assert browser.get(url, headers={"Range": "bytes=4-", "If-Range": '"other"'}).status_code == 200


def test_job_says_what_it_is_about_to_those_who_may_see_that(page_as, alice, bob, dataset, trained_model):
    for owner in (alice, bob):
        for subject in (f"dataset:{dataset.pk}", f"model:{trained_model.pk}", "dataset:999999", "dataset:x", ""):
            job = Job.objects.create(owner=owner, kind="split", task="x", subject=subject)
            page = page_as(owner).get(f"/jobs/{job.pk}/").content.decode()
            about = f'<div class="crumbs"><a href="/{subject.replace(":", "s/")}/">Cells' in page
            assert about == (owner == alice and subject.endswith((f":{dataset.pk}", f"model:{trained_model.pk}")))
