"""Statistics and validation of a dataset."""

import io

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from apps.annotations.models import Annotation
from apps.annotations.services import validation, windows
from apps.annotations.services.labels import save_labels
from apps.datasets import services as datasets
from apps.datasets.services import add_images
from conftest import box, picture, upload


def statistics(api, dataset):
    return api.get(f"/api/v1/datasets/{dataset.pk}/statistics").json()


def problems(api, dataset, run_tasks_at_once, capture):
    with capture(execute=True):
        job = api.post(f"/api/v1/datasets/{dataset.pk}/validate").json()
    done = api.get(f"/api/v1/jobs/{job['id']}").json()
    assert done["status"] == "completed", done
    return [(p["kind"], p["file"]) for p in done["result"]["problems"]]


def test_statistics_count_images_boxes_classes_and_splits(api_as, alice, ready_dataset):
    found = statistics(api_as(alice), ready_dataset)
    assert (found["images"], found["labeled"], found["boxes"], found["without_boxes"]) == (6, 6, 6, 0)
    assert [(row["class_id"], row["class_name"], row["boxes"], row["images"]) for row in found["classes"]] == [
        (0, "red", 3, 3), (1, "white", 3, 3),
    ]  # fmt: skip
    splits = {row["split"]: (row["images"], row["boxes"]) for row in found["splits"]}
    assert splits == {"train": (4, 4), "val": (2, 2), "test": (0, 0), "": (0, 0)}


def test_boxes_are_counted_by_size_and_shape_in_pixels(api_as, alice, dataset, images):
    image = images[0]  # 64 × 48 px
    image.dataset = dataset
    save_labels(image, 0, [box(width=0.1, height=0.1), box(width=1, height=1), box(width=1, height=0.1)], alice)
    found = statistics(api_as(alice), dataset)
    assert {row["range"]: row["boxes"] for row in found["box_sizes"] if row["boxes"]} == {
        "to 16²": 1,
        "to 32²": 1,
        "to 96²": 1,
    }
    shapes = {row["range"]: row["boxes"] for row in found["box_shapes"] if row["boxes"]}
    assert shapes == {"5:4 to 2:1": 2, "above 2:1": 1}


def test_a_sound_dataset_has_no_problem(
    api_as, alice, ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks
):
    assert problems(api_as(alice), ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks) == []


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda d, i: d.images.filter(split="val").update(split="train"), ("empty split", "")),
        (lambda d, i: Annotation.objects.filter(class_key=1).delete(), ("class absent from train", "")),
        (lambda d, i: i.annotations.update(x_center=1.5), ("box outside the image", "0.png")),
        (lambda d, i: i.annotations.update(width=0), ("zero-size box", "0.png")),
        (lambda d, i: i.annotations.update(class_key=9), ("class out of range", "0.png")),
        (lambda d, i: default_storage.delete(i.file.name), ("unreadable file", "0.png")),
        (lambda d, i: cut_short(i), ("unreadable file", "0.png")),
        (lambda d, i: Annotation.objects.create(**double(i.annotations.get())), ("duplicate box", "0.png")),
    ],
)
def test_each_kind_of_problem_is_found_on_its_image(
    api_as, alice, ready_dataset, images, run_tasks_at_once, django_capture_on_commit_callbacks, spoil, expected
):
    spoil(ready_dataset, images[0])
    found = problems(api_as(alice), ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks)
    assert expected in found


def test_all_problems_are_counted_by_kind_though_not_all_are_named(ready_dataset, monkeypatch):
    monkeypatch.setattr(validation, "MOST_OF_A_KIND", 2)
    Annotation.objects.all().update(width=0, x_center=2)
    found = validation.Validation(ready_dataset, lambda *_: None).run()
    assert dict(found.kinds) == {"box outside the image": 6, "zero-size box": 6}
    assert (found.count, len(found.named)) == (12, 4)
    assert found.named[0]["image_id"] == ready_dataset.images.order_by("pk")[0].pk


def test_small_windows_find_what_one_window_finds(ready_dataset, images, monkeypatch):
    Annotation.objects.create(**double(images[3].annotations.get()))
    default_storage.delete(images[5].file.name)
    whole = validation.Validation(ready_dataset, lambda *_: None).run()
    monkeypatch.setattr(windows, "IMAGES_A_WINDOW", 2)
    monkeypatch.setattr(windows, "BOXES_A_WINDOW", 1)
    assert validation.Validation(ready_dataset, lambda *_: None).run().named == whole.named
    assert dict(whole.kinds) == {"duplicate box": 1, "unreadable file": 1}


def test_the_same_picture_in_other_bytes_is_found_unless_it_is_flat(alice, dataset):
    striped = io.BytesIO()
    Image.effect_noise((64, 48), 90).save(striped, "PNG")
    again = io.BytesIO()
    Image.open(striped).save(again, "PNG", compress_level=1)
    flat = [picture(color="gray"), picture(color="gray", compress_level=1)]
    files = [*flat, striped.getvalue(), again.getvalue()]
    assert len(set(files)) == 4
    made = add_images(dataset, [upload(f"{n}.png", data) for n, data in enumerate(files)])["created"]
    assert len(made) == 4
    dataset.refresh_from_db()
    found = [row for row in validation.Validation(dataset, lambda *_: None).run().named if row["file"]]
    assert [(row["file"], row["reason"]) for row in found] == [
        ("3.png", "duplicate image: The same picture as “2.png”."),
    ]  # fmt: skip


def test_images_in_the_trash_have_no_problems(ready_dataset, images):
    Annotation.objects.filter(image=images[0]).update(width=0)
    ready_dataset.images.filter(pk=images[0].pk).update(deleted_at=timezone.now())
    assert validation.Validation(ready_dataset, lambda *_: None).run().named == []


def cut_short(image):
    with default_storage.open(image.file.name, "rb") as file:
        data = file.read()
    default_storage.delete(image.file.name)
    default_storage.save(image.file.name, ContentFile(data[:-9]))


def double(row):
    names = ("image_id", "class_key", "x_center", "y_center", "width", "height")
    return {name: getattr(row, name) for name in names}


def test_an_outsider_gets_neither(api_as, carol, ready_dataset):
    assert api_as(carol).get(f"/api/v1/datasets/{ready_dataset.pk}/statistics").status_code == 404
    assert api_as(carol).post(f"/api/v1/datasets/{ready_dataset.pk}/validate").status_code == 404


def test_the_card_on_the_health_page_tells_the_last_validation(
    page_as, api_as, alice, carol, ready_dataset, images, run_tasks_at_once, django_capture_on_commit_callbacks
):
    path = f"/datasets/{ready_dataset.pk}/validation-card"
    assert b"Look for problems" in page_as(alice).get(path).content
    images[0].annotations.update(width=0)
    problems(api_as(alice), ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks)
    card = page_as(alice).get(path).content
    assert b"problem</strong> found" in card
    assert b"has changed since" not in card
    datasets.touch(ready_dataset)
    assert b"has changed since" in page_as(alice).get(path).content
    assert page_as(carol).get(path).status_code == 404
