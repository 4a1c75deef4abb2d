import pytest

from apps.annotations.services.labels import save_labels
from conftest import box


@pytest.fixture
def history(image, alice, bob):
    """Three revisions: a box of alice's, two of bob's, none of alice's."""
    _, rows = save_labels(image, 0, [box()], alice)
    save_labels(image, 1, [box(id=rows[0].pk, x=0.4), box(1, x=0.2)], bob)
    save_labels(image, 2, [], alice)
    return f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/revisions"


def test_list_says_who_changed_what_newest_first(owner, history):
    rows = owner.get(history).json()["revisions"]
    said = [(r["number"], r["author"], r["num_annotations"], r["added"], r["changed"], r["removed"]) for r in rows]
    assert said == [(3, "alice", 0, 0, 0, 2), (2, "bob", 2, 1, 1, 0), (1, "alice", 1, 1, 0, 0)]
    assert all(row["kind"] == "edit" and row["created_at"] for row in rows)
    assert "annotations" not in rows[0]


def test_list_makes_the_same_number_of_queries_for_one_revision_and_for_50(
    owner, image, alice, history, django_assert_num_queries
):
    for number in range(3, 50):
        save_labels(image, number, [], alice)
    with django_assert_num_queries(3):
        assert len(owner.get(history).json()["revisions"]) == 50


def test_detail_shows_the_labels_as_that_save_left_them(owner, history):
    body = owner.get(f"{history}/2").json()
    assert (body["number"], body["author"]) == (2, "bob")
    assert [(a["class_name"], a["x_center"]) for a in body["annotations"]] == [("red", 0.4), ("white", 0.2)]


def test_unknown_revision_is_not_found(owner, history):
    assert owner.get(f"{history}/4").status_code == 404
    answer = owner.post(f"{history}/4/restore", {"revision": 3})
    assert answer.status_code == 404
    assert "no revision 4" in answer.json()["detail"]


def test_restore_is_a_new_revision(owner, history, image, dataset):
    answer = owner.post(f"{history}/2/restore", {"revision": 3})
    assert answer.status_code == 200
    assert answer.json()["revision"] == 4
    assert [a["x_center"] for a in answer.json()["annotations"]] == [0.4, 0.2]
    newest = owner.get(history).json()["revisions"][0]
    assert (newest["number"], newest["kind"], newest["author"], newest["added"]) == (4, "restore", "alice", 2)
    dataset.refresh_from_db()
    assert dataset.num_labeled == 1


def test_restore_keeps_the_ids_of_labels_that_are_still_there(owner, image, alice):
    _, rows = save_labels(image, 0, [box(), box(x=0.3)], alice)
    save_labels(image, 1, [box(id=rows[0].pk, x=0.6)], alice)
    url = f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/revisions/1/restore"
    back = owner.post(url, {"revision": 2}).json()["annotations"]
    assert back[0]["id"] == rows[0].pk
    assert [a["x_center"] for a in back] == [0.5, 0.3]


def test_restore_takes_the_name_that_the_class_has_now(owner, history, dataset):
    owner.patch(f"/api/v1/datasets/{dataset.pk}/classes/1", {"name": "leukocyte"})
    answer = owner.post(f"{history}/2/restore", {"revision": 3})
    assert [a["class_name"] for a in answer.json()["annotations"]] == ["red", "leukocyte"]


@pytest.mark.parametrize("revision", [2, 4, 2**63])
def test_stale_restore_is_a_conflict_and_changes_nothing(owner, history, revision):
    answer = owner.post(f"{history}/1/restore", {"revision": revision})
    assert answer.status_code == 409
    assert (answer.json()["revision"], answer.json()["annotations"]) == (3, [])
    assert len(owner.get(history).json()["revisions"]) == 3


@pytest.mark.parametrize(
    "body", [{}, {"revision": None}, {"revision": True}, {"revision": [3]}, {"revision": -1}, [], 7]
)
def test_restore_without_the_revision_that_is_seen_is_refused(owner, history, body):
    assert owner.post(f"{history}/1/restore", body).status_code == 400
