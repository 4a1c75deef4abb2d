"""The operator's tables: searchable, and a door to the same services as every other."""

import pytest
from django.contrib import admin
from django.core.files.storage import default_storage

from apps.datasets.models import Dataset, PendingDeletion

OURS = [model._meta for model in admin.site._registry if model._meta.app_label in ("core", "accounts", "datasets")]


@pytest.fixture
def desk(operator, page_as):
    """The operator's browser."""
    return page_as(operator)


@pytest.mark.parametrize("meta", OURS, ids=[meta.model_name for meta in OURS])
def test_every_table_opens_and_can_be_searched(meta, desk, images):
    for query in ("", "?q=cells", "?q=%00"):
        assert desk.get(f"/admin/{meta.app_label}/{meta.model_name}/{query}").status_code == 200


def test_tables_are_the_operators_alone(alice, page_as):
    assert page_as(alice).get("/admin/datasets/dataset/").status_code == 302


def test_dataset_deleted_at_the_desk_takes_its_files_along(desk, dataset, images, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"/admin/datasets/dataset/{dataset.pk}/delete/", {"post": "yes"})
    assert not Dataset.objects.exists()
    assert not default_storage.exists(images[0].file.name)


def test_images_deleted_at_the_desk_go_to_the_trash_and_from_there_for_good(
    desk, dataset, images, django_capture_on_commit_callbacks
):
    ids = [images[0].pk, images[1].pk]
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(f"/admin/datasets/datasetimage/{images[2].pk}/delete/", {"post": "yes"})
        desk.post(
            "/admin/datasets/datasetimage/",
            {"action": "delete_selected", "_selected_action": ids, "post": "yes"},
        )
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.images.count(), dataset.num_trashed) == (3, 3, 3)
    table = "/admin/datasets/datasetimage/"
    assert b"0.png" in desk.get(f"{table}?deleted_at__isempty=0").content
    desk.post(table, {"action": "restore", "_selected_action": [images[2].pk]})
    with django_capture_on_commit_callbacks(execute=True):
        desk.post(table, {"action": "purge", "_selected_action": [image.pk for image in images]})
    dataset.refresh_from_db()
    assert (dataset.num_images, dataset.num_trashed) == (4, 0)
    assert not any(default_storage.exists(image.file.name) for image in images[:2])
    assert all(default_storage.exists(image.file.name) for image in images[2:])


def test_operator_adds_a_person_who_can_sign_in(desk, client):
    data = {"username": "dora", "email": "dora@example.org", "usable_password": "true"}
    password = {"password1": "correct horse 9", "password2": "correct horse 9"}
    assert desk.post("/admin/accounts/user/add/", data | password).status_code == 302
    answer = client.post("/account/sign-in", {"username": "dora", "password": "correct horse 9"})
    assert answer.status_code == 302


def test_files_to_delete_are_the_platforms_to_name(desk):
    note = PendingDeletion.objects.create(name="somebody/else.jpg")
    for path in ("add/", f"{note.pk}/delete/"):
        assert desk.post(f"/admin/datasets/pendingdeletion/{path}", {"name": "a.jpg", "post": "yes"}).status_code == 403
    assert list(PendingDeletion.objects.all()) == [note]


def test_what_hangs_together_in_a_dataset_cannot_be_typed_at_the_desk(desk, dataset, images, bob):
    dataset.refresh_from_db()
    kept = ("owner_id", "task", "class_names", "class_keys", "next_class_key", "split_counts", "num_boxes", "cover")
    before = {name: getattr(dataset, name) for name in kept}
    sent = {
        "owner": bob.pk, "task": "segment", "class_names": '["x"]', "class_keys": "[7]", "next_class_key": 9,
        "split_counts": "{}", "num_boxes": 5, "cover": "[1]", "name": "Renamed", "description": "By the operator",
    }  # fmt: skip
    address = f"/admin/datasets/dataset/{dataset.pk}/change/"
    assert desk.post(address, sent).status_code == 302
    dataset.refresh_from_db()
    assert {name: getattr(dataset, name) for name in kept} == before
    assert (dataset.name, dataset.description) == ("Renamed", "By the operator")
    assert f"/datasets/{dataset.pk}/transfer-to" in desk.get(address).content.decode()
    assert desk.get("/admin/datasets/dataset/add/").status_code == 403
    row = f"/admin/datasets/datasetimage/{images[0].pk}/change/"
    assert desk.get(row).status_code == 200
    assert desk.post(row, {"split": "val"}).status_code == 403
