"""Pictures that go straight to S3: what may come is signed, a worker judges what came; nothing is lost or doubled."""

import time
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core import sent_files, work
from apps.core.models import Job, Quota
from apps.core.tasks import expire_job_files
from apps.datasets import services
from apps.datasets.models import DatasetImage
from apps.datasets.services import sent_images
from apps.datasets.tasks import take_sent_images
from conftest import picture, stored_files, upload

pytestmark = pytest.mark.django_db
PICTURES = [("a.png", picture(seed=1)), ("b.jpg", picture(seed=2, format="JPEG")), ("c.png", picture(seed=3))]


@pytest.fixture(autouse=True)
def signed(settings):
    settings.S3_SIGNED_SECONDS = 300


@pytest.fixture
def s3():
    if not hasattr(default_storage, "bucket_name"):
        pytest.skip("needs an S3 store: make test-real")


@pytest.fixture
def sender(s3, dataset, api_as, run_jobs):
    return Sender(dataset, api_as(dataset.owner), run_jobs)


class Sender:
    """Announces, sends and completes over the API, as the page does."""

    def __init__(self, dataset, api, run_jobs):
        self.dataset, self.api, self.run_jobs = dataset, api, run_jobs
        self.url = f"/api/v1/datasets/{dataset.pk}/images/direct"

    def announce(self, files=PICTURES):
        return self.api.post(self.url, {"files": [{"filename": name, "size": len(data)} for name, data in files]})

    def put(self, answer, files=PICTURES):
        for place in answer.data["files"]:
            assert put(place["url"], files[place["number"] - 1][1]) == 200

    def complete(self, answer):
        """The ended job, where a worker is there."""
        with self.run_jobs():
            said = self.api.post(f"{self.url}/{answer.data['id']}/complete")
        assert said.status_code == 202
        return Job.objects.get(pk=answer.data["id"])

    def send(self, files=PICTURES):
        answer = self.announce(files)
        self.put(answer, files)
        return self.complete(answer)


def put(address, data):
    return requests.put(address, data, timeout=60).status_code


def numbers(rows):
    return [row["number"] for row in rows]


def test_what_was_sent_is_taken_in_as_what_was_uploaded(sender, dataset, alice):
    job = sender.send()
    assert (job.status, job.params["dataset_id"], job.error_message) == ("completed", dataset.pk, "")
    assert numbers(job.result["created"]) == [1, 2, 3]
    other = services.create_dataset(alice, "Other")
    services.add_images(other, [upload(name, data) for name, data in PICTURES])
    fields = ["filename", "sha256", "num_bytes", "width", "height", "source", "split", "signature", "brightness"]
    sent, uploaded = (list(one.images.order_by("filename").values_list(*fields)) for one in (dataset, other))
    assert [[*map(str, row)] for row in sent] == [[*map(str, row)] for row in uploaded]
    assert [image.file.read() for image in dataset.images.order_by("pk")] == [data for _, data in PICTURES]
    assert all(default_storage.exists(image.thumbnail.name) for image in dataset.images.all())
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.split_counts[""], len(dataset.cover)) == (3, 3, 3)
    assert not stored_files("jobs")


def test_each_file_has_its_own_answer_by_its_number(sender, dataset):
    known = services.add_images(dataset, [upload("known.png", seed=9)])["created"][0]
    files = [
        ("page.jpg", b"<html>"), ("again.png", picture(seed=9)), ("new.png", picture(seed=5)),
        ("twice.png", picture(seed=5)), ("lost.png", picture(seed=6)), ("empty.png", b""),
    ]  # fmt: skip
    answer = sender.announce(files)
    assert [(bad["number"], bad["reason"]) for bad in answer.data["rejected"]] == [(6, "The file is empty.")]
    assert numbers(answer.data["files"]) == [1, 2, 3, 4, 5]
    for place in answer.data["files"][:4]:
        put(place["url"], files[place["number"] - 1][1])
    found = sender.complete(answer).result
    new = dataset.images.get(filename="new.png")
    assert found["created"] == [{"number": 3, "filename": "new.png", "image_id": new.pk}]
    assert found["duplicates"] == [
        {"number": 2, "filename": "again.png", "image_id": known.pk},
        {"number": 4, "filename": "twice.png", "image_id": new.pk},
    ]
    assert numbers(found["rejected"]) == [1, 5]
    assert "JPEG, PNG, WebP, BMP, TIFF" in found["rejected"][0]["reason"]
    assert "did not come" in found["rejected"][1]["reason"]
    assert found["figures"] == {"images": 1, "already here": 2, "refused": 2}
    assert not stored_files("jobs")


def test_an_address_takes_this_file_of_this_length_and_nothing_else(sender):
    answer = sender.announce()
    address, data = answer.data["files"][0]["url"], PICTURES[0][1]
    assert parse_qs(urlsplit(address).query)["X-Amz-Expires"] == ["300"]
    for other in (data[:-1], data + b"x", b""):
        assert put(address, other) == 403
    job = Job.objects.get()
    folder = f"jobs/in/{job.pk}-{job.params['token']}"
    for name in (f"{folder}/2", "jobs/in/1", f"datasets/{job.params['dataset_id']}/images/x.png"):
        assert put(address.replace(f"{folder}/1?", f"{name}?"), data) == 403
    assert requests.get(address, timeout=60).status_code == 403
    assert requests.delete(address, timeout=60).status_code == 403
    assert not stored_files()


def test_an_expired_address_takes_nothing_and_the_file_is_announced_again(sender, settings, dataset):
    settings.S3_SIGNED_SECONDS = 1
    old = sender.announce()
    time.sleep(2.5)
    assert put(old.data["files"][0]["url"], PICTURES[0][1]) == 403
    settings.S3_SIGNED_SECONDS = 300
    assert numbers(sender.complete(old).result["rejected"]) == [1, 2, 3]
    assert numbers(sender.send().result["created"]) == [1, 2, 3]
    assert dataset.images.count() == 3


def test_completing_twice_is_as_good_as_once(sender, dataset):
    job = sender.send()
    again = sender.api.post(f"{sender.url}/{job.pk}/complete")
    assert (again.status_code, again.data["status"], again.data["result"]) == (202, "completed", job.result)
    assert dataset.images.count() == 3


def test_a_killed_worker_leaves_what_the_next_one_finds(sender, dataset, monkeypatch):
    """It dies after one of three batches: the next one says of every picture that it came in, each once."""
    monkeypatch.setattr(sent_images, "BATCH", 1)
    files = [*PICTURES, ("twice.png", PICTURES[0][1])]
    answer = sender.announce(files)
    sender.put(answer, files)
    sender.api.post(f"{sender.url}/{answer.data['id']}/complete")
    job = work.claim(Job, answer.data["id"])
    run = sent_images.Taking(job, dataset, lambda *said: None)
    first = next(iter(sent_images._batches(job.params["files"])))
    run._take({number: (name, run._look([number, name, size])) for number, name, size in first})
    dataset.refresh_from_db()
    assert (dataset.images.count(), dataset.num_images) == (1, 1)
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    work.give_back_stale(Job, 3)
    take_sent_images(job.pk)
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("completed", 2)
    assert numbers(job.result["created"]) == [1, 2, 3]
    assert numbers(job.result["duplicates"]) == [4]
    assert dataset.images.count() == 3
    with pytest.raises(work.WorkCancelled):  # the first one was not dead: it writes nothing more
        run._take({2: ("b.jpg", run._look(job.params["files"][1]))})
    assert not stored_files("jobs")


def test_what_is_put_there_after_the_end_is_swept(sender, dataset):
    answer = sender.announce()
    sender.put(answer)
    sender.complete(answer)
    sender.put(answer)
    assert len(stored_files("jobs")) == 3
    expire_job_files()
    assert not stored_files("jobs")
    assert all(default_storage.exists(image.file.name) for image in dataset.images.all())


def test_what_was_sent_and_never_completed_is_given_up_and_swept(sender):
    answer, later = sender.announce(), sender.announce()
    sender.put(answer)
    sender.put(later)
    expire_job_files()
    assert len(stored_files("jobs")) == 6
    Job.objects.filter(pk=answer.data["id"]).update(expires_at=timezone.now() - timedelta(seconds=1))
    expire_job_files()
    assert len(stored_files("jobs")) == 3
    assert Job.objects.get(pk=answer.data["id"]).status == "cancelled"
    gone = sender.api.post(f"{sender.url}/{answer.data['id']}/complete")
    assert (gone.status_code, "announce its files again" in gone.data["detail"]) == (410, True)
    Job.objects.filter(pk=later.data["id"]).delete()  # with its person, say
    expire_job_files()
    assert not stored_files("jobs")


def test_a_job_that_waits_keeps_its_files(sender, dataset):
    answer = sender.announce()
    sender.put(answer)
    sender.api.post(f"{sender.url}/{answer.data['id']}/complete")  # and no worker is there
    Job.objects.update(expires_at=timezone.now() - timedelta(days=1))
    expire_job_files()
    assert len(stored_files("jobs")) == 3


def test_a_cancelled_one_takes_in_nothing_more(sender, dataset):
    answer = sender.announce()
    sender.put(answer)
    assert sender.api.post(f"/api/v1/jobs/{answer.data['id']}/cancel").data["status"] == "cancelled"
    assert sender.api.post(f"{sender.url}/{answer.data['id']}/complete").status_code == 410
    expire_job_files()
    assert (dataset.images.count(), stored_files("jobs")) == (0, set())


def test_files_over_the_limits_are_refused_when_they_are_announced(sender, settings, alice):
    settings.MAX_IMAGE_BYTES = 2**20
    Quota.objects.create(person=alice, storage_mb=1)
    files = [("big.png", 2**20 + 1), ("first.png", 700_000), ("second.png", 400_000), ("third.png", 300_000)]
    files = [{"filename": name, "size": size} for name, size in files]
    answer = sender.api.post(sender.url, {"files": files})
    assert [(bad["number"], bad["filename"]) for bad in answer.data["rejected"]] == [(1, "big.png"), (3, "second.png")]
    assert "1 MB" in answer.data["rejected"][0]["reason"]
    assert "You have" in answer.data["rejected"][1]["reason"]
    assert numbers(answer.data["files"]) == [2, 4]
    full = sender.api.post(sender.url, {"files": files[1:3]})  # what is on its way takes room
    assert (full.status_code, "You have" in full.data["detail"]) == (413, True)
    assert sender.api.post(sender.url, {"files": files[:1]}).data["id"] is None
    assert Job.objects.count() == 1


def test_a_quota_that_was_filled_meanwhile_holds_and_duplicates_take_no_room(sender, alice, settings, dataset):
    services.add_images(dataset, [upload("known.png", PICTURES[0][1])])
    answer = sender.announce()
    sender.put(answer)
    Quota.objects.create(person=alice, storage_mb=1)
    DatasetImage.objects.update(num_bytes=2**20)
    found = sender.complete(answer).result
    assert numbers(found["duplicates"]) == [1]
    assert numbers(found["rejected"]) == [2, 3]
    assert "delete datasets" in found["rejected"][0]["reason"]
    assert dataset.images.count() == 1


def test_a_dataset_that_is_gone_takes_nothing(sender, dataset):
    answer = sender.announce()
    sender.put(answer)
    with sender.run_jobs():
        sender.api.post(f"{sender.url}/{answer.data['id']}/complete")
        services.delete_dataset(dataset)
    job = Job.objects.get()
    assert (job.status, job.error_message) == ("failed", "The dataset is gone.")
    assert not stored_files()


def test_many_that_are_never_sent_keep_nobody_from_sending(sender, monkeypatch):
    monkeypatch.setattr(sent_files, "MOST_OPEN", 2)
    ids = [sender.announce().data["id"] for _ in range(3)]
    assert list(Job.objects.order_by("pk").values_list("pk", "status")) == [
        (ids[0], "cancelled"), (ids[1], "paused"), (ids[2], "paused"),
    ]  # fmt: skip


def test_only_who_announced_completes(sender, dataset, api_as, bob, carol, operator):
    dataset.is_public = True
    dataset.save()
    answer = sender.announce()
    for user in (bob, carol, operator):
        assert api_as(user).post(f"{sender.url}/{answer.data['id']}/complete").status_code == 404
    assert api_as(bob).post(sender.url, {"files": [{"filename": "a", "size": 1}]}).status_code == 403
    assert Job.objects.get().status == "paused"


@pytest.mark.parametrize(
    "files",
    [
        [], None, "a", [{}], [{"filename": "a"}], [{"size": 1}], [{"filename": "a", "size": -1}],
        [{"filename": "a", "size": "many"}], [{"filename": "a", "size": 1, "sha": 2}], [["a", 1]],
        [{"filename": "a", "size": 1}] * 101, [{"filename": "x" * 1001, "size": 1}],
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_in_words(dataset, api_as, files):
    answer = api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/images/direct", {"files": files})
    assert (answer.status_code, list(answer.data)) == (400, ["files"])
    assert not Job.objects.exists()


def test_where_the_store_takes_none_they_come_here(dataset, api_as, settings):
    settings.S3_SIGNED_SECONDS = 0
    answer = api_as(dataset.owner).post(
        f"/api/v1/datasets/{dataset.pk}/images/direct", {"files": [{"filename": "a", "size": 1}]}
    )
    assert (answer.status_code, "do not go straight" in answer.data["detail"]) == (409, True)
    assert not Job.objects.exists()


def test_batches_are_bounded_by_number_and_by_bytes(monkeypatch):
    monkeypatch.setattr(sent_images, "BATCH", 3)
    monkeypatch.setattr(sent_images, "BATCH_BYTES", 100)
    sizes = [10, 10, 10, 10, 95, 200, 1]
    files = [[number, "a", size] for number, size in enumerate(sizes)]
    assert [[size for *_, size in batch] for batch in sent_images._batches(files)] == [[10] * 3, [10], [95], [200], [1]]
