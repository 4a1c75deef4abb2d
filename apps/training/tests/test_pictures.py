"""What one sees of a training: which images are watched, what of it is kept, and who is shown it."""

import io
import itertools

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from PIL import Image

from apps.datasets.models import DatasetImage
from apps.datasets.services import delete_dataset, trash_images
from apps.training.models import TrainingEpoch, TrainingJob, TrainingWatch
from apps.training.services.pictures import (
    KEPT,
    WATCHED,
    choose_images,
    epochs_to_keep,
    forget_looks,
    keep_look,
    keep_picture,
    watch_of,
)

BOX = [0, 0.75, 0.5, 0.5, 0.2, 0.1]


def entry(number, *keys, split="val", labeled=True):
    return {
        "sha256": f"{number:064x}",
        "split": split,
        "labeled": labeled,
        "boxes": [[key, 0.5, 0.5, 0.2, 0.2] for key in keys],
    }


@pytest.fixture
def job(ready_dataset, alice):
    from apps.annotations.services.versions import create_version

    version, _ = create_version(ready_dataset, alice)
    return TrainingJob.objects.create(
        user=alice, dataset=ready_dataset, dataset_version=version, name="A", model_type="yolov8n", epochs=10,
        batch_size=4, img_size=64, patience=5, status="running",
    )  # fmt: skip


def picture(tmp_path, color, number=1):
    file = tmp_path / "batch-1.jpg"
    Image.new("RGB", (32, 32), color).save(file)
    return {"kind": "batch", "number": number, "epoch": 1, "images": 8, "tiles": 8, "file": str(file)}


def test_the_rarest_classes_choose_the_watched_images_first():
    common = [entry(n, 0) for n in range(20)]
    chosen = choose_images([*common, entry(30, 0, 5), entry(31, 3, 3), entry(32)], [0, 3, 5])
    assert len(chosen) == WATCHED
    assert [int(one["sha256"], 16) for one in chosen[:4]] == [31, 30, 0, 1]


def test_images_of_other_splits_and_without_review_are_not_watched_and_empty_ones_come_last():
    entries = [entry(1), entry(2, 0, split="train"), entry(3, 0, labeled=False), entry(4, 0)]
    assert [int(one["sha256"], 16) for one in choose_images(entries, [0])] == [4, 1]


def test_the_watch_is_chosen_once_and_its_labels_stay_those_of_the_version(job):
    watch = watch_of(job)
    DatasetImage.objects.filter(dataset=job.dataset).update(split="train")
    again = watch_of(job)
    assert (again.pk, again.images) == (watch.pk, watch.images)
    assert watch.images
    assert all(len(label) == 5 for image in watch.images for label in image["labels"])
    assert [one["name"] for one in watch.classes] == job.dataset.class_names


@pytest.mark.parametrize("newest", [1, 50, 51, 100, 101, 300, 9999])
def test_looks_that_are_kept_are_few_and_evenly_spread(newest):
    kept = sorted(epochs_to_keep(newest, best=min(37, newest)))
    assert len(kept) <= KEPT + 2
    assert {1, newest, min(37, newest)} <= set(kept)
    assert max(b - a for a, b in itertools.pairwise(kept)) <= 2 * newest / KEPT + 1 if newest > 1 else True


def test_a_long_training_keeps_its_first_best_and_newest_look_among_few(job):
    TrainingEpoch.objects.bulk_create(
        TrainingEpoch(job=job, epoch=n, metrics={"is_best": n in (1, 60)}) for n in range(1, 121)
    )
    for epoch in range(1, 121):
        keep_look(job, epoch, [])
    kept = list(job.looks.values_list("epoch", flat=True))
    assert {1, 60, 120} <= set(kept)
    assert len(kept) <= KEPT + 2
    assert max(b - a for a, b in itertools.pairwise(kept)) <= 4


def test_epochs_that_are_learned_again_are_looked_at_again(job):
    for epoch in (1, 2, 3):
        keep_look(job, epoch, [])
    forget_looks(job, 2)
    keep_look(job, 2, [[BOX]])
    keep_look(job, 2, [[BOX]])
    assert list(job.looks.values_list("epoch", "found")) == [(1, []), (2, [[BOX]])]


@pytest.mark.django_db(transaction=True)
def test_a_picture_that_is_drawn_again_takes_the_place_of_the_first(job, tmp_path):
    keep_picture(job, picture(tmp_path, "red"))
    first = job.pictures.get().file.name
    keep_picture(job, picture(tmp_path, "red"))
    assert job.pictures.get().file.name == first
    keep_picture(job, picture(tmp_path, "blue"))
    second = job.pictures.get().file.name
    assert (default_storage.exists(first), default_storage.exists(second)) == (False, True)


@pytest.mark.django_db(transaction=True)
def test_pictures_go_with_their_dataset(job, tmp_path):
    keep_picture(job, picture(tmp_path, "red"))
    name = job.pictures.get().file.name
    delete_dataset(job.dataset)
    assert not default_storage.exists(name)


@pytest.mark.django_db(transaction=True)
def test_pictures_go_with_a_job_that_the_operator_deletes(job, tmp_path, page_as, operator):
    keep_picture(job, picture(tmp_path, "red"))
    name = job.pictures.get().file.name
    answer = page_as(operator).post(reverse("admin:training_trainingjob_delete", args=[job.pk]), {"post": "yes"})
    assert answer.status_code == 302
    assert not default_storage.exists(name)


def test_the_api_tells_what_was_found_with_the_labels_of_the_version(api_as, alice, job):
    watch = watch_of(job)
    keep_look(job, 1, [[BOX]] + [None] * (len(watch.images) - 1))
    api = api_as(alice)
    assert api.get(f"/api/v1/training/{job.pk}/looks").json() == {
        "epochs": [1], "best_epoch": None, "least_confidence": 0.05,
    }  # fmt: skip
    told = api.get(f"/api/v1/training/{job.pk}/looks/images").json()
    assert [image["sha256"] for image in told["images"]] == [image["sha256"] for image in watch.images]
    assert told["images"][0]["state"] == "present"
    assert api.get(told["images"][0]["url"]).status_code == 200
    assert set(told["images"][0]["labels"][0]) == {"class_id", "x_center", "y_center", "width", "height"}
    look = api.get(f"/api/v1/training/{job.pk}/looks/1").json()
    assert look["images"][0]["found"] == [
        {"class_id": 0, "confidence": 0.75, "x_center": 0.5, "y_center": 0.5, "width": 0.2, "height": 0.1}
    ]
    assert api.get(f"/api/v1/training/{job.pk}/looks/2").status_code == 404


def test_a_watched_image_in_the_trash_or_deleted_is_told_as_such(api_as, alice, job):
    first = watch_of(job).images[0]["sha256"]
    row = DatasetImage.objects.filter(dataset=job.dataset, sha256=first)
    trash_images(job.dataset, row, alice)
    address = f"/api/v1/training/{job.pk}/looks/images"
    told = api_as(alice).get(address).json()["images"][0]
    assert (told["state"], told["url"]) == ("trashed", None)
    DatasetImage.all_objects.filter(dataset=job.dataset, sha256=first).delete()
    assert api_as(alice).get(address).json()["images"][0]["state"] == "gone"


def test_a_job_without_pictures_yet_answers_empty(api_as, alice, job):
    api = api_as(alice)
    assert api.get(f"/api/v1/training/{job.pk}/looks").json()["epochs"] == []
    assert api.get(f"/api/v1/training/{job.pk}/looks/images").json() == {"classes": [], "images": []}
    assert api.get(f"/api/v1/training/{job.pk}/batches").json() == []


@pytest.mark.django_db(transaction=True)
def test_the_picture_of_a_batch_is_shown_to_who_may_see_job_and_dataset(api_as, alice, bob, carol, job, tmp_path):
    keep_picture(job, picture(tmp_path, "red"))
    keep_look(job, 1, [])
    TrainingWatch.objects.create(job=job, classes=[], images=[])
    base = f"/api/v1/training/{job.pk}"
    (told,) = api_as(alice).get(f"{base}/batches").json()
    answer = api_as(alice).get(told["url"])
    assert answer["Content-Type"] == "image/jpeg"
    assert "immutable" in answer["Cache-Control"]
    assert Image.open(io.BytesIO(b"".join(answer))).size == (32, 32)
    assert "immutable" not in api_as(alice).get(told["url"].split("?")[0])["Cache-Control"]
    doors = [f"{base}/looks", f"{base}/looks/images", f"{base}/looks/1", f"{base}/batches", told["url"]]
    for person in (bob, carol):
        assert {api_as(person).get(door).status_code for door in doors} == {404}
    assert {api_as(alice).get(door).status_code for door in doors} == {200}
    job.dataset.owner = carol  # a dataset that was given away is not to be seen through an old job
    job.dataset.is_public = False
    job.dataset.save()
    assert {api_as(alice).get(door).status_code for door in doors} == {404}


def test_the_number_of_queries_is_the_same_for_one_watched_image_and_for_many(
    api_as, alice, job, django_assert_num_queries
):
    watch = watch_of(job)
    api, address = api_as(alice), f"/api/v1/training/{job.pk}/looks/images"
    with django_assert_num_queries(4):
        api.get(address)
    watch.images = watch.images[:1]
    watch.save()
    with django_assert_num_queries(4):
        api.get(address)
