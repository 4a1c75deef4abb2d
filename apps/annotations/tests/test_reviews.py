"""Labels accepted, or sent back with a note."""

import pytest

from apps.annotations.models import Review
from apps.annotations.services.labels import save_labels
from apps.datasets.models import DatasetImage
from conftest import box


@pytest.fixture
def labelled(image, alice):
    save_labels(image, 0, [box()], alice)
    return image


@pytest.fixture
def review(owner, image):
    def call(action, revision=1, **more):
        address = f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/review"
        return owner.post(address, {"action": action, "revision": revision, **more}, format="json")

    return call


def state_of(image):
    return DatasetImage.objects.get(pk=image.pk).state


@pytest.mark.parametrize(("action", "state"), [("accept", "reviewed"), ("send_back", "needs_work")])
def test_a_review_moves_the_state_and_is_kept_with_its_note(owner, review, labelled, action, state):
    answer = review(action, note="look <b>again</b>")
    assert (answer.status_code, answer.json()["state"], state_of(labelled)) == (200, state, state)
    found = owner.get(f"/api/v1/datasets/{labelled.dataset_id}/images/{labelled.pk}/review").json()
    said = [(one["action"], one["note"], one["reviewer"], one["revision"]) for one in found["reviews"]]
    assert (found["state"], said) == (state, [(action, "look <b>again</b>", "alice", 1)])


def test_reviews_are_listed_newest_first_in_a_constant_number_of_queries(
    owner, review, labelled, django_assert_num_queries
):
    for n in range(30):
        review("accept" if n % 2 else "send_back", note=str(n))
    with django_assert_num_queries(3):
        found = owner.get(f"/api/v1/datasets/{labelled.dataset_id}/images/{labelled.pk}/review").json()["reviews"]
    assert [one["note"] for one in found] == [str(n) for n in range(29, -1, -1)]


def test_a_review_of_labels_that_changed_meanwhile_is_refused_with_what_is_there_now(review, labelled, bob):
    save_labels(labelled, 1, [box(1)], bob)
    answer = review("accept", revision=1)
    assert answer.status_code == 409
    body = answer.json()
    assert (body["revision"], body["author"], body["annotations"][0]["class_name"]) == (2, "bob", "white")
    assert state_of(labelled) == "labelled"
    assert not Review.objects.exists()


def test_an_unlabelled_image_has_nothing_to_review(review, image):
    answer = review("accept", revision=0)
    assert (answer.status_code, state_of(image)) == (400, "unlabelled")
    assert "not labelled yet" in str(answer.json())


def test_a_change_after_a_review_makes_the_image_labelled_again(review, labelled, alice):
    review("accept")
    labelled.refresh_from_db()
    save_labels(labelled, 1, [box(1)], alice)
    assert state_of(labelled) == "labelled"


@pytest.mark.parametrize("state", ["reviewed", "needs_work"])
def test_the_filter_knows_the_state(owner, review, labelled, images, state):
    review("accept" if state == "reviewed" else "send_back")
    found = owner.get(f"/api/v1/datasets/{labelled.dataset_id}/images?state={state}").json()["results"]
    assert [row["id"] for row in found] == [labelled.pk]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"revision": 1}, "action"),
        ({"action": "praise", "revision": 1}, "action"),
        ({"action": "accept"}, "revision"),
        ({"action": "accept", "revision": -1}, "revision"),
        ({"action": "accept", "revision": 1, "note": "x" * 2001}, "note"),
    ],
)
def test_a_review_that_says_nothing_usable_is_refused(owner, labelled, body, field):
    address = f"/api/v1/datasets/{labelled.dataset_id}/images/{labelled.pk}/review"
    answer = owner.post(address, body, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])


def test_a_reviewer_who_left_is_nobody_by_name(owner, review, labelled, operator):
    Review.objects.create(image=labelled, revision=1, reviewer=operator, action="accept")
    operator.delete()
    found = owner.get(f"/api/v1/datasets/{labelled.dataset_id}/images/{labelled.pk}/review").json()["reviews"]
    assert [one["reviewer"] for one in found] == [None]
