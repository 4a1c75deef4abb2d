"""Who may: every page and every call of datasets, for five kinds of people, private and public."""

import pytest
from django.db import transaction

from apps.datasets import services
from apps.datasets.models import Dataset
from conftest import upload

READ, WRITE = "read", "write"
GALLERY = "/datasets/{d}/"
DOORS = [
    # method, path, what it needs, body, status for who may
    ("get", GALLERY, READ, None, 200),
    ("get", "/datasets/{d}/tiles", READ, None, 200),
    ("get", "/datasets/{d}/tiles/ids?size=9", READ, None, 200),
    ("get", "/datasets/{d}/facts", READ, None, 200),
    ("get", "/datasets/{d}/filter-choices", READ, None, 200),
    ("get", "/datasets/{d}/trash", WRITE, None, 200),
    ("post", "/datasets/{d}/trash/restore", WRITE, {"all": "1"}, 302),
    ("post", "/datasets/{d}/trash/purge", WRITE, {"all": "1"}, 302),
    ("get", "/datasets/{d}/images/{i}/file", READ, None, 200),
    ("get", "/datasets/{d}/images/{i}/thumbnail", READ, None, 200),
    ("get", "/api/v1/datasets/{d}", READ, None, 200),
    ("get", "/api/v1/datasets/{d}/images", READ, None, 200),
    ("get", "/api/v1/datasets/{d}/images?cursor=", READ, None, 200),
    ("get", "/api/v1/datasets/{d}/images/{i}", READ, None, 200),
    ("get", "/datasets/{d}/splits", READ, None, 200),
    ("get", "/datasets/{d}/health", READ, None, 200),
    ("get", "/datasets/{d}/health/duplicates", READ, None, 200),
    ("get", "/datasets/{d}/health/leaks", READ, None, 200),
    ("get", "/datasets/{d}/settings", WRITE, None, 200),
    ("post", "/datasets/{d}/settings", WRITE, {"name": "New"}, 302),
    ("post", "/datasets/{d}/split", WRITE, {"train": 100, "val": 0, "test": 0, "seed": 0}, 302),
    ("post", "/datasets/{d}/images/{i}/delete", WRITE, {}, 302),
    ("post", "/datasets/{d}/delete", WRITE, {}, 302),
    ("patch", "/api/v1/datasets/{d}", WRITE, {"name": "New"}, 200),
    ("delete", "/api/v1/datasets/{d}", WRITE, None, 204),
    ("post", "/api/v1/datasets/{d}/images", WRITE, "files", 201),
    ("patch", "/api/v1/datasets/{d}/images/{i}", WRITE, {"split": "val"}, 200),
    ("delete", "/api/v1/datasets/{d}/images/{i}", WRITE, None, 204),
    ("post", "/api/v1/datasets/{d}/images/bulk", WRITE, {"filter": {}, "action": "delete"}, 200),
    ("post", "/api/v1/datasets/{d}/split", WRITE, {"train": 1, "val": 0, "test": 0}, 202),
    ("post", "/api/v1/datasets/{d}/images/bulk", WRITE, {"filter": {}, "action": "tag", "tags": ["x"]}, 200),
    ("post", "/api/v1/datasets/{d}/images/bulk", WRITE, {"filter": {}, "action": "group", "group": "x"}, 200),
    ("post", "/api/v1/datasets/{d}/images/bulk", WRITE, {"filter": {}, "action": "restore"}, 200),
    ("post", "/api/v1/datasets/{d}/images/undo", WRITE, {"undo": 1}, 404),
    ("get", "/api/v1/datasets/{d}/trash", WRITE, None, 200),
    ("post", "/api/v1/datasets/{d}/trash/purge", WRITE, {"all": True}, 200),
]


def expected(who, public, need, path, done):
    if who == "nobody":
        return 401 if "/api/" in path or ("/images/" in path and "delete" not in path) else 302
    if not public:
        return 404
    return done if need == READ else 403


@pytest.fixture
def call(page_as, api_as):
    def send(user, method, path, body):
        if "/api/" not in path:
            return getattr(page_as(user), method)(path, body or {})
        if body == "files":
            return api_as(user).post(path, {"files": [upload(seed=9)]}, format="multipart")
        return getattr(api_as(user), method)(path, body)

    return send


def undone(ask, *asked):
    """The status of what is asked, and nothing of what it did: setting up a dataset costs more than asking."""
    with transaction.atomic():
        status = ask(*asked).status_code
        transaction.set_rollback(True)
    return status


@pytest.mark.parametrize("public", [False, True], ids=["private", "public"])
def test_each_door_opens_for_who_may(public, call, dataset, images, bob, operator, kept_connection):
    Dataset.objects.update(is_public=public)
    before = Dataset.objects.values().get(), list(dataset.images.order_by("pk").values())
    for method, path, need, body, done in DOORS:
        address = path.format(d=dataset.pk, i=images[0].pk)
        for who, user in [("nobody", None), ("other", bob)]:
            status = call(user, method, address, body).status_code
            assert status == expected(who, public, need, path, done), (who, method, path)
            assert (Dataset.objects.values().get(), list(dataset.images.order_by("pk").values())) == before, (who, path)
        for user in (dataset.owner, operator):
            assert undone(call, user, method, address, body) == done, (user.username, method, path)


@pytest.mark.parametrize("path", ["/datasets/", "/datasets/recent", "/datasets/new", "/api/v1/datasets"])
def test_nobody_sees_no_list(path, client, db):
    assert client.get(path).status_code == (401 if "api" in path else 302)
    assert client.post(path, {"name": "x", "task": "detect"}).status_code == (401 if "api" in path else 302)
    assert not Dataset.objects.exists()


def test_lists_of_an_outsider_do_not_name_a_private_dataset(dataset, bob, page_as):
    for path in ("/datasets/", "/datasets/recent", "/api/v1/datasets"):
        assert b"Cells" not in page_as(bob).get(path).content
        assert b"Cells" in page_as(dataset.owner).get(path).content


def test_absent_and_private_cannot_be_told_apart(dataset, images, bob, api_as, page_as):
    for path in ("", "/images", f"/images/{images[0].pk}"):
        private = api_as(bob).get(f"/api/v1/datasets/{dataset.pk}{path}")
        absent = api_as(bob).get(f"/api/v1/datasets/{dataset.pk + 1}{path}")
        assert (private.status_code, private.content) == (absent.status_code, absent.content)


def test_image_is_not_reached_through_another_dataset(dataset, images, bob, page_as, api_as):
    mine = services.create_dataset(bob, "Mine")
    path = f"/datasets/{mine.pk}/images/{images[0].pk}"
    for address in (f"{path}/file", f"{path}/thumbnail", f"/api/v1{path}"):
        assert page_as(bob).get(address).status_code == 404
    assert page_as(bob).post(f"{path}/delete").status_code == 404
    assert api_as(bob).delete(f"/api/v1{path}").status_code == 404
    assert dataset.images.count() == 6


def test_reader_sees_no_button_that_changes(dataset, images, bob, page_as):
    Dataset.objects.update(is_public=True)
    page = page_as(bob).get(f"/datasets/{dataset.pk}/").content.decode()
    assert 'id="upload"' not in page
    assert "/delete" not in page
    assert 'id="upload"' in page_as(dataset.owner).get(f"/datasets/{dataset.pk}/").content.decode()


@pytest.mark.parametrize("path", ["delete", "split", "images/{i}/delete", "trash/restore", "trash/purge"])
def test_what_changes_needs_a_post(path, dataset, images, page_as):
    address = f"/datasets/{dataset.pk}/{path.format(i=images[0].pk)}"
    assert page_as(dataset.owner).get(address).status_code == 405
    assert dataset.images.count() == 6
