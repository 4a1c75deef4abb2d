"""A job's log: kept whole, read in pieces, through workers that die."""

import pytest

from apps.training.models import TrainingJob
from apps.training.services import log
from apps.training.services.logtail import LogTail


@pytest.fixture
def job(ready_dataset, alice):
    return TrainingJob.objects.create(
        user=alice, dataset=ready_dataset, name="A", model_type="yolov8n", epochs=3, batch_size=4, img_size=64,
        patience=5,
    )  # fmt: skip


def test_what_was_written_is_read_from_every_offset(job, monkeypatch):
    monkeypatch.setattr(log, "PIECE", 7)
    written = ""
    for number in range(12):
        line = f"{'ä' * number} {number}\n"
        log.append_log(job, line)
        written += line
    assert job.logs == "".join(log.whole_log(job)) == written
    assert log.log_length(job) == len(written)
    for offset in range(len(written) + 3):
        assert log.read_log(job, offset, 20) == written[offset : offset + 20]
    assert {len(piece.text) for piece in job.log_pieces.all()[: job.log_pieces.count() - 1]} == {7}


def test_the_newest_lines_begin_with_a_whole_line(job):
    log.append_log(job, "first line\nsecond line\n")
    assert log.newest_lines(job, 15) == (11, "second line\n")
    assert log.newest_lines(job, 100) == (0, "first line\nsecond line\n")


def test_a_log_that_has_become_far_too_long_says_so_and_ends(job, monkeypatch):
    monkeypatch.setattr(log, "LIMIT", 10)
    for _ in range(3):
        log.append_log(job, "12345678\n")
    assert job.logs == "12345678\n1" + log.FULL


def test_what_a_killed_worker_had_not_written_any_more_its_successor_writes(job, tmp_path):
    path = tmp_path / "log.txt"
    first = LogTail(job, path)
    path.write_text("one\ntwo\n")
    first.flush()
    with path.open("a") as file:
        file.write("three\n")  # and here the worker is killed
    LogTail(job, path).flush()
    LogTail(job, path).flush()
    assert job.logs == "one\ntwo\nthree\n"


def test_an_endless_line_is_moved_too(job, tmp_path, monkeypatch):
    from apps.training.services import logtail

    monkeypatch.setattr(logtail, "MOST", 10)
    path = tmp_path / "log.txt"
    path.write_text("ab\n" + "x" * 25 + "\nend\n")
    LogTail(job, path).flush()
    assert job.logs.replace("\n", "") == "ab" + "x" * 25 + "end"


def test_the_whole_log_is_a_file_to_download(api_as, alice, job):
    text = "".join(f"line {number}\n" for number in range(50_000))
    log.append_log(job, text)
    answer = api_as(alice).get(f"/api/v1/training/{job.pk}/log.txt")
    assert b"".join(answer.streaming_content).decode() == text
    assert answer["Content-Disposition"] == f'attachment; filename="training-{job.pk}-log.txt"'
    assert answer["Content-Type"].startswith("text/plain")


def test_the_operators_table_leads_to_the_log(page_as, operator, job):
    page = page_as(operator).get(f"/admin/training/trainingjob/{job.pk}/change/")
    assert f"/api/v1/training/{job.pk}/log.txt" in page.content.decode()
