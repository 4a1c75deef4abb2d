import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from apps.annotations.models import Annotation, Revision
from apps.annotations.services import labels
from apps.annotations.services.labels import save_labels, shown_labels
from apps.datasets import services as datasets
from conftest import box, upload

ANNOTATION = {
    "id", "class_id", "class_name", "x_center", "y_center", "width", "height", "points", "confidence", "source",
}  # fmt: skip


def put(api, url, revision, *items, **more):
    return api.put(url, {"revision": revision, "annotations": list(items), **more})


def counts(dataset, image):
    """What the rows say of an image, its dataset, and the boxes that are there."""
    image.refresh_from_db(fields=["state", "is_labeled", "num_boxes", "revision"])
    dataset.refresh_from_db(fields=["num_labeled"])
    assert image.num_boxes == image.annotations.count()
    return image.revision, image.state, image.is_labeled, image.num_boxes, dataset.num_labeled


# --- read and write -----------------------------------------------------------------------------------------
def test_unlabelled_image_has_an_empty_set_of_revision_zero(owner, url):
    body = {"revision": 0, "state": "unlabelled", "is_labeled": False, "class_keys": [0, 1], "annotations": []}
    assert owner.get(url).json() == body


def test_save_answers_the_new_revision_and_every_label_with_its_id(owner, url, dataset, image):
    answer = put(owner, url, 0, box(1, confidence=0.5, source="model"), box(0, x=0.2))
    assert answer.status_code == 200
    body = answer.json()
    assert (body["revision"], body["state"], body["is_labeled"]) == (1, "labelled", True)
    assert all(set(row) == ANNOTATION for row in body["annotations"])
    first, second = body["annotations"]
    assert (first["class_name"], first["confidence"], first["source"]) == ("white", 0.5, "model")
    assert (second["class_name"], second["x_center"], second["source"]) == ("red", 0.2, "manual")
    assert owner.get(url).json() == body
    assert counts(dataset, image) == (1, "labelled", True, 2, 1)


def test_save_keeps_ids_adds_what_is_new_and_removes_what_is_not_there(owner, url, image, alice):
    kept, changed, _ = put(owner, url, 0, box(), box(x=0.3), box(x=0.7)).json()["annotations"]
    after = put(owner, url, 1, kept, {**changed, "class_id": 1}, box(y=0.2)).json()
    ids = [row["id"] for row in after["annotations"]]
    assert ids[:2] == [kept["id"], changed["id"]]
    assert len(ids) == 3
    assert after["annotations"][1]["class_name"] == "white"
    last = Revision.objects.get(image=image, number=2)
    assert (last.added, last.changed, last.removed, last.num_annotations, last.author) == (1, 1, 1, 3, alice)
    assert shown_labels(image.dataset, last.annotations) == after["annotations"]


def test_changed_label_keeps_the_time_it_was_made(owner, url):
    (row,) = put(owner, url, 0, box()).json()["annotations"]
    made = Annotation.objects.get().created_at
    put(owner, url, 1, {**row, "x_center": 0.4})
    assert (Annotation.objects.get().created_at, Annotation.objects.get().x_center) == (made, 0.4)


def test_same_set_again_changes_no_label(owner, url, image):
    rows = put(owner, url, 0, box(x=0.05, width=0.10008), box(points=[[0.1, 0.1], [0.4, 0.2], [0, 1]])).json()
    again = put(owner, url, 1, *rows["annotations"]).json()
    assert again["annotations"] == rows["annotations"]
    last = Revision.objects.get(image=image, number=2)
    assert (last.added, last.changed, last.removed) == (0, 0, 0)


def test_deleted_label_that_comes_back_is_a_new_one(owner, url):
    (row,) = put(owner, url, 0, box()).json()["annotations"]
    put(owner, url, 1)
    (back,) = put(owner, url, 2, row).json()["annotations"]
    assert back["id"] != row["id"]
    assert back["x_center"] == row["x_center"]


def test_post_adds_one_label_or_a_list(owner, url, dataset, image):
    assert owner.post(url, box(id=99)).status_code == 201
    answer = owner.post(url, [box(1), box(1, x=0.3)])
    assert answer.status_code == 201
    assert [row["class_id"] for row in answer.json()["annotations"]] == [0, 1, 1]
    assert counts(dataset, image) == (2, "labelled", True, 3, 1)


def test_post_names_a_bad_label_by_its_place_in_what_was_sent(owner, url):
    owner.post(url, [box(), box()])
    answer = owner.post(url, [box(), box(7)])
    assert answer.status_code == 400
    assert answer.json()["annotations"][0].startswith("Label 2: class_id 7")


def test_post_of_an_empty_list_is_refused(owner, url, dataset, image):
    assert owner.post(url, []).status_code == 400
    assert counts(dataset, image) == (0, "unlabelled", False, 0, 0)


def test_patch_changes_one_label_and_nothing_else_of_it(owner, url, dataset, image):
    first, second = put(owner, url, 0, box(confidence=0.7, source="model"), box(x=0.3)).json()["annotations"]
    one = f"/api/v1/datasets/{dataset.pk}/annotations/{first['id']}"
    answer = owner.patch(one, {"class_id": 1, "width": 0.1, "id": second["id"], "class_name": "green"})
    assert answer.status_code == 200
    assert answer.json()["revision"] == 2
    assert answer.json()["annotations"] == [{**first, "class_id": 1, "class_name": "white", "width": 0.1}, second]


@pytest.mark.parametrize("change", [{"width": -1}, {"class_id": 9}, [], "x", 7, {"source": "magic"}, {"points": [1]}])
def test_bad_patch_is_refused_and_changes_nothing(owner, url, dataset, image, change):
    (row,) = put(owner, url, 0, box()).json()["annotations"]
    answer = owner.patch(f"/api/v1/datasets/{dataset.pk}/annotations/{row['id']}", change)
    assert answer.status_code == 400
    assert answer.json()["annotations"]
    assert owner.get(url).json()["revision"] == 1


def test_patch_of_a_polygons_box_is_refused_until_its_points_go(owner, url, dataset):
    points = [[0.1, 0.1], [0.5, 0.1], [0.1, 0.7]]
    (row,) = put(owner, url, 0, box(points=points)).json()["annotations"]
    one = f"/api/v1/datasets/{dataset.pk}/annotations/{row['id']}"
    assert owner.patch(one, {"x_center": 0.4}).status_code == 400
    assert owner.patch(one, {"class_id": 1}).json()["annotations"][0]["points"] == points
    changed = owner.patch(one, {"x_center": 0.4, "points": None}).json()["annotations"][0]
    assert (changed["points"], changed["x_center"]) == (None, 0.4)


def test_delete_takes_one_label_and_leaves_the_image_labelled(owner, url, dataset, image):
    first, second = put(owner, url, 0, box(), box(x=0.3)).json()["annotations"]
    for row in (first, second):
        one = f"/api/v1/datasets/{dataset.pk}/annotations/{row['id']}"
        assert owner.delete(one).status_code == 204
        assert owner.delete(one).status_code == 404
    assert counts(dataset, image) == (3, "labelled", True, 0, 1)


# --- state and counts ---------------------------------------------------------------------------------------
def test_counts_follow_every_edit(owner, url, dataset, image):
    put(owner, url, 0, labeled=False)
    assert counts(dataset, image) == (1, "unlabelled", False, 0, 0)
    put(owner, url, 1)
    assert counts(dataset, image) == (2, "labelled", True, 0, 1)
    put(owner, url, 2, box(), box(x=0.3), labeled=False)
    assert counts(dataset, image) == (3, "labelled", True, 2, 1)
    put(owner, url, 3, labeled=False)
    assert counts(dataset, image) == (4, "unlabelled", False, 0, 0)


def test_edit_of_a_reviewed_image_takes_its_review_back(owner, url, dataset, image):
    put(owner, url, 0, box())
    dataset.images.filter(pk=image.pk).update(state="reviewed")
    put(owner, url, 1, box())
    assert counts(dataset, image) == (2, "labelled", True, 1, 1)


# --- conflicts ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("revision", [0, 2, 10**6, 2**31, 2**63, 10**40])
def test_stale_or_future_revision_is_a_conflict_that_shows_what_is_there(owner, url, dataset, image, revision):
    there = put(owner, url, 0, box()).json()
    answer = put(owner, url, revision, box(1), box(1, x=0.3))
    assert answer.status_code == 409
    body = answer.json()
    assert {name: body[name] for name in there} == there
    last = Revision.objects.get()
    assert body["author"] == "alice"
    assert body["saved_at"] == last.created_at.isoformat().replace("+00:00", "Z")
    assert "Nothing was overwritten" in body["detail"]
    assert counts(dataset, image) == (1, "labelled", True, 1, 1)


def test_conflict_with_a_revision_whose_author_is_gone_still_shows_the_set(owner, url, image, bob):
    save_labels(image, 0, [box()], bob)
    bob.delete()
    body = put(owner, url, 0).json()
    assert body["author"] is None
    assert len(body["annotations"]) == 1


def test_image_deleted_while_its_labels_are_saved_is_not_found(owner, url, dataset, image, monkeypatch):
    def late(*args):
        datasets.purge_images(dataset, dataset.images.all())
        return []

    monkeypatch.setattr(labels, "clean_labels", late)
    assert put(owner, url, 0).status_code == 404
    assert put(owner, url, 7).status_code == 404


# --- bad input ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "body",
    [
        '{"revision": 0, "annotations": [{"class_id": 0, "x_center": NaN, "y_center": 0.5, "width": 1, "height": 1}]}',
        '{"revision": 0, "annotations": [{"class_id": 0, "x_center": 1e999, "y_center": 1, "width": 1, "height": 1}]}',
        '{"revision": 0, "annotations": [{"class_id": 0, "x_center": -Infinity, "y": 1, "width": 1, "height": 1}]}',
        '{"revision": 0, "annotations": ' + "[" * 500 + "]" * 500 + "}",
        '{"revision": 0, "annotations": ' + "[" * 100_000 + "]" * 100_000 + "}",
        '{"revision": 0, "annotations": [' + "9" * 5000 + "]}",
        '{"revision": ' + "9" * 5000 + ', "annotations": []}',
        '{"revision": 0, "annotations": [{"class_id": ' + "9" * 400 + "}]}",
        '{"revision": 0, "annotations": null}',
        '{"revision": 0, "annotations": {}}',
        '{"revision": 0, "annotations": "boxes"}',
        '{"revision": 0, "annotations": [null]}',
        '{"revision": 0, "annotations": [[]]}',
        '{"revision": 0, "annotations": ["\\u0000"]}',
        '{"revision": 0, "annotations": [{"class_id": "\\ud800"}]}',
        '{"revision": 0}',
        '{"annotations": []}',
        '{"revision": null, "annotations": []}',
        '{"revision": true, "annotations": []}',
        '{"revision": -1, "annotations": []}',
        '{"revision": 0.5, "annotations": []}',
        '{"revision": [0], "annotations": []}',
        '{"revision": 0, "annotations": [], "labeled": "perhaps"}',
        '{"revision": 0, "annotations": [], "labeled": []}',
        "[]", "7", "null", '"text"', "{", "", "\x00",
    ],
)  # fmt: skip
def test_hostile_body_is_refused_with_the_reason_and_changes_nothing(owner, url, dataset, image, body):
    answer = owner.put(url, body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()
    assert counts(dataset, image) == (0, "unlabelled", False, 0, 0)
    assert owner.post(url, body, content_type="application/json").status_code == 400


def test_one_bad_label_leaves_all_labels_as_they_were(owner, url, dataset, image):
    before = put(owner, url, 0, box()).json()
    answer = put(owner, url, 1, box(1), box(1, width=-1))
    assert answer.status_code == 400
    assert answer.json() == {"annotations": ["Label 2: width -1 must be more than 0."]}
    assert owner.get(url).json() == before
    assert Revision.objects.count() == 1


def test_too_many_labels_are_refused(owner, url, settings):
    settings.MAX_BOXES_PER_IMAGE = 3
    assert put(owner, url, 0, *[box()] * 3).status_code == 200
    for answer in (put(owner, url, 1, *[box()] * 4), owner.post(url, box())):
        assert answer.status_code == 400
        assert "at most 3" in answer.json()["annotations"][0]


def test_a_hundred_thousand_and_one_labels_are_refused(owner, url):
    answer = put(owner, url, 0, *[box()] * 100_001)
    assert answer.status_code == 400
    assert "100001 labels" in answer.json()["annotations"][0]


def test_same_id_twice_is_refused(owner, url):
    (row,) = put(owner, url, 0, box()).json()["annotations"]
    answer = put(owner, url, 1, row, row)
    assert answer.status_code == 400
    assert "twice" in answer.json()["annotations"][0]


def test_label_of_another_image_is_refused_and_stays_where_it_is(owner, url, images, dataset, alice):
    images[1].dataset = dataset
    _, (foreign,) = save_labels(images[1], 0, [box()], alice)
    answer = put(owner, url, 0, box(id=foreign.pk))
    assert answer.status_code == 400
    assert f"id {foreign.pk} is not one of this image" in str(answer.json())
    assert Annotation.objects.get().image_id == images[1].pk
    assert owner.get(url).json()["revision"] == 0


def test_image_and_label_of_another_dataset_are_not_found(owner, url, alice, image):
    other = datasets.create_dataset(alice, "Other", class_names=["red"])
    (row,) = put(owner, url, 0, box()).json()["annotations"]
    elsewhere = f"/api/v1/datasets/{other.pk}"
    assert put(owner, f"{elsewhere}/images/{image.pk}/annotations", 1).status_code == 404
    assert owner.get(f"{elsewhere}/images/{image.pk}/annotations").status_code == 404
    assert owner.patch(f"{elsewhere}/annotations/{row['id']}", {"class_id": 0}).status_code == 404
    assert owner.delete(f"{elsewhere}/annotations/{row['id']}").status_code == 404
    assert owner.get(url).json()["annotations"] == [row]


def test_dataset_without_classes_says_to_add_one_first(owner, alice):
    bare = datasets.create_dataset(alice, "Bare")
    (image,) = datasets.add_images(bare, [upload()])["created"]
    answer = put(owner, f"/api/v1/datasets/{bare.pk}/images/{image.pk}/annotations", 0, box())
    assert answer.status_code == 400
    assert "add a class first" in str(answer.json())


@pytest.mark.parametrize("number", [2**63, 10**40])
def test_ids_too_large_for_the_database_are_not_found(owner, dataset, image, number):
    base = f"/api/v1/datasets/{dataset.pk}"
    for path in (f"images/{number}/annotations", f"images/{image.pk}/revisions/{number}", f"versions/{number}"):
        assert owner.get(f"{base}/{path}").status_code == 404
    assert owner.get(f"/api/v1/datasets/{number}/classes").status_code == 404
    assert owner.delete(f"{base}/annotations/{number}").status_code == 404
    assert owner.patch(f"{base}/classes/{number}", {"name": "x"}).status_code == 404
    assert owner.post(f"{base}/images/{image.pk}/revisions/{number}/restore", {"revision": 0}).status_code == 404


# --- cost and concurrency -----------------------------------------------------------------------------------
def queries_of(do):
    with CaptureQueriesContext(connection) as queries:
        answer = do()
    assert answer.status_code == 200, answer.json()
    return len(queries), answer.json()["annotations"]


def test_save_makes_the_same_number_of_queries_for_one_box_and_for_300(owner, dataset, images):
    def cost(image, number):
        url = f"/api/v1/datasets/{dataset.pk}/images/{image.pk}/annotations"
        added, rows = queries_of(lambda: put(owner, url, 0, *[box(x=0.2 + n / 1000) for n in range(2 * number)]))
        rows = [{**row, "y_center": 0.4} for row in rows[:number]]
        new = [box(y=0.6)] * number
        gone = [{**row, "id": row["id"] + 10**6} for row in rows]
        return added, queries_of(lambda: put(owner, url, 1, *rows, *new, *gone))[0]

    few, many = cost(images[0], 1), cost(images[1], 300)
    assert few == many
    assert max(many) < 25


def test_eight_threads_saving_at_once_lose_no_accepted_save(threads_database, dataset, image, alice, url):
    def work(name):
        api, accepted, refused, revision = APIClient(), [], 0, 0
        api.force_authenticate(alice)
        try:
            for number in range(5):
                answer = put(api, url, revision, box(confidence=(name * 10 + number) / 100))
                assert answer.status_code in (200, 409), answer.content
                body = answer.json()
                if answer.status_code == 200:
                    accepted.append((body["revision"], body["annotations"]))
                refused += answer.status_code == 409
                revision = body["revision"]
            return accepted, refused
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(work, range(8)))
    accepted = dict(save for saves, _ in done for save in saves)
    assert sum(len(saves) for saves, _ in done) == len(accepted) >= 5
    assert len(accepted) + sum(refused for _, refused in done) == 40
    assert sorted(accepted) == list(range(1, len(accepted) + 1))
    rows = Revision.objects.filter(image=image)
    kept = {row.number: json.loads(json.dumps(shown_labels(dataset, row.annotations))) for row in rows}
    assert kept == accepted
    assert counts(dataset, image) == (len(accepted), "labelled", True, 1, 1)
