"""The kept statistics: exact for small datasets, counted by a job for large ones, the same by every door."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.annotations.models import Annotation, Revision
from apps.annotations.services import windows
from apps.annotations.services.labels import save_labels
from apps.annotations.services.statistics import dataset_statistics, kept
from apps.annotations.services.statistics.counting import count_dataset
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.datasets.models import DatasetReport
from conftest import box, upload

LARGE = {"SMALL_IMAGES": 0, "SMALL_BOXES": 0}


@pytest.fixture
def large(monkeypatch):
    """Every dataset counts as large."""
    for name, value in LARGE.items():
        monkeypatch.setattr(kept, name, value)


def statistics(api, dataset):
    answer = api.get(f"/api/v1/datasets/{dataset.pk}/statistics")
    assert answer.status_code == 200
    return answer.json()


def test_a_small_dataset_is_exact_after_each_change(api_as, alice, ready_dataset, images):
    api = api_as(alice)
    before = statistics(api, ready_dataset)
    assert (before["boxes"], before["is_current"], before["counting"]) == (6, True, None)
    image = ready_dataset.images.get(pk=images[0].pk)
    save_labels(image, image.revision, [box(), box(1), box(1)], alice)
    after = statistics(api, ready_dataset)
    assert (after["boxes"], after["is_current"]) == (8, True)
    assert after["computed_at"] > before["computed_at"]


def test_nothing_is_counted_again_while_nothing_changes(api_as, alice, ready_dataset):
    first, second = (statistics(api_as(alice), ready_dataset)["computed_at"] for _ in range(2))
    assert first == second


def test_images_that_go_are_not_counted(api_as, alice, ready_dataset, images):
    datasets.purge_images(ready_dataset, ready_dataset.images.filter(pk=images[0].pk))
    found = statistics(api_as(alice), ready_dataset)
    assert (found["images"], found["boxes"], found["classes"][0]["boxes"]) == (5, 5, 2)


def test_boxes_and_images_are_counted_by_class_and_split(ready_dataset):
    rows = dataset_statistics(ready_dataset)["classes"]
    assert rows[0]["splits"] == {
        "train": {"images": 2, "boxes": 2}, "val": {"images": 1, "boxes": 1}, "test": {"images": 0, "boxes": 0},
        "": {"images": 0, "boxes": 0},
    }  # fmt: skip


def test_small_windows_give_what_one_window_gives(ready_dataset, monkeypatch):
    whole = count_dataset(ready_dataset)
    monkeypatch.setattr(windows, "IMAGES_A_WINDOW", 2)
    monkeypatch.setattr(windows, "BOXES_A_WINDOW", 2)
    assert count_dataset(ready_dataset) == whole


def test_labels_of_other_datasets_between_them_are_not_counted(alice, dataset, images, api_as):
    other = datasets.create_dataset(alice, "Other", class_names=["red"])
    (between,) = datasets.add_images(other, [upload("x.png", seed=77)])["created"]
    (last,) = datasets.add_images(dataset, [upload("y.png", seed=78)])["created"]
    between.dataset, last.dataset = other, dataset
    save_labels(between, 0, [box()] * 3, alice)
    save_labels(last, 0, [box(1)], alice)
    dataset.refresh_from_db()
    assert [row["boxes"] for row in dataset_statistics(dataset)["classes"]] == [0, 1]


def test_a_large_dataset_is_counted_by_one_job(
    large, api_as, alice, ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks
):
    api = api_as(alice)
    with django_capture_on_commit_callbacks() as sent:
        first, second = (statistics(api, ready_dataset) for _ in range(2))
    assert first["computed_at"] is None
    assert (first["images"], first["classes"], first["co_occurrence"]) == (6, None, None)
    assert second["counting"]["status"] == "pending"
    assert Job.objects.filter(kind="statistics").count() == 1
    for send in sent:
        send()
    counted = statistics(api, ready_dataset)
    assert (counted["is_current"], counted["boxes"], counted["counting"]) == (True, 6, None)


def test_a_large_dataset_shows_what_was_counted_and_what_changed_since(large, api_as, alice, ready_dataset, images):
    kept.recount(ready_dataset)
    image = ready_dataset.images.get(pk=images[0].pk)
    save_labels(image, image.revision, [box(), box(), box()], alice)
    datasets.refresh_counts(ready_dataset)
    found = statistics(api_as(alice), ready_dataset)
    assert (found["boxes"], found["is_current"], found["changes"]) == (6, False, {"images": 0, "boxes": 2})
    assert not Job.objects.filter(kind="statistics").exists(), "it would be counted all the time"
    DatasetReport.objects.update(computed_at=timezone.now() - timedelta(minutes=1))
    assert statistics(api_as(alice), ready_dataset)["counting"]["status"] == "pending"


def test_a_count_that_failed_is_not_tried_at_once_and_says_so(large, api_as, alice, ready_dataset):
    statistics(api_as(alice), ready_dataset)
    Job.objects.update(status="failed", completed_at=timezone.now(), error_message="The disk is full.")
    found = statistics(api_as(alice), ready_dataset)
    assert (found["counting"]["status"], found["counting"]["error"]) == ("failed", "The disk is full.")
    Job.objects.update(completed_at=timezone.now() - timedelta(hours=1))
    assert statistics(api_as(alice), ready_dataset)["counting"]["status"] == "pending"
    assert Job.objects.filter(kind="statistics").count() == 1


def test_the_job_of_a_dataset_that_is_gone_fails_in_words(
    large, api_as, alice, ready_dataset, run_tasks_at_once, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks() as sent:
        statistics(api_as(alice), ready_dataset)
    ready_dataset.delete()
    for send in sent:
        send()
    job = Job.objects.get(kind="statistics")
    assert (job.status, job.error_message) == ("failed", "The dataset is gone.")


def test_counting_twice_keeps_one_report(ready_dataset):
    kept.recount(ready_dataset)
    kept.recount(ready_dataset)
    assert DatasetReport.objects.filter(kind="statistics").count() == 1


def test_figures_of_an_older_release_are_counted_anew(ready_dataset):
    kept.recount(ready_dataset)
    DatasetReport.objects.update(data={"format": 0})
    assert dataset_statistics(ready_dataset)["boxes"] == 6


def test_an_image_counts_on_the_day_of_its_first_labels_for_who_made_them(dataset, images, alice, bob):
    for row in images[:3]:
        row.dataset = dataset
    save_labels(images[0], 0, [box()], alice)
    save_labels(images[0], 1, [box(), box(1)], bob)
    save_labels(images[1], 0, [box()], bob)
    Revision.objects.filter(image=images[0], number=1).update(created_at="2026-01-05T23:59:00Z")
    Revision.objects.filter(image=images[1]).update(created_at="2026-01-06T00:01:00Z", kind="import")
    dataset.refresh_from_db()
    found = dataset_statistics(dataset)["labelling"]
    assert found["days"] == [
        {"day": "2026-01-05", "images": {"alice": 1}}, {"day": "2026-01-06", "images": {"brought in by imports": 1}},
    ]  # fmt: skip
    assert {row["name"]: (row["first"], row["saves"], row["added"]) for row in found["people"]} == {
        "alice": (1, 1, 1), "bob": (0, 1, 2), "brought in by imports": (1, 1, 1),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["restore", "classes"])
def test_a_restore_and_a_merge_draw_and_delete_nothing(dataset, images, alice, bob, kind):
    images[0].dataset = dataset
    save_labels(images[0], 0, [box()], alice)
    save_labels(images[0], 1, [], bob)
    Revision.objects.filter(number=2).update(kind=kind)
    dataset.refresh_from_db()
    found = {row["name"]: row for row in dataset_statistics(dataset)["labelling"]["people"]}
    assert [(who["saves"], who["added"], who["removed"]) for who in (found["alice"], found["bob"])] == [
        (1, 1, 0), (0, 0, 0),
    ]  # fmt: skip


def test_labels_without_a_kept_history_are_counted_as_such(ready_dataset):
    Revision.objects.all().delete()
    found = dataset_statistics(ready_dataset)["labelling"]
    assert (found["days"], found["people"], found["without_history"]) == ([], [], 6)


def test_rare_and_absent_classes_are_said_in_words(alice, dataset, images):
    images[0].dataset = dataset
    save_labels(images[0], 0, [box(0)] * 1, alice)
    dataset.refresh_from_db()
    assert dataset_statistics(dataset)["hints"] == ["No box yet: “white”."]
    datasets.set_split(dataset, dataset.images.filter(pk=images[0].pk), "train")
    datasets.set_split(dataset, dataset.images.filter(pk=images[1].pk), "val")
    some = [box(0, x=0.1 + n / 50) for n in range(20)]
    save_labels(images[0], 1, [*some, box(1)], alice)
    dataset.refresh_from_db()
    uneven, absent = dataset_statistics(dataset)["hints"]
    assert "“red” has 20 boxes. Rare beside it: “white” (1)" in uneven
    assert absent.startswith("Not in val: “red”, “white”")


def test_where_the_boxes_of_a_class_are(api_as, alice, ready_dataset):
    found = api_as(alice).get(f"/api/v1/datasets/{ready_dataset.pk}/statistics/positions?class_id=1").json()
    assert (found["class_name"], found["boxes"], max(map(max, found["cells"]))) == ("white", 3, 3)
    assert found["cells"][10][10] == 3
    assert found["cells"][0][0] == 0


@pytest.mark.parametrize("class_id", ["", "2", "-1", "x", "1.5", "²", "9" * 40])
def test_a_class_that_is_not_there_is_refused_in_words(api_as, alice, ready_dataset, class_id):
    answer = api_as(alice).get(f"/api/v1/datasets/{ready_dataset.pk}/statistics/positions", {"class_id": class_id})
    assert answer.status_code == 400
    assert "Accepted: 0 to 1." in answer.json()["class_id"][0]


def test_the_page_shows_figures_and_carries_what_the_charts_draw(page_as, alice, ready_dataset):
    page = page_as(alice).get(f"/datasets/{ready_dataset.pk}/statistics")
    assert page.status_code == 200
    words = page.content.decode()
    assert 'id="statistics-data"' in words
    assert "plotly" in words
    assert "Even enough" in words


def test_an_empty_dataset_says_what_to_do_and_loads_no_charts(page_as, alice, dataset):
    words = page_as(alice).get(f"/datasets/{dataset.pk}/statistics").content.decode()
    assert "Nothing to count yet" in words
    assert "plotly" not in words


def test_a_class_name_cannot_leave_the_page_data(page_as, alice, images, dataset):
    datasets.add_class(dataset, "</script><b>x")
    assert "</script><b>x" not in page_as(alice).get(f"/datasets/{dataset.pk}/statistics").content.decode()


@pytest.mark.parametrize("path", ["/datasets/{}/statistics", "/datasets/{}/labelling-progress"])
def test_pages_are_for_who_may_see_the_dataset(page_as, alice, bob, carol, ready_dataset, path):
    path = path.format(ready_dataset.pk)
    assert page_as(carol).get(path).status_code == 404
    assert page_as(None).get(path).status_code == 302
    datasets.update_dataset(ready_dataset, is_public=True)
    assert page_as(bob).get(path).status_code == 200


def test_an_outsider_gets_no_figure_from_the_api(api_as, carol, ready_dataset):
    for path in ("statistics", "statistics/positions?class_id=0"):
        assert api_as(carol).get(f"/api/v1/datasets/{ready_dataset.pk}/{path}").status_code == 404


@pytest.mark.parametrize("is_large", [False, True])
@pytest.mark.parametrize(
    "path", ["/datasets/{}/statistics", "/api/v1/datasets/{}/statistics", "/datasets/{}/labelling-progress"]
)
def test_the_number_of_queries_does_not_grow(path, is_large, page_as, alice, dataset, images, monkeypatch):
    browser, counts = page_as(alice), []
    kept.recount(dataset)
    for number in (1, 50):
        fill(dataset, images, alice, number)
        if is_large:
            kept.recount(dataset)
        for name in LARGE:
            monkeypatch.setattr(kept, name, 0 if is_large else 99_999)
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(path.format(dataset.pk)).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]


def fill(dataset, images, alice, number):
    """So many classes, labelled images with revisions of different people, and boxes."""
    from conftest import person

    for n in range(dataset.num_classes, number):
        datasets.add_class(dataset, f"class {n}")
    made = datasets.add_images(dataset, [upload(f"{number}-{n}.png", seed=number * 60 + n) for n in range(number)])
    people = [person(f"p{number}-{n}") for n in range(min(number, 5))]
    for n, image in enumerate(made["created"]):
        image.dataset = dataset
        save_labels(image, 0, [box(n % dataset.num_classes), box(0, x=0.3)], people[n % len(people)])
    datasets.refresh_counts(dataset)
    dataset.refresh_from_db()
    assert Annotation.objects.filter(image__dataset=dataset).exists()
