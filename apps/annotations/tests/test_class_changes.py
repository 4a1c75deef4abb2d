"""Renaming, reordering, merging and deleting classes: no label moves to another class, all can be taken back."""

import pytest

from apps.annotations.models import Annotation, DatasetVersion, Revision, Suggestion
from apps.annotations.services import classes as service
from apps.annotations.services.labels import restore_revision, save_labels
from apps.annotations.services.restores import start_restore
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.datasets.models import ClassChange, DatasetImage
from conftest import box


@pytest.fixture
def address(dataset):
    return f"/api/v1/datasets/{dataset.pk}/classes"


@pytest.fixture
def labels_of(owner, dataset):
    def names(image):
        answer = owner.get(f"/api/v1/datasets/{dataset.pk}/images/{image.pk}/annotations").json()
        return [(row["class_id"], row["class_name"]) for row in answer["annotations"]]

    return names


@pytest.fixture
def labelled(images, dataset, alice):
    """An image with a red, a white and a red box."""
    image = images[0]
    image.dataset = dataset
    save_labels(image, 0, [box(0), box(1, x=0.3), box(0, x=0.7)], alice)
    dataset.refresh_from_db()
    image.refresh_from_db()
    return image


def names(answer):
    return [row["name"] for row in answer.json()["classes"]]


def test_new_order_changes_ids_and_no_label(owner, address, labelled, labels_of):
    before = list(Annotation.objects.values_list("pk", "class_key"))
    answer = owner.put(f"{address}/order", {"keys": [1, 0]})
    assert (answer.status_code, names(answer)) == (200, ["white", "red"])
    assert labels_of(labelled) == [(1, "red"), (0, "white"), (1, "red")]
    assert list(Annotation.objects.values_list("pk", "class_key")) == before


@pytest.mark.parametrize("keys", [[0], [0, 0], [0, 1, 2], [], "x", [-1, 0], None])
def test_order_that_does_not_name_each_class_once_is_refused(owner, address, dataset, keys):
    answer = owner.put(f"{address}/order", {"keys": keys})
    assert answer.status_code == 400
    assert answer.json().keys() == {"keys"}
    dataset.refresh_from_db()
    assert dataset.class_names == ["red", "white"]


def test_page_that_was_opened_before_a_reorder_still_saves_what_it_means(owner, address, labelled, labels_of, dataset):
    url = f"/api/v1/datasets/{dataset.pk}/images/{labelled.pk}/annotations"
    seen = owner.get(url).json()
    owner.put(f"{address}/order", {"keys": [1, 0]})
    body = {key: seen[key] for key in ("revision", "class_keys", "annotations")}
    assert owner.put(url, body).status_code == 200
    assert labels_of(labelled) == [(1, "red"), (0, "white"), (1, "red")]


def test_page_that_knows_a_class_that_was_merged_saves_into_its_heir(owner, address, labelled, labels_of, dataset):
    url = f"/api/v1/datasets/{dataset.pk}/images/{labelled.pk}/annotations"
    seen = owner.get(url).json()
    owner.delete(f"{address}/0?into=1")
    body = {key: seen[key] for key in ("revision", "class_keys", "annotations")}
    assert owner.put(url, body).status_code == 200
    assert labels_of(labelled) == [(0, "white")] * 3


def test_page_that_knows_a_class_that_was_deleted_is_told(owner, address, labelled, dataset):
    url = f"/api/v1/datasets/{dataset.pk}/images/{labelled.pk}/annotations"
    seen = owner.get(url).json()
    owner.delete(f"{address}/0")
    answer = owner.put(url, {key: seen[key] for key in ("revision", "class_keys", "annotations")})
    assert answer.status_code == 400
    assert "was deleted" in answer.json()["annotations"][0]


def test_merged_class_gives_its_labels_and_suggestions_to_the_other(owner, address, labelled, labels_of, dataset):
    Suggestion.objects.create(
        image=labelled, class_key=0, model_name="m", confidence=0.9, x_center=0.1, y_center=0.1, width=0.1, height=0.1
    )
    answer = owner.delete(f"{address}/0?into=1")
    assert (answer.status_code, names(answer)) == (200, ["white"])
    assert labels_of(labelled) == [(0, "white")] * 3
    assert Suggestion.objects.get().class_key == 1
    change = dataset.class_changes.first()
    assert (change.action, change.before, change.after, change.num_boxes) == ("merge", "red", "white", 2)


@pytest.fixture
def trashed(labelled, images, dataset, alice):
    """Another image, with a red and a white box, in the trash."""
    other = images[1]
    other.dataset = dataset
    save_labels(other, 0, [box(0), box(1, x=0.3)], alice)
    datasets.trash_images(dataset, dataset.images.filter(pk=other.pk), alice)
    return other


def classes_of(image):
    return list(Annotation.objects.filter(image=image).order_by("pk").values_list("class_key", flat=True))


def bring_back(dataset, image):
    return datasets.restore_images(dataset, DatasetImage.all_objects.filter(pk=image.pk))


def test_deleted_class_takes_its_labels_along_and_those_of_the_trash_when_they_come_back(
    owner, address, labelled, trashed, dataset
):
    assert names(owner.delete(f"{address}/0")) == ["white"]
    assert (classes_of(labelled), classes_of(trashed)) == ([1], [0, 1])
    labelled.refresh_from_db()
    dataset.refresh_from_db()
    assert (labelled.num_boxes, labelled.is_labeled, dataset.num_boxes) == (1, True, 1)
    bring_back(dataset, trashed)
    assert classes_of(trashed) == [1]
    assert (DatasetImage.objects.get(pk=trashed.pk).num_boxes, dataset.num_boxes) == (1, 2)


def test_labels_that_come_back_from_the_trash_are_in_the_heir_of_their_merged_class(owner, address, trashed, dataset):
    owner.delete(f"{address}/0?into=1")
    bring_back(dataset, trashed)
    assert classes_of(trashed) == [1, 1]


def test_merge_that_is_taken_back_by_its_version_left_the_trash_as_it_was(
    owner, address, labelled, trashed, dataset, alice, run_tasks_at_once, django_capture_on_commit_callbacks
):
    owner.delete(f"{address}/0?into=1")
    with django_capture_on_commit_callbacks(execute=True):
        job = start_restore(alice, DatasetVersion.objects.get(number=1))
    assert Job.objects.get(pk=job.pk).status == "completed"
    bring_back(dataset, trashed)
    assert (sorted(classes_of(labelled)), classes_of(trashed)) == ([0, 0, 1], [0, 1])


def test_version_is_made_before_a_class_goes(owner, address, labelled):
    owner.delete(f"{address}/0")
    version = DatasetVersion.objects.get()
    assert (version.class_names, version.num_boxes, version.note) == (["red", "white"], 3, "Before “red” was deleted")


def test_number_of_a_class_that_is_gone_is_never_given_again(owner, address, dataset):
    owner.delete(f"{address}/1")
    owner.post(address, {"name": "blue"})
    dataset.refresh_from_db()
    assert dataset.class_keys == [0, 2]
    datasets.add_class(dataset, "green", key=1)
    assert dataset.class_keys == [0, 2, 3]
    datasets.add_class(dataset, "violet", key=17)
    assert (dataset.class_keys[-1], dataset.next_class_key) == (17, 18)


def test_old_revision_comes_back_in_the_classes_of_today(labelled, dataset, alice, labels_of, owner, address):
    save_labels(labelled, 1, [], alice)
    old = Revision.objects.get(image=labelled, number=1)
    owner.post(address, {"name": "blue"})
    owner.put(f"{address}/order", {"keys": [2, 1, 0]})
    owner.delete(f"{address}/2?into=0")
    labelled.dataset.refresh_from_db()
    restore_revision(labelled, old, 2, alice)
    assert labels_of(labelled) == [(0, "blue"), (1, "white"), (0, "blue")]
    owner.delete(f"{address}/0")
    shown = owner.get(f"/api/v1/datasets/{dataset.pk}/images/{labelled.pk}/revisions/1").json()
    assert [row["class_name"] for row in shown["annotations"]] == ["white"]


def test_revision_kept_before_classes_had_numbers_is_read_by_position(labelled, dataset, alice, labels_of):
    rows = [{**row, "class_id": row.pop("class_key"), "class_name": "x"} for row in Revision.objects.get().annotations]
    Revision.objects.update(annotations=rows)
    save_labels(labelled, 1, [], alice)
    restore_revision(labelled, Revision.objects.get(number=1), 2, alice)
    assert labels_of(labelled) == [(0, "red"), (1, "white"), (0, "red")]


def test_former_names_lead_to_the_class_of_today(dataset, alice):
    datasets.rename_class(dataset, 0, "erythrocyte", alice)
    datasets.rename_class(dataset, 0, "RBC", alice)
    service.remove_class(dataset, 1, alice, into=0)
    assert datasets.former_names(dataset) == {"red": 0, "erythrocyte": 0, "white": 0}
    datasets.add_class(dataset, "Red", alice)
    assert "red" not in datasets.former_names(dataset)


def test_colour_moves_with_its_class(owner, address, dataset):
    owner.patch(f"{address}/0", {"color": "#123ABC"})
    owner.put(f"{address}/order", {"keys": [1, 0]})
    dataset.refresh_from_db()
    assert [row["color"] for row in dataset.classes][1] == "#123abc"


@pytest.mark.parametrize("body", [{"color": "red"}, {"color": "#12"}, {"color": "#12345g"}, {}, {"name": ""}])
def test_bad_edit_of_a_class_is_refused(owner, address, body):
    assert owner.patch(f"{address}/0", body).status_code == 400


@pytest.mark.parametrize("into", ["0", "9", "x", "-1", "1" * 30])
def test_class_is_not_merged_into_itself_or_nothing(owner, address, dataset, into):
    answer = owner.delete(f"{address}/0?into={into}")
    assert answer.status_code == 400
    assert answer.json().keys() == {"into"}
    assert not ClassChange.objects.exists()


def test_class_of_a_large_dataset_is_removed_by_a_job(
    owner, address, labelled, labels_of, monkeypatch, run_tasks_at_once, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(service, "AT_ONCE_BOXES", 2)
    with django_capture_on_commit_callbacks(execute=True):
        answer = owner.delete(f"{address}/0?into=1")
    assert answer.status_code == 202
    job = Job.objects.get(pk=answer.json()["id"])
    assert (job.status, job.result["boxes"]) == ("completed", 2)
    assert labels_of(labelled) == [(0, "white")] * 3
    assert service.run_removal(job, lambda *said: None)["boxes"] == 0, "run again it finds nothing to do"


def test_history_names_who_did_what(owner, address, alice):
    owner.patch(f"{address}/0", {"name": "RBC"})
    owner.post(address, {"name": "blue"})
    rows = owner.get(f"{address}/history").json()["results"]
    assert [(row["action"], row["before"], row["after"], row["user"]) for row in rows] == [
        ("add", "", "blue", "alice"),
        ("rename", "red", "RBC", "alice"),
    ]


def test_page_moves_a_class_and_says_what_its_removal_does(page_as, alice, dataset, labelled):
    page = page_as(alice)
    url = f"/datasets/{dataset.pk}/classes"
    page.post(f"{url}/order", {"move": 0, "way": "down"})
    dataset.refresh_from_db()
    assert dataset.class_names == ["white", "red"]
    page.post(f"{url}/order", {"keys": "0,1"})
    dataset.refresh_from_db()
    assert dataset.class_names == ["red", "white"]
    assert b"2 boxes on 1 image" in page.get(f"{url}/0/remove").content
    assert page.post(f"{url}/0/remove", {"action": "merge"}).status_code == 400
    assert page.post(f"{url}/0/remove", {"action": "delete"}).status_code == 302
    dataset.refresh_from_db()
    assert dataset.class_names == ["white"]
    assert page.get(f"{url}/7/remove").status_code == 302


def test_counts_of_a_large_dataset_are_those_of_its_statistics(dataset, labelled, monkeypatch):
    counted = service.classes_with_counts(dataset)
    monkeypatch.setattr(service, "COUNTED_BOXES", 1)
    assert service.classes_with_counts(dataset) == counted
    assert [(row["boxes"], row["images"]) for row in counted] == [(2, 1), (1, 1)]
