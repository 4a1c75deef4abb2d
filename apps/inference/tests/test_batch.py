"""Predictions on many images: what may be sent, the answers, kills, expiry, and who may see them."""

import io
import json
import uuid
import zipfile
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from apps.accounts.services import create_token
from apps.core import uploads, work
from apps.core.jobs import expire_files
from apps.core.models import Job
from apps.inference import batch, services
from conftest import picture, upload

ADDRESS = "/api/v1/predictions/batch"


@pytest.fixture
def start(deployed, api_as, alice, run_tasks_at_once, django_capture_on_commit_callbacks):
    """`start(**data)`: alice starts a batch, which runs at once; gives the job as the API shows it then."""

    def started(format="multipart", **data):
        api = api_as(alice)
        with django_capture_on_commit_callbacks(execute=True):
            answer = api.post(ADDRESS, {"model_id": deployed.pk, "conf": 0.05, **data}, format=format)
        assert answer.status_code == 202, answer.content
        return api.get(f"/api/v1/jobs/{answer.json()['id']}").json()

    return started


def packed(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return upload("pictures.zip", out.getvalue())


def results(api, job, **query):
    return api.get(f"{ADDRESS}/{job['id']}/results", query).json()


def test_images_that_are_sent_are_answered_each(start, api_as, alice, deployed):
    files = [upload("a.png", seed=1, width=200), upload("a.png", seed=2), upload("b.jpg", b"no image")]
    job = start(images=files)
    assert (job["status"], job["result"]["images"], job["result"]["failed"]) == ("completed", 3, 1), job
    page = results(api_as(alice), job, page_size=2)
    assert (page["count"], len(page["results"]), page["results"][0]["name"]) == (3, 2, "a.png")
    assert page["results"][0]["answer"]["image"] == {"width": 200, "height": 48}
    last = results(api_as(alice), job, page=2, page_size=2)["results"][0]
    assert (last["name"], last["answer"]) == ("b.jpg", {})
    assert "not an image" in last["error"]


def test_an_archive_is_answered_by_its_images(start, api_as, alice):
    job = start(file=packed(a__png=picture(seed=1), b__txt=b"words", c__JPG=picture(seed=2, format="JPEG")))
    assert [row["name"] for row in results(api_as(alice), job)["results"]] == ["a.png", "c.JPG"]


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"PK\x05\x06" + b"\0" * 18, "no image in it"), (b"PK\x03\x04half", "")],
    ids=range(2),
)
def test_an_archive_that_cannot_be_answered_fails_in_words(start, data, words):
    job = start(file=upload("a.zip", data))
    assert job["status"] == "failed"
    assert words in job["error"]
    assert "foresee" not in job["error"]


@pytest.mark.parametrize("data", [b"", b"no archive", picture()], ids=range(3))
def test_what_is_no_archive_is_refused_at_once(deployed, api_as, page_as, alice, data):
    answer = api_as(alice).post(ADDRESS, {"model_id": deployed.pk, "file": upload("a.zip", data)}, format="multipart")
    assert (answer.status_code, list(answer.json())) == (400, ["file"])
    page = page_as(alice).post(f"/models/{deployed.pk}/batch", {"files": [upload("a.zip", data)]})
    assert page.status_code == 200
    assert data == b"" or "This is no zip, tar" in page.content.decode()
    assert not Job.objects.filter(kind="batch").exists()


def test_an_upload_that_is_neither_archive_nor_video_is_refused_at_once(deployed, api_as, alice, monkeypatch):
    name = default_storage.save("uploads/odd.bin", ContentFile(b"neither"))
    monkeypatch.setattr(uploads, "stored_upload", lambda user, pk: (name, "odd.bin"))
    answer = api_as(alice).post(ADDRESS, {"model_id": deployed.pk, "upload": str(uuid.uuid4())})
    assert (answer.status_code, "no zip" in str(answer.json()["upload"])) == (400, True)


def test_what_is_no_option_is_refused_with_those_that_there_are(deployed, api_as, alice):
    api, asked = api_as(alice), {"model_id": deployed.pk, "images": [upload()]}
    answer = api.post(ADDRESS, asked | {"confidence": 0.9, "imgsz": 640}, format="multipart")
    assert (answer.status_code, set(answer.json())) == (400, {"confidence", "imgsz"})
    assert "conf, " in answer.json()["confidence"][0]
    answer = api.post(f"{ADDRESS}?conf=0.9", asked | {"images": [upload()]}, format="multipart")
    assert (answer.status_code, "in the body" in answer.json()["conf"][0]) == (400, True)
    assert not Job.objects.filter(kind="batch").exists()


def test_a_dataset_is_answered_by_its_filter(start, api_as, alice, ready_dataset):
    job = start(format="json", dataset_id=ready_dataset.pk, filter={"split": "val"})
    rows = results(api_as(alice), job)["results"]
    assert {row["image_id"] for row in rows} == set(
        ready_dataset.images.filter(split="val").values_list("pk", flat=True)
    )


def test_the_answers_are_downloaded_as_ndjson_and_coco(start, api_as, alice):
    job = start(images=[upload(f"{n}.png", seed=n, width=200, height=150) for n in range(3)])
    api = api_as(alice)
    rows = results(api, job)["results"]
    lines = b"".join(api.get(f"{ADDRESS}/{job['id']}/results.ndjson").streaming_content).decode().splitlines()
    assert [json.loads(line) for line in lines] == rows
    coco = json.loads(b"".join(api.get(f"{ADDRESS}/{job['id']}/results.json").streaming_content))
    assert [image["file_name"] for image in coco["images"]] == ["0.png", "1.png", "2.png"]
    assert len(coco["annotations"]) == job["result"]["objects"] > 0
    assert [row["id"] for row in coco["annotations"]] == list(range(1, len(coco["annotations"]) + 1))


def test_a_batch_that_was_killed_goes_on_behind_its_last_answer(start, alice, monkeypatch):
    job = Job.objects.get(pk=start(images=[upload(f"{n}.png", seed=n) for n in range(4)])["id"])
    before = list(job.answers.values("number", "name", "answer"))
    job.answers.filter(number__gt=2).delete()
    asked = []
    really = services.predict
    monkeypatch.setattr(services, "predict", lambda model, data, **k: asked.append(1) or really(model, data, **k))
    Job.objects.filter(pk=job.pk).update(status="pending", run_token="")
    from apps.inference.tasks import batch as task

    task(job.pk)
    task(job.pk)  # a message that comes twice
    assert len(asked) == 2
    names = [(row["number"], row["name"]) for row in job.answers.values("number", "name")]
    assert names == [(row["number"], row["name"]) for row in before]


def test_a_cancelled_batch_writes_nothing_more(start, alice, monkeypatch):
    job = Job.objects.get(pk=start(images=[upload(f"{n}.png", seed=n) for n in range(3)])["id"])
    job.answers.all().delete()
    Job.objects.filter(pk=job.pk).update(status="pending")
    really = batch.write

    def cancelled(rows, report, meter):
        work.cancel(job)
        report._heartbeat.lost.set()  # as its next beat finds
        really(rows, report, meter)

    monkeypatch.setattr(batch, "write", cancelled)
    from apps.inference.tasks import batch as task

    task(job.pk)
    job.refresh_from_db()
    assert (job.status, job.answers.count()) == ("cancelled", 0)


def test_answers_and_images_go_when_their_time_is_over(start, api_as, alice, ready_dataset):
    sent = start(images=[upload("a.png", seed=1)])
    of_dataset = start(format="json", dataset_id=ready_dataset.pk)
    assert batch.expire_answers() == 0
    name = Job.objects.get(pk=sent["id"]).upload.name
    Job.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert batch.expire_answers() == 1 + ready_dataset.images.count()
    expire_files()
    assert not default_storage.exists(name)
    assert results(api_as(alice), of_dataset)["count"] == 0


def test_an_image_is_shown_with_its_boxes(start, api_as, alice):
    job = start(images=[upload("a.png", seed=1, width=900, height=600), upload("b.png", b"")])
    api = api_as(alice)
    small = api.get(f"{ADDRESS}/{job['id']}/images/1?size=480")
    assert Image.open(io.BytesIO(small.content)).size == (480, 320)
    assert Image.open(io.BytesIO(api.get(f"{ADDRESS}/{job['id']}/images/1").content)).size == (900, 600)
    assert api.get(f"{ADDRESS}/{job['id']}/images/2").status_code == 404
    assert api.get(f"{ADDRESS}/{job['id']}/images/9").status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {}, {"dataset_id": 1, "upload": "x"}, {"upload": "x"}, {"upload": "5e9e3a4c-7d8e-4d3e-8a8e-0d5b8b8f3b11"},
        {"dataset_id": "one"}, {"dataset_id": True}, {"images": ["text"]}, {"file": 1},
    ],
    ids=range(8),
)  # fmt: skip
def test_a_batch_of_nothing_or_nonsense_is_refused(deployed, api_as, alice, data):
    answer = api_as(alice).post(ADDRESS, {"model_id": deployed.pk, **data}, format="json")
    assert answer.status_code in (400, 404), answer.content
    assert not Job.objects.filter(kind="batch").exists()


@pytest.mark.parametrize("query", [{"split": "no such"}, {"class_id": "x"}, {"split": 1}, [], "text"], ids=range(5))
def test_a_wrong_filter_is_refused_before_anything_starts(deployed, api_as, alice, ready_dataset, query):
    asked = {"model_id": deployed.pk, "dataset_id": ready_dataset.pk, "filter": query}
    assert api_as(alice).post(ADDRESS, asked).status_code == 400


def test_a_batch_is_its_owners_alone(start, deployed, api_as, page_as, alice, carol, client, ready_dataset):
    job = start(images=[upload("a.png", seed=1)])
    other = api_as(carol)
    for path in ("results", "results.ndjson", "results.json", "images/1"):
        assert other.get(f"{ADDRESS}/{job['id']}/{path}").status_code == 404
    assert page_as(carol).get(f"/predictions/{job['id']}").status_code == 404
    assert page_as(carol).get(f"/models/{deployed.pk}/batch").status_code == 404
    assert other.post(ADDRESS, {"model_id": deployed.pk, "dataset_id": ready_dataset.pk}).status_code == 404
    type(deployed).objects.update(is_public=True)
    assert other.post(ADDRESS, {"model_id": deployed.pk, "dataset_id": ready_dataset.pk}).status_code == 404
    _, key = create_token(alice, "reader", "read")
    answer = client.post(ADDRESS, {"model_id": deployed.pk}, headers={"Authorization": f"Token {key}"})
    assert answer.status_code == 403


def test_a_model_that_is_not_deployed_answers_no_batch(trained_model, api_as, page_as, alice, ready_dataset):
    asked = {"model_id": trained_model.pk, "dataset_id": ready_dataset.pk}
    assert api_as(alice).post(ADDRESS, asked).status_code == 409
    assert page_as(alice).get(f"/models/{trained_model.pk}/batch").status_code == 302


def test_a_batch_is_started_and_looked_through_on_its_pages(
    deployed, page_as, alice, run_tasks_at_once, django_capture_on_commit_callbacks, ready_dataset,
    django_assert_max_num_queries,
):  # fmt: skip
    page, address = page_as(alice), f"/models/{deployed.pk}/batch"
    assert b"None yet with this model" in page.get(address).content
    assert b"Choose files, or a dataset" in page.post(address, {}).content
    assert b"less than or equal to 1" in page.post(address, {"conf": "7", "dataset": ready_dataset.pk}).content
    with django_capture_on_commit_callbacks(execute=True):
        answer = page.post(address, {"dataset": ready_dataset.pk, "split": "", "conf": "0.05"})
    assert answer.status_code == 302
    with django_assert_max_num_queries(9):
        shown = page.get(answer["Location"]).content.decode()
    assert shown.count("batch-answer") == ready_dataset.images.count()
    assert page.get(answer["Location"] + "?show=failed").content.decode().count("batch-answer") == 0
    assert page.get(answer["Location"] + "?show=wrong").status_code == 404
    files = [upload("a.png", seed=1), packed(b__png=picture())]
    assert b"not several kinds at once" in page.post(address, {"files": files}).content
    with django_capture_on_commit_callbacks(execute=True):
        sent = page.post(address, {"files": [packed(b__png=picture())]})
    assert "b.png" in page.get(sent["Location"]).content.decode()
