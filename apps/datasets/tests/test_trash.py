"""The trash: apart from everything, brought back whole, and files that go only when nothing needs them."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core.models import Job
from apps.datasets import services, tasks
from apps.datasets.models import DatasetImage, ImageChange
from conftest import upload


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """`with committed():` what waits for the commit runs at its end."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def one(dataset, name):
    return DatasetImage.all_objects.filter(dataset=dataset, filename=name)


def trash(dataset, *names, **values):
    return services.trash_images(dataset, dataset.images.filter(filename__in=names), dataset.owner, **values)


def make_version(dataset, api_as):
    """A version of the dataset as it is now, as the API tells it."""
    answer = api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/versions")
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


def stored(image):
    return default_storage.exists(image.file.name), default_storage.exists(image.thumbnail.name)


def test_what_is_in_the_trash_is_in_no_list_no_count_and_no_version(ready_dataset, api_as):
    dataset = ready_dataset
    assert trash(dataset, "0.png", "4.png") == 2
    assert (dataset.num_images, dataset.num_labeled, dataset.num_boxes, dataset.num_trashed) == (4, 4, 4, 2)
    assert dataset.split_counts == {"train": 3, "val": 1, "test": 0, "": 0}
    api = api_as(dataset.owner)
    for path in ("images", "images?cursor=", "images?class_id=0"):
        names = {row["filename"] for row in api.get(f"/api/v1/datasets/{dataset.pk}/{path}").json()["results"]}
        assert names
        assert not names & {"0.png", "4.png"}
    assert make_version(dataset, api_as)["num_images"] == 4
    gone = one(dataset, "0.png").get()
    for path in ("", "/annotations"):
        assert api.get(f"/api/v1/datasets/{dataset.pk}/images/{gone.pk}{path}").status_code == 404


def test_restored_images_have_their_labels_tags_and_splits(ready_dataset):
    dataset = ready_dataset
    services.tag_images(dataset, dataset.images.filter(filename="5.png"), ["night"])
    trash(dataset, "5.png", "0.png")
    assert services.restore_images(dataset, services.trashed_images(dataset)) == (2, [])
    image = dataset.images.get(filename="5.png")
    assert (image.split, image.num_boxes, image.tag_names) == ("val", 1, ["night"])
    assert image.annotations.count() == 1
    assert (dataset.num_images, dataset.num_trashed) == (6, 0)


def test_same_bytes_in_the_dataset_again_refuse_the_one_in_the_trash_in_words(dataset, images):
    data = images[0].file.read()
    trash(dataset, "0.png")
    again = services.add_images(dataset, [upload("again.png", data)])["created"][0]
    assert again.pk != images[0].pk
    assert again.file.name == images[0].file.name
    count, refused = services.restore_images(dataset, services.trashed_images(dataset))
    assert (count, [row["filename"] for row in refused]) == (0, ["0.png"])
    assert "again" in refused[0]["reason"]
    assert dataset.images.get(sha256=again.sha256).pk == again.pk


def test_same_bytes_twice_in_the_trash_bring_the_newest_back(dataset, images):
    data = images[0].file.read()
    trash(dataset, "0.png")
    services.add_images(dataset, [upload("again.png", data)])
    trash(dataset, "again.png")
    count, refused = services.restore_images(dataset, services.trashed_images(dataset))
    assert (count, [row["filename"] for row in refused]) == (1, ["0.png"])
    assert dataset.images.get(sha256=images[0].sha256).filename == "again.png"


def test_file_goes_with_the_last_row_that_has_its_bytes(dataset, images, committed):
    data = images[0].file.read()
    trash(dataset, "0.png")
    services.add_images(dataset, [upload("again.png", data)])
    with committed():
        assert services.purge_images(dataset, services.trashed_images(dataset)) == 1
    assert stored(images[0]) == (True, True)
    trash(dataset, "again.png")
    with committed():
        services.purge_images(dataset, services.trashed_images(dataset))
    assert stored(images[0]) == (False, False)


@pytest.mark.parametrize("first", ["0.png", "again.png"])
def test_file_of_a_version_stays_whichever_of_two_rows_goes_first(first, ready_dataset, api_as, committed):
    dataset = ready_dataset
    image = dataset.images.get(filename="0.png")
    data = image.file.read()
    trash(dataset, "0.png")
    services.add_images(dataset, [upload("again.png", data)])
    make_version(dataset, api_as)
    trash(dataset, "again.png")
    for name in sorted(["0.png", "again.png"], key=lambda name: name != first):
        with committed():
            assert services.purge_images(dataset, one(dataset, name)) == 1
    assert stored(image) == (True, False)


def test_row_that_comes_back_beside_its_twin_in_the_trash_takes_its_file_along_in_the_end(dataset, images, committed):
    """The file was there when the bytes came again, but for the trash, not for a version."""
    data = images[0].file.read()
    trash(dataset, "0.png")
    again = services.add_images(dataset, [upload("again.png", data)])["created"][0]
    assert not again.in_version
    with committed():
        services.purge_images(dataset, DatasetImage.all_objects.filter(sha256=again.sha256))
    assert stored(again) == (False, False)


def test_trash_is_emptied_after_its_days_and_not_before(dataset, images, settings, committed):
    settings.TRASH_DAYS = 30
    now = timezone.now()
    trash(dataset, "0.png", moment=now - timedelta(days=30, minutes=1))
    trash(dataset, "1.png", moment=now - timedelta(days=29, hours=23))
    with committed():
        tasks.empty_trash()
    assert [image.filename for image in services.trashed_images(dataset)] == ["1.png"]
    assert (stored(images[0]), stored(images[1])) == ((False, False), (True, True))
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.num_trashed) == (4, 1)


def test_many_are_purged_by_a_job_that_leaves_what_was_deleted_later(
    dataset, images, monkeypatch, committed, run_tasks_at_once
):
    monkeypatch.setattr("apps.datasets.services.trash.PURGED_AT_ONCE", 1)
    monkeypatch.setattr("apps.datasets.services.trash.CHUNK", 2)
    trash(dataset, "0.png", "1.png", "2.png")
    with committed():
        count, job = services.purge_from_trash(dataset.owner, dataset)
        assert (count, services.trashed_images(dataset).count()) == (0, 3)
        trash(dataset, "3.png")
    assert Job.objects.get(pk=job.pk).status == "completed"
    assert [image.filename for image in services.trashed_images(dataset)] == ["3.png"]
    services.run_purge(Job.objects.get(pk=job.pk), lambda *said: None)
    assert services.trashed_images(dataset).count() == 1


def test_image_restored_while_a_purge_runs_stays(dataset, images, monkeypatch):
    monkeypatch.setattr("apps.datasets.services.trash.CHUNK", 1)
    trash(dataset, "0.png", "1.png")
    restore = lambda *said: services.restore_images(dataset, services.trashed_images(dataset))  # noqa: E731
    assert services.purge_images(dataset, services.trashed_images(dataset), restore) == 1
    assert dataset.images.count() == 5


def test_undo_brings_back_exactly_what_that_change_deleted(dataset, images, bob):
    trash(dataset, "0.png")
    answer = services.change_images(
        dataset, dataset.images.filter(filename__in=["1.png", "2.png"]), dataset.owner, "delete"
    )
    assert answer["count"] == 2
    services.trash_images(dataset, dataset.images.filter(filename="3.png"), bob)
    assert services.undo_change(ImageChange.objects.get(pk=answer["undo"])) == (2, [])
    assert {image.filename for image in services.trashed_images(dataset)} == {"0.png", "3.png"}


def test_undo_of_a_split_leaves_what_was_moved_since(ready_dataset):
    dataset = ready_dataset
    answer = services.change_images(dataset, dataset.images.all(), dataset.owner, "split", split="test")
    assert (answer["count"], dataset.split_counts["test"]) == (6, 6)
    services.set_split(dataset, dataset.images.filter(filename="0.png"), "")
    change = ImageChange.objects.get(pk=answer["undo"])
    assert services.undo_change(change) == (5, [])
    assert dict(dataset.images.values_list("filename", "split")) == {
        "0.png": "", "1.png": "train", "2.png": "train", "3.png": "train", "4.png": "val", "5.png": "val",
    }  # fmt: skip
    assert services.undo_change(change) == (0, [])


def test_a_change_can_be_taken_back_for_a_day(dataset, images):
    answer = services.change_images(dataset, dataset.images.all(), dataset.owner, "delete")
    ImageChange.objects.filter(pk=answer["undo"]).update(created_at=timezone.now() - timedelta(hours=25))
    tasks.empty_trash()
    assert not ImageChange.objects.exists()
    assert services.trashed_images(dataset).count() == 6


def test_trash_page_shows_who_and_when_and_restores_the_chosen(dataset, images, page_as):
    trash(dataset, "0.png", "1.png", "2.png")
    browser, address = page_as(dataset.owner), f"/datasets/{dataset.pk}/trash"
    page = browser.get(address).content.decode()
    assert "by alice" in page
    assert "30 days left" in page or "29 days left" in page
    assert f'href="{address}"' in browser.get(f"/datasets/{dataset.pk}/").content.decode()
    browser.post(f"{address}/restore", {"ids": [images[0].pk, "x", "9" * 30]})
    assert {image.filename for image in services.trashed_images(dataset)} == {"1.png", "2.png"}
    browser.post(f"{address}/purge", {"ids": [images[1].pk, images[5].pk]})
    assert DatasetImage.all_objects.filter(dataset=dataset).count() == 5
    browser.post(f"{address}/restore", {"all": "1"})
    assert dataset.images.count() == 5


def test_purging_nothing_deletes_nothing(dataset, images, page_as, api_as):
    trash(dataset, "0.png")
    page_as(dataset.owner).post(f"/datasets/{dataset.pk}/trash/purge")
    for data in ({}, {"all": False}, {"ids": []}, {"all": True, "ids": [1]}, {"everything": True}):
        answer = api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/trash/purge", data)
        assert answer.status_code == (200 if data == {"ids": []} else 400), data
    assert services.trashed_images(dataset).count() == 1


def test_thumbnail_in_the_trash_is_for_those_who_may_change_the_dataset(dataset, images, page_as, bob):
    dataset.is_public = True
    dataset.save()
    trash(dataset, "0.png")
    path = f"/datasets/{dataset.pk}/images/{images[0].pk}/thumbnail"
    assert page_as(dataset.owner).get(path).status_code == 200
    assert page_as(bob).get(path).status_code == 404


def test_trash_over_the_api(dataset, images, api_as):
    api, address = api_as(dataset.owner), f"/api/v1/datasets/{dataset.pk}"
    trash(dataset, "0.png", "1.png")
    rows = api.get(f"{address}/trash").json()["results"]
    assert [(row["filename"], row["deleted_by"]) for row in rows] == [("1.png", "alice"), ("0.png", "alice")]
    answer = api.post(f"{address}/images/bulk", {"action": "restore", "filter": {"search": "0.png"}}).json()
    assert answer == {"count": 1, "undo": None, "refused": []}
    assert api.post(f"{address}/images/bulk", {"action": "restore", "ids": [images[2].pk]}).json()["count"] == 0
    assert api.post(f"{address}/trash/purge", {"all": True}).json()["count"] == 1
    assert dataset.images.count() == 5
