"""An image that comes with its labels: one call, and nothing half done."""

import json

import pytest
from django.core.files.storage import default_storage

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.labels import save_labels
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services import rename_class
from conftest import box, upload


def named(name="red", **more):
    label = box(**more)
    del label["class_id"]
    return label | {"class_name": name}


@pytest.fixture
def send(api_as, alice, dataset):
    """`send(labels, file, user, **more)`: the answer of the call."""

    def sent(labels, file=None, user=alice, **more):
        text = labels if isinstance(labels, str) else json.dumps(labels)
        form = {"image": file or upload("a.png", seed=7), "annotations": text, **more}
        return api_as(user).post(f"/api/v1/datasets/{dataset.pk}/images/labelled", form, format="multipart")

    return sent


def test_an_image_and_its_labels_go_in_together(send, dataset):
    answer = send([named("red", confidence=0.8, source="model"), named("White", x=0.2)])
    assert answer.status_code == 201, answer.json()
    body = answer.json()
    image = DatasetImage.objects.get(pk=body["image"]["id"])
    rows = Annotation.objects.filter(image=image).order_by("pk")
    assert [(row.class_key, row.source, row.confidence) for row in rows] == [(0, "model", 0.8), (1, "manual", None)]
    assert (body["is_new"], body["num_labels"], body["unmapped"]) == (True, 2, {})
    assert body["page_url"] == f"/datasets/{dataset.pk}/label?image={image.pk}"
    assert (image.is_labeled, image.revision, body["revision"]) == (True, 1, 1)


def test_a_class_that_the_dataset_lacks_is_left_out_and_said(send):
    body = send([named("red"), named("blue"), named("Blue", x=0.3)]).json()
    assert body["num_labels"] == 1
    assert body["unmapped"] == {"blue": 1, "Blue": 1}


def test_where_all_labels_are_left_out_the_image_is_not_called_empty(send):
    image = DatasetImage.objects.get(pk=send([named("blue")]).json()["image"]["id"])
    assert not image.is_labeled


def test_no_labels_say_that_there_is_no_object(send):
    image = DatasetImage.objects.get(pk=send([]).json()["image"]["id"])
    assert image.is_labeled


def test_missing_classes_are_added_when_asked_for(send, dataset):
    body = send([named("blue"), named("Blue", x=0.3), named("red", x=0.7)], add_classes=True).json()
    dataset.refresh_from_db()
    assert dataset.class_names == ["red", "white", "blue"]
    assert (body["num_labels"], body["added_classes"], body["unmapped"]) == (3, ["blue"], {})


def test_a_name_from_before_a_renaming_finds_its_class(send, dataset, alice):
    rename_class(dataset, 0, "erythrocyte", alice)
    assert send([named("red")]).json()["num_labels"] == 1


def test_the_same_image_with_labels_is_not_overwritten(send):
    first = send([named("red")]).json()
    again = send([named("white")])
    assert again.status_code == 409
    assert "1 label. Nothing was overwritten." in again.json()["detail"]
    assert (again.json()["image_id"], again.json()["revision"]) == (first["image"]["id"], 1)
    assert Annotation.objects.get().class_key == 0


def test_labels_are_replaced_by_who_names_their_revision(send):
    send([named("red")])
    body = send([named("white")], revision=1)
    assert body.status_code == 200, body.json()
    assert (body.json()["is_new"], body.json()["revision"], body.json()["revision_before"]) == (False, 2, 1)
    assert Annotation.objects.get().class_key == 1
    assert Revision.objects.count() == 2  # and the first can be restored
    assert send([named("red")], revision=1).status_code == 409
    assert Annotation.objects.get().class_key == 1


def test_an_image_that_was_there_without_labels_gets_them(send, dataset, images):
    body = send([named("red")], upload("0.png", seed=0))
    assert body.status_code == 200
    assert body.json()["image"]["id"] == images[0].pk
    assert dataset.images.count() == 6


def test_an_image_said_to_be_empty_is_not_overwritten_either(send, dataset, images, alice):
    images[0].dataset = dataset
    save_labels(images[0], 0, [], alice)
    answer = send([named("red")], upload("0.png", seed=0))
    assert answer.status_code == 409
    assert "with no object" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("{", "A JSON list"),
        ("[" * 100_000, "A JSON list"),
        ('{"class_name": "red"}', "A JSON list"),
        ([5], "Label 1: an object with a class_name"),
        ([named(5)], "Label 1: an object with a class_name"),
        ([named(" ")], "Label 1: an object with a class_name"),
        ([named("red"), named("red", x=1.4)], "Label 2: reaches from"),
        ([named("blue", width=0)], "Label 1: width 0 must be more than 0."),
        ([named("red", x="wide")], "Label 1:"),
        ([named("red", source="oracle")], "Label 1: source 'oracle' is none of"),
        ([named("red", x=float("nan"))], "Label 1:"),
    ],
)
def test_bad_labels_are_named_and_leave_nothing_behind(send, dataset, labels, words):
    answer = send(labels, add_classes=True)
    assert answer.status_code == 400
    assert words in answer.json()["annotations"][0]
    dataset.refresh_from_db()
    assert (dataset.images.count(), dataset.class_names) == (0, ["red", "white"])


def test_more_labels_than_an_image_may_have_are_refused(send, settings):
    settings.MAX_BOXES_PER_IMAGE = 2
    assert "at most 2 are accepted" in send([named()] * 3).json()["annotations"][0]


@pytest.mark.parametrize("data", [b"", b"<html>", upload("a.png").read()[:40]])
def test_what_is_no_image_is_refused_with_the_reason(send, dataset, data):
    answer = send([named("blue")], upload("a.png", data), add_classes=True)
    assert answer.status_code == 400
    assert answer.json()["image"]
    dataset.refresh_from_db()
    assert (dataset.images.count(), dataset.class_names) == (0, ["red", "white"])
    folder = f"datasets/{dataset.pk}/images"
    assert not default_storage.exists(folder) or default_storage.listdir(folder)[1] == []


def test_a_name_that_no_class_may_have_is_refused(send):
    answer = send([named("x" * 101)], add_classes=True)
    assert answer.status_code == 400
    assert answer.json()["add_classes"]


def test_nothing_is_sent_at_all(api_as, alice, dataset):
    answer = api_as(alice).post(f"/api/v1/datasets/{dataset.pk}/images/labelled", {}, format="multipart")
    assert answer.status_code == 400
    assert set(answer.json()) == {"image", "annotations"}
    assert api_as(alice).post(f"/api/v1/datasets/{dataset.pk}/images/labelled", [], format="json").status_code == 415


def test_only_who_may_change_the_dataset_may_add_to_it(send, dataset, bob, carol):
    assert send([named()], user=carol).status_code == 404
    Dataset.objects.update(is_public=True)
    assert send([named()], user=bob).status_code == 403
    assert send([named()], user=None).status_code == 401
    assert dataset.images.count() == 0
