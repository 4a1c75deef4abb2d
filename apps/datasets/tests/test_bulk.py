"""Many images at once: deleted or moved by ids or by filter, and never more than was meant."""

import pytest

from apps.datasets import services
from conftest import upload


@pytest.fixture
def bulk(dataset, api_as):
    """`bulk(**data)`: alice's call for her dataset."""
    return lambda **data: api_as(dataset.owner).post(f"/api/v1/datasets/{dataset.pk}/images/bulk", data)


def test_delete_by_ids(dataset, images, bulk):
    response = bulk(ids=[images[0].pk, images[2].pk, 999_999], action="delete")
    assert (response.status_code, response.json()["count"]) == (200, 2)
    assert [image.filename for image in dataset.images.all()] == ["1.png", "3.png", "4.png", "5.png"]
    dataset.refresh_from_db()
    assert dataset.num_images == 4


def test_split_by_ids(dataset, images, bulk):
    assert bulk(ids=[images[1].pk], action="split", split="test").json()["count"] == 1
    assert [image.split for image in dataset.images.all()] == ["", "test", "", "", "", ""]
    assert bulk(ids=[images[1].pk], action="split", split="").json()["count"] == 1
    assert not dataset.images.exclude(split="").exists()


@pytest.mark.parametrize(
    ("filter", "count"),
    [
        ({"split": "train"}, 4), ({"class_id": 0}, 3), ({"class_id": "0", "split": "val"}, 1), ({"labeled": False}, 0),
        ({"labeled": True}, 6), ({"labeled": "false"}, 0), ({"search": "3.png"}, 1), ({}, 6),
    ],
)  # fmt: skip
def test_filter_chooses_the_same_images_for_both_actions(filter, count, ready_dataset, bulk):
    assert bulk(filter=filter, action="split", split="test").json()["count"] == count
    assert ready_dataset.images.filter(split="test").count() == count
    ready_dataset.images.update(split="train")
    ready_dataset.images.filter(filename__gt="4").update(split="val")
    assert bulk(filter=filter, action="delete").json()["count"] == count
    assert ready_dataset.images.count() == 6 - count


def test_images_of_another_dataset_stay(dataset, images, alice, bulk):
    other = services.create_dataset(alice, "Other")
    foreign = services.add_images(other, [upload(seed=90)])["created"][0]
    assert bulk(ids=[foreign.pk], action="delete").json()["count"] == 0
    assert bulk(ids=[foreign.pk], action="split", split="val").json()["count"] == 0
    foreign.refresh_from_db()
    assert foreign.split == ""


@pytest.mark.parametrize(
    "data",
    [
        {"action": "delete"},
        {"ids": [1], "filter": {}, "action": "delete"},
        {"ids": [1], "action": "explode"},
        {"ids": [1]},
        {"ids": [1], "action": "split"},
        {"ids": [1], "action": "split", "split": "valid"},
        {"ids": "all", "action": "delete"},
        {"ids": [None], "action": "delete"},
        {"ids": [-1], "action": "delete"},
        {"ids": {"gt": 0}, "action": "delete"},
        {"ids": [10**30], "action": "delete"},
        {"ids": list(range(1, 10_002)), "action": "delete"},
        {"filter": {"split": "valid"}, "action": "delete"},
        {"filter": {"splt": "val"}, "action": "delete"},
        {"filter": {"labeled": "perhaps"}, "action": "delete"},
        {"filter": {"labeled": None}, "action": "delete"},
        {"filter": {"class_id": [0]}, "action": "delete"},
        {"filter": {"search": "a\x00"}, "action": "delete"},
        {"filter": "everything", "action": "delete"},
        {"filter": None, "action": "delete"},
        {"ids": None, "action": "delete"},
    ],
)
def test_call_that_is_not_understood_changes_nothing(data, dataset, images, bulk):
    response = bulk(**data)
    assert response.status_code == 400
    assert response.json()
    assert dataset.images.filter(split="").count() == 6


def test_ten_thousand_ids_are_taken(dataset, images, bulk):
    ids = [image.pk for image in images] + list(range(100_000, 109_994))
    assert bulk(ids=ids, action="delete").json()["count"] == 6
