"""What a job's page asks for while the job runs: what is new, and how long it will take."""

import csv
import io

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.training.models import TrainingEpoch, TrainingJob, TrainingUsage
from apps.training.services.log import append_log
from apps.training.services.pace import Pace, starts_of

LOSSES = {"box": 1.234567, "cls": 2.0, "dfl": None}


@pytest.fixture
def job(ready_dataset, alice):
    return TrainingJob.objects.create(
        user=alice, dataset=ready_dataset, name="A", model_type="yolov8n", epochs=10, batch_size=4, img_size=64,
        patience=5, status="running", environment={"starts": [{"epoch": 1}]},
    )  # fmt: skip


def epochs(job, numbers, **more):
    metrics = {
        "mAP50": 0.5, "mAP50_95": 0.123456789, "precision": 0.4, "recall": None, "train_loss": LOSSES,
        "val_loss": LOSSES, "lr": 0.01, "learning_rates": [0.01, 0.02], "is_best": True, "val_seconds": 2.0, **more,
    }  # fmt: skip
    TrainingEpoch.objects.bulk_create(TrainingEpoch(job=job, epoch=n, seconds=10.0, metrics=metrics) for n in numbers)


def ask(api, job, since=""):
    answer = api.get(f"/api/v1/training/{job.pk}/live?since={since}")
    assert answer.status_code == 200
    return answer.json()


def test_a_page_is_told_all_at_first_and_then_what_is_new(api_as, alice, job):
    api = api_as(alice)
    epochs(job, [1, 2])
    append_log(job, "one\n")
    first = ask(api, job)
    assert first["job"]["id"] == job.pk
    assert (first["epochs"]["epoch"], first["all_epochs"], first["log"]) == (
        [1, 2],
        True,
        {"start": 0, "text": "one\n"},
    )
    assert first["epochs"]["mAP50_95"] == [0.12346, 0.12346]
    assert first["epochs"]["train_box"] == [1.2346, 1.2346]
    assert first["epochs"]["lr_1"] == [0.02, 0.02]
    assert ask(api, job, first["since"])["epochs"] == {}
    epochs(job, [3])
    append_log(job, "two\n")
    second = ask(api, job, first["since"])
    assert (second["epochs"]["epoch"], second["all_epochs"], second["log"]["text"]) == ([3], False, "two\n")


def test_after_a_restart_all_epochs_are_told_again(api_as, alice, job):
    api = api_as(alice)
    epochs(job, [1, 2])
    since = ask(api, job)["since"]
    job.environment = {"starts": starts_of(job, 2)}
    job.save()
    again = ask(api, job, since)
    assert (again["epochs"]["epoch"], again["all_epochs"], again["log"]["text"]) == ([1, 2], True, "")


def test_the_newest_row_of_usage_is_told_again_for_it_may_have_grown(api_as, alice, job):
    api = api_as(alice)
    values = {"cpu": 150.0, "memory": 900, "machine_cpu": 99.0, "machine_memory": 2000, "disk": 12.5, "gpus": []}
    for minute in range(3):
        TrainingUsage.objects.create(job=job, at=f"2026-01-01T00:0{minute}:00Z", seconds=10, values=values)
    first = ask(api, job)
    assert first["usage"]["cpu"] == [150.0] * 3
    assert "gpus" not in first["usage"]
    assert ask(api, job, first["since"])["usage"]["at"] == first["usage"]["at"][2:]
    assert api.get(f"/api/v1/training/{job.pk}/usage").json() == first["usage"]


@pytest.mark.parametrize("since", ["x", "1.2.3", "1.2.3.-4", "1.2.3.4.5", "1.2.3.9999999999999999999", "1.2.3.²"])
def test_a_cursor_that_no_answer_gave_is_refused_in_words(api_as, alice, job, since):
    answer = api_as(alice).get(f"/api/v1/training/{job.pk}/live", {"since": since})
    assert (answer.status_code, list(answer.json())) == (400, ["since"])


def test_the_number_of_queries_and_the_size_do_not_grow_with_the_job(api_as, page_as, alice, job):
    api, page = api_as(alice), page_as(alice)
    epochs(job, [1, 2, 3])
    append_log(job, "a line\n")

    def queries(call):
        with CaptureQueriesContext(connection) as captured:
            call()
        return len(captured)

    before = [queries(lambda: ask(api, job)), queries(lambda: page.get(f"/training/{job.pk}/"))]
    epochs(job, range(4, 301))
    append_log(job, "a line of the log, as long as they are\n" * 50_000)
    for _ in range(2):  # the first page of a session writes it
        after = [queries(lambda: ask(api, job)), queries(lambda: page.get(f"/training/{job.pk}/"))]
    assert after == before
    assert len(api.get(f"/api/v1/training/{job.pk}/live").content) < 120_000
    assert len(page.get(f"/training/{job.pk}/").content) < 60_000


def test_the_answer_is_compressed_where_the_browser_can_read_that(api_as, alice, job):
    epochs(job, range(1, 301))
    path = f"/api/v1/training/{job.pk}/live"
    plain, small = api_as(alice).get(path), api_as(alice).get(path, headers={"Accept-Encoding": "gzip"})
    assert small["Content-Encoding"] == "gzip"
    assert len(small.content) < len(plain.content) / 3


def test_the_epochs_are_a_table_to_download(api_as, alice, job):
    epochs(job, [1, 2])
    answer = api_as(alice).get(f"/api/v1/training/{job.pk}/metrics.csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert (rows[0]["mAP50_95"], rows[0]["lr_1"], rows[0]["recall"]) == ("0.12346", "0.02", "")


def test_time_left_is_that_of_a_usual_epoch_and_the_final_validation(job):
    epochs(job, [1, 2, 3, 4])
    TrainingEpoch.objects.create(job=job, epoch=5, seconds=500.0, metrics={"val_seconds": 100.0})  # a slow moment
    job.current_epoch, job.epoch_progress = 5, 0.5
    assert job.seconds_left == 4.5 * 10 + 2
    job.phase, job.epoch_progress = "Final validation: batch 1 of 4", 0.25
    assert job.seconds_left == 1.5
    assert job.progress == 0.5
    job.status = "completed"
    assert job.seconds_left is None


def test_progress_within_an_epoch_counts_its_validation_too(job):
    job.environment = {"train_images": 300, "val_images": 300}
    pace = Pace(job)
    at = {"epoch": 4, "batches": 10}
    assert pace.learning({**at, "batch": 10})["epoch_progress"] == 0.75
    said = pace.validating({**at, "batch": 5, "final": False})
    assert said == {"current_epoch": 3, "epoch_progress": 0.875, "phase": "Validating: batch 5 of 10"}
    pace.took({"seconds": 10.0, "val_seconds": 5.0})
    assert pace.learning({**at, "batch": 10})["epoch_progress"] == 0.5
    final = pace.validating({**at, "batch": 5, "final": True})
    assert final == {"epoch_progress": 0.5, "phase": "Final validation: batch 5 of 10"}
