"""How far the labelling is, by state and by person; and how many revisions are kept."""

import pytest

from apps.annotations.models import Revision
from apps.annotations.services.labels import save_labels
from apps.annotations.services.progress import prune_old_revisions
from apps.annotations.services.reviews import review_image
from apps.annotations.services.statistics import who_labelled
from conftest import box


@pytest.fixture
def shared(dataset, images, alice, bob):
    """Alice labelled three images, one of them reviewed; bob changed one of hers and did one of his own."""
    for row in images:
        row.dataset = dataset
    for row in images[:3]:
        save_labels(row, 0, [box()], alice)
    save_labels(images[2], 1, [box(1)], bob)
    save_labels(images[3], 0, [], bob)
    review_image(images[0], 1, bob, "accept")
    return dataset


def test_images_are_counted_by_state_and_by_who_labelled_them_last(shared):
    found = who_labelled(shared)
    assert dict(found["states"]) == {"unlabelled": 2, "labelled": 3, "reviewed": 1, "needs_work": 0}
    assert sorted(found["people"]) == [
        ("alice", {"labelled": 1, "reviewed": 1}, 2),
        ("bob", {"labelled": 2}, 2),
    ]


def test_the_page_shows_the_counts_and_people_as_text(page_as, shared, alice, bob):
    type(bob).objects.filter(pk=bob.pk).update(username="<i>bob")
    seen = page_as(alice).get(f"/datasets/{shared.pk}/labelling-progress").content.decode()
    assert "&lt;i&gt;bob" in seen
    assert "<i>bob" not in seen


def test_a_review_is_counted_at_once(page_as, shared, images, alice):
    page_as(alice).get(f"/datasets/{shared.pk}/labelling-progress")
    review_image(images[1], 1, alice, "send_back", "too wide")
    shared.refresh_from_db()
    assert dict(who_labelled(shared)["states"]) == {"unlabelled": 2, "labelled": 2, "reviewed": 1, "needs_work": 1}


def test_who_left_is_counted_under_one_name(shared, bob):
    bob.delete()
    names = [name for name, *_ in who_labelled(shared)["people"]]
    assert sorted(names) == ["alice", "someone who left"]


@pytest.fixture
def history(image, alice):
    """Thirty revisions of one image, three of another."""
    for number in range(30):
        save_labels(image, number, [box()], alice)
    return image


@pytest.mark.parametrize(("wanted", "kept"), [(0, 30), (1, 20), (20, 20), (25, 25), (40, 30)])
def test_at_least_the_newest_twenty_revisions_are_kept(history, images, alice, settings, wanted, kept):
    settings.REVISIONS_KEPT = wanted
    images[1].dataset = history.dataset
    for number in range(3):
        save_labels(images[1], number, [box()], alice)
    assert prune_old_revisions() == 30 - kept
    numbers = Revision.objects.filter(image=history).values_list("number", flat=True)
    assert sorted(numbers) == list(range(31 - kept, 31))
    assert Revision.objects.filter(image=images[1]).count() == 3
    assert prune_old_revisions() == 0


def test_work_goes_on_after_pruning(history, owner, alice, settings):
    settings.REVISIONS_KEPT = 20
    prune_old_revisions()
    save_labels(history, 30, [], alice)
    address = f"/api/v1/datasets/{history.dataset_id}/images/{history.pk}/revisions"
    assert owner.get(address).json()["revisions"][0]["number"] == 31
    assert owner.get(f"{address}/5").status_code == 404
    assert owner.post(f"{address}/11/restore", {"revision": 31}, format="json").status_code == 200
