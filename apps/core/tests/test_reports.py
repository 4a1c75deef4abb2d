"""A job's report: complete as CSV, paged by kind, harmless in a spreadsheet."""

import csv
import io

import pytest
from django.core.files.storage import default_storage

from apps.core import reports
from apps.core.models import Job
from apps.core.reports import CHANGED, NOTE, Report, Row, rows_of


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def saved(alice, monkeypatch):
    """`saved(rows)`: a job with these rows, (file, line, reason, kind, effect), as its report; pages of two."""
    monkeypatch.setattr(reports, "PAGE", 2)

    def save(rows):
        job = Job(owner=alice, kind="import", status="completed")
        with Report(kept=3) as report:
            for row in rows:
                report.add(*row)
            job.result = {"report": report.save(job, {"clipped": "Clipped boxes"}), "filename": "report.csv"}
        job.save()
        return job

    return save


ROWS = [
    (f"{n}.xml", n or None, f"reason {n}", "clipped" if n % 3 else "lost", CHANGED if n % 3 else NOTE) for n in range(7)
]


def as_row(file, line, reason, kind, effect):
    return Row(file, line, effect, kind, reason)


def test_every_row_is_on_one_page_and_in_the_csv(saved):
    job = saved(ROWS)
    seen, page, pages = [], 1, 1
    while page <= pages:
        rows, pages = rows_of(job, page=page)
        assert 0 < len(rows) <= 2
        seen += rows
        page += 1
    assert sorted(seen, key=lambda row: row.reason) == [as_row(*row) for row in ROWS]
    text = default_storage.open(job.file.name).read().decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(text)))) == 1 + len(ROWS)


def test_pages_of_one_kind_have_its_rows_only_in_their_order(saved):
    job = saved(ROWS)
    wanted = [as_row(*row) for row in ROWS if row[3] == "clipped"]
    assert rows_of(job, "clipped", 1) == (wanted[:2], 2)
    assert rows_of(job, "clipped", 2) == (wanted[2:], 2)
    assert rows_of(job, "clipped", 3) == ([], 2)
    assert rows_of(job, "nonsense", 1) == ([], 0)


def test_counts_and_words_of_the_kinds_are_kept_the_most_frequent_first(saved):
    kept = saved(ROWS).result["report"]
    assert (kept["total"], kept["effects"]) == (7, {"note": 3, "changed": 4})
    assert [(kind["words"], kind["count"]) for kind in kept["kinds"]] == [("Clipped boxes", 4), ("lost", 3)]


@pytest.mark.parametrize(
    "cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'quoted", "a\n=1", 'a","=1', "ä 雪 \ud800"]
)
def test_no_cell_is_a_formula_and_the_page_shows_what_was_there(saved, cell):
    job = saved([(cell, None, cell, "clipped", CHANGED)])
    line = list(csv.reader(io.StringIO(default_storage.open(job.file.name).read().decode("utf-8-sig"), newline="")))[1]
    assert not line[0].startswith(("=", "+", "-", "@", "\t", "\r"))
    shown = cell.encode(errors="replace").decode()
    ((row,), _) = rows_of(job)
    assert (row.file, row.reason) == (shown, shown)


def test_page_filters_by_kind_and_survives_any_query(saved, page_as):
    job = saved(ROWS)
    browser = page_as(job.owner)
    page = browser.get(f"/jobs/{job.pk}/?kind=lost").content.decode()
    assert "reason 0" in page
    assert "reason 1<" not in page
    for query in ("kind=<b>", "page=x", "page=99999999999", "page=-1", "kind=lost&page=7"):
        assert browser.get(f"/jobs/{job.pk}/?{query}").status_code == 200


def test_report_whose_file_has_expired_is_said(saved, page_as):
    job = saved(ROWS)
    default_storage.delete(job.file.name)
    assert "has expired" in page_as(job.owner).get(f"/jobs/{job.pk}/").content.decode()
    Job.objects.update(file="")
    assert "has expired" in page_as(job.owner).get(f"/jobs/{job.pk}/").content.decode()
