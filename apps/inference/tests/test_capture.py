"""Capture: which questions are kept, how they come into a dataset, the caps, the retention, the doors."""

import json
import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import connection
from django.utils import timezone

from apps.annotations.models import Suggestion
from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version, labeled_counts
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage, PendingDeletion
from apps.inference import after
from apps.inference.capture import choosing, inbox, storing, waiting
from apps.inference.capture.settings import figures_of, set_capture
from apps.inference.models import Capture, Captured, CaptureWaiting, Deployment
from apps.inference.runtime import Box, Prediction
from apps.inference.tests.fakes import BOTH, FakeRuntime
from conftest import box, picture, upload

ADDRESS = "/api/v1/deployments"


@pytest.fixture
def target(alice):
    """Alice's dataset that captures go into; it lacks one of the model's two classes."""
    return datasets.create_dataset(alice, "Inbox", class_names=["RED", "other"])


@pytest.fixture
def capture(deployment, alice, target):
    return set_capture(deployment, alice, target, mode="all")


def asked(deployment, data=None, seed=1, found=BOTH, **more):
    """A question that was answered."""
    data = picture(seed=seed) if data is None else data
    known = {
        "deployment_id": deployment.pk, "model_id": deployment.model_id, "user_id": deployment.owner_id,
        "token_id": None, "status": 200, "seconds": 0.01, "data": data, "options": {"conf": 0.1},
        "prediction": FakeRuntime(found).predict(data, conf=0.1) if data.startswith(b"\x89PNG") else None,
    }  # fmt: skip
    return after.Asked(**known | more)


def take(*questions):
    """The capture as it happens, in this thread: chosen, stored, and brought in as the worker does."""
    waiting.capture_questions(list(questions))
    storing.sweep_waiting()


def file_of_the_one_that_waits():
    return CaptureWaiting.objects.get().file.name


def answer_of(*confidences):
    return Prediction(10, 10, [Box(0, sure, 1, 1, 5, 5) for sure in confidences])


@pytest.mark.parametrize(
    ("mode", "confidences", "kept"),
    [
        ("all", [], True), ("below", [0.9, 0.4], True), ("below", [0.9, 0.5], False), ("below", [], False),
        ("disagreements", [0.1], False),
    ],
)  # fmt: skip
def test_the_mode_says_which_answers_are_kept(mode, confidences, kept):
    assert choosing.is_wanted(Capture(mode=mode, below=0.5), answer_of(*confidences)) is kept


def test_a_share_keeps_as_many_as_chance_lets():
    chances = iter([n / 10 for n in range(10)])
    capture = Capture(mode="rate", rate=0.3)
    assert sum(choosing.is_wanted(capture, answer_of(0.9), lambda: next(chances)) for _ in range(10)) == 3


def test_a_captured_image_arrives_in_the_inbox_with_suggestions(
    capture, deployment, target, alice, api_as, monkeypatch
):
    """From the question over HTTP to the workspace's API; the listener runs in this thread."""
    monkeypatch.setattr(after, "tell", lambda one: waiting.capture_questions([one]))
    api = api_as(alice)
    answer = api.post("/api/v1/predictions/infer", {"image": upload(seed=5), "model": "Cells"}, format="multipart")
    assert answer.status_code == 200
    storing.store_waiting(capture.pk)
    listed = api.get(f"/api/v1/datasets/{target.pk}/images?inbox=true").json()["results"]
    assert [(one["is_labeled"], one["split"]) for one in listed] == [(False, "")]
    assert listed[0]["filename"].startswith("Cells ")
    assert listed[0]["filename"].endswith(".png")
    at = f"/api/v1/datasets/{target.pk}/images/{listed[0]['id']}"
    offered = api.get(f"{at}/suggestions").json()["predictions"]
    assert [(one["class_name"], one["confidence"], one["model"]) for one in offered] == [("RED", 0.9, "Cells")]
    window = api.get(f"/api/v1/datasets/{target.pk}/workspace/window?inbox=true&image={listed[0]['id']}").json()
    assert [one["num_suggestions"] for one in window["items"]] == [1]
    assert api.get(f"{ADDRESS}/{deployment.pk}/capture").json()["unmapped"] == ["white"]
    api.put(f"{at}/annotations", {"revision": 0, "annotations": [box(0)]}, format="json")
    assert api.get(f"/api/v1/datasets/{target.pk}/images?inbox=true").json()["count"] == 0
    assert api.get(f"/api/v1/datasets/{target.pk}/images?inbox=false").json()["count"] == 1


def test_captured_images_are_in_no_split_and_train_nothing_until_somebody_labels_them(
    capture, deployment, target, alice
):
    take(asked(deployment, seed=1), asked(deployment, seed=2))
    datasets.set_split(target, target.images.all(), "train")
    version, _ = create_version(target, alice)
    assert labeled_counts(version)["train"] == 0
    assert Captured.objects.count() == 2


def test_what_was_refused_or_asked_by_model_id_is_not_kept(capture, deployment):
    take(
        asked(deployment, seed=1, status=503, prediction=None), asked(deployment, seed=2, deployment_id=None),
        asked(deployment, seed=3, status=200, prediction=None),
    )  # fmt: skip
    assert not CaptureWaiting.objects.exists()
    assert not Captured.objects.exists()


def test_nothing_is_kept_while_it_is_off(capture, deployment):
    Capture.objects.update(is_on=False)
    take(asked(deployment))
    assert not Captured.objects.exists()


def test_the_same_bytes_are_kept_once_and_what_was_thrown_out_stays_out(capture, deployment, target, alice):
    take(asked(deployment, seed=1), asked(deployment, seed=1), asked(deployment, seed=2))
    take(asked(deployment, seed=1))
    assert target.images.count() == 2
    datasets.trash_images(target, DatasetImage.objects.filter(dataset=target), alice)
    take(asked(deployment, seed=1), asked(deployment, seed=2))
    assert target.images.count() == 0
    assert Capture.objects.get().num_known == 4


def test_the_inbox_takes_no_more_than_its_caps_and_labelling_makes_room(capture, deployment, target, alice):
    Capture.objects.update(max_images=2)
    take(*(asked(deployment, seed=n) for n in range(5)))
    assert (target.images.count(), Capture.objects.get().num_over) == (2, 3)
    image = target.images.first()
    save_labels(image, 0, [box(0)], alice)
    take(asked(deployment, seed=3), asked(deployment, seed=4))
    assert target.images.count() == 3
    size = len(picture(seed=9))
    Capture.objects.update(max_images=100, max_bytes=inbox.filled(capture)[1] + size)
    take(asked(deployment, data=picture(seed=9)), asked(deployment, data=picture(seed=10)))
    assert target.images.count() == 4


def test_the_worker_holds_the_cap_where_processes_chose_at_the_same_time(capture, deployment, target, monkeypatch):
    Capture.objects.update(max_images=3)
    monkeypatch.setattr(waiting, "filled", lambda capture: (0, 0))  # each process has seen an empty inbox
    for start in (0, 3):
        waiting.capture_questions([asked(deployment, seed=n) for n in range(start, start + 3)])
    assert CaptureWaiting.objects.count() == 6
    storing.sweep_waiting()
    assert (target.images.count(), Capture.objects.get().num_over) == (3, 3)
    assert not CaptureWaiting.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_workers_on_the_same_pictures_bring_each_in_once_and_hold_the_cap(
    threads_database, deployment, alice, target
):
    capture = set_capture(deployment, alice, target, mode="all", max_images=5)
    Capture.objects.update(max_images=8)
    waiting.capture_questions([asked(deployment, seed=n) for n in range(8)])
    Capture.objects.update(max_images=5)
    failures, together = [], threading.Barrier(2)

    def work():
        try:
            together.wait(30)
            storing.store_waiting(capture.pk)
        except Exception as error:  # told below, in the test's own thread
            failures.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not failures
    assert (target.images.count(), Captured.objects.count(), CaptureWaiting.objects.count()) == (5, 5, 0)


def test_a_kill_before_the_row_leaves_no_file_for_long(capture, deployment, monkeypatch):
    def killed(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(waiting, "keep_files", killed)
    with pytest.raises(KeyboardInterrupt):
        waiting.capture_questions([asked(deployment)])
    name = PendingDeletion.objects.get(name__startswith="captures/").name
    assert default_storage.exists(name)
    PendingDeletion.objects.update(due_at=timezone.now())
    datasets.delete_pending_files()
    assert not default_storage.exists(name)


def test_a_worker_killed_while_it_stores_is_done_again_and_leaves_no_file(
    capture, deployment, target, monkeypatch, django_capture_on_commit_callbacks
):
    waiting.capture_questions([asked(deployment)])
    name = file_of_the_one_that_waits()
    with monkeypatch.context() as patched:
        patched.setattr(storing, "_insert", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            storing.store_waiting(capture.pk)
    assert CaptureWaiting.objects.count() == 1
    assert not target.images.exists()
    with django_capture_on_commit_callbacks(execute=True):
        storing.sweep_waiting()
    assert target.images.count() == 1
    assert not default_storage.exists(name)
    assert not PendingDeletion.objects.exists()
    assert default_storage.exists(target.images.get().file.name)


def test_what_waits_for_a_deleted_deployment_goes_with_its_file(
    capture, deployment, target, django_capture_on_commit_callbacks
):
    waiting.capture_questions([asked(deployment)])
    name = file_of_the_one_that_waits()
    deployment.delete()
    with django_capture_on_commit_callbacks(execute=True):
        storing.sweep_waiting()
    assert not default_storage.exists(name)
    assert not CaptureWaiting.objects.exists()
    assert not target.images.exists()


def test_it_turns_itself_off_when_the_rights_are_gone(capture, deployment, target, bob):
    waiting.capture_questions([asked(deployment)])
    type(target).objects.filter(pk=target.pk).update(owner=bob)
    storing.sweep_waiting()
    capture.refresh_from_db()
    assert not capture.is_on
    assert "may not change the dataset" in capture.stopped
    assert not target.images.exists()
    assert not CaptureWaiting.objects.exists()


def test_retention_deletes_what_nobody_touched_and_nothing_else(capture, deployment, target, alice):
    take(*(asked(deployment, seed=n) for n in range(5)))
    untouched, labelled, looked_at, tagged, young = target.images.order_by("pk")
    own = datasets.add_images(target, [upload(seed=77)])["created"][0]
    save_labels(labelled, 0, [box(0)], alice)
    save_labels(looked_at, 0, [], alice)  # saved without a box: nothing is on it
    datasets.set_tags(tagged, ["keep"])
    datasets.set_split(target, target.images.all(), "train")
    Captured.objects.exclude(image=young).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert inbox.delete_expired() == 1
    assert set(DatasetImage.all_objects.filter(dataset=target)) == {labelled, looked_at, tagged, young, own}
    target.refresh_from_db()
    assert target.num_images == 5
    assert not Suggestion.objects.filter(image=untouched.pk).exists()


def test_other_days_hold_for_what_was_captured_before(capture, deployment, target, alice):
    take(asked(deployment))
    row = Captured.objects.get()
    assert row.expires_at - row.created_at == timedelta(days=30)
    set_capture(deployment, alice, target, keep_days=3)
    row.refresh_from_db()
    assert row.expires_at - row.created_at == timedelta(days=3)


def test_figures_count_what_became_of_it(capture, deployment, target, alice):
    take(*(asked(deployment, seed=n) for n in range(3)))
    first, second, _ = target.images.order_by("pk")
    save_labels(first, 0, [box(0)], alice)
    datasets.trash_images(target, target.images.filter(pk=second.pk), alice)
    figures = figures_of(Capture.objects.get())
    assert [figures[name] for name in ("in_inbox", "labelled", "trashed", "waiting")] == [1, 1, 1, 0]


@pytest.mark.parametrize("path", ["capture", "shadow"])
@pytest.mark.parametrize("who", ["bob", "carol"])
def test_only_who_may_change_the_deployment_sees_capture_and_shadow(
    deployment, versions, target, api_as, page_as, request, path, who
):
    Deployment.objects.update(is_public=who == "bob")
    refused = 403 if who == "bob" else 404
    api, page = api_as(request.getfixturevalue(who)), page_as(request.getfixturevalue(who))
    at, body = f"{ADDRESS}/{deployment.pk}/{path}", {"dataset_id": target.pk, "model_id": versions[1].pk}
    assert api.get(at).status_code == refused
    assert api.put(at, body, format="json").status_code == refused
    assert page.get(f"/deployments/{deployment.pk}/{path}").status_code == refused
    assert page.post(f"/deployments/{deployment.pk}/{path}", {}).status_code == refused
    if path == "shadow":
        assert api.delete(at).status_code == refused
        assert page.get(f"/deployments/{deployment.pk}/shadow/figures").status_code == refused
        assert page.post(f"/deployments/{deployment.pk}/shadow/stop").status_code == refused
    assert not Capture.objects.exists()


def test_readers_are_told_that_pictures_are_kept(capture, deployment, page_as, bob):
    Deployment.objects.update(is_public=True)
    told = "Its owner keeps a sample"
    assert told in page_as(bob).get(f"/deployments/{deployment.pk}").content.decode()
    Capture.objects.update(is_on=False)
    assert told not in page_as(bob).get(f"/deployments/{deployment.pk}").content.decode()


def test_a_capture_goes_only_into_a_dataset_that_one_may_change(deployment, alice, bob, api_as, page_as):
    theirs = datasets.create_dataset(bob, "Bob's", is_public=True)
    answer = api_as(alice).put(f"{ADDRESS}/{deployment.pk}/capture", {"dataset_id": theirs.pk}, format="json")
    assert answer.status_code == 400
    assert "may change" in answer.json()["dataset_id"][0]
    form = {"dataset": theirs.pk, "mode": "all", "max_images": 5, "max_megabytes": 5, "keep_days": 5}
    assert page_as(alice).post(f"/deployments/{deployment.pk}/capture", form).status_code == 400
    assert not Capture.objects.exists()


def test_the_api_sets_a_capture_and_keeps_what_is_left_out(deployment, target, alice, api_as):
    api, at = api_as(alice), f"{ADDRESS}/{deployment.pk}/capture"
    empty = api.get(at).json()
    assert (empty["is_on"], empty["dataset_id"], empty["figures"]) == (False, None, None)
    body = {"dataset_id": target.pk, "mode": "below", "below": 0.4, "max_bytes": 10**6, "is_on": True}
    assert api.put(at, body, format="json").status_code == 200
    answer = api.put(at, {"is_on": False}, format="json").json()
    assert [answer[name] for name in ("is_on", "dataset_id", "mode", "below", "max_bytes")] == [
        False, target.pk, "below", 0.4, 10**6,
    ]  # fmt: skip
    assert answer["figures"]["in_inbox"] == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("mode", "everything"), ("rate", 0), ("rate", 1.1), ("rate", "NaN"), ("below", 2), ("max_images", 0),
        ("max_images", 1.5), ("max_bytes", 10**18), ("keep_days", 0), ("keep_days", 10**30), ("dataset_id", -1),
        ("is_on", "perhaps"), ("dataset_id", None),
    ],
)  # fmt: skip
def test_bad_values_are_refused_by_field(deployment, target, alice, api_as, field, value):
    body = json.dumps({"dataset_id": target.pk, field: value})
    answer = api_as(alice).put(f"{ADDRESS}/{deployment.pk}/capture", body, content_type="application/json")
    assert answer.status_code == 400
    assert list(answer.json()) == [field]


def test_the_card_says_what_to_do_without_a_dataset_and_saves_with_one(
    deployment, alice, target, page_as, ready_dataset
):
    page = page_as(alice)
    at = f"/deployments/{deployment.pk}/capture"
    form = {
        "is_on": "on", "dataset": target.pk, "mode": "rate", "rate": "2.5", "below": "0.5", "max_images": 7,
        "max_megabytes": 3, "keep_days": 2,
    }  # fmt: skip
    assert "Say how much" in page.post(at, form | {"rate": ""}).content.decode()
    assert page.post(at, form).status_code == 302
    capture = Capture.objects.get()
    assert (capture.rate, capture.max_bytes, capture.keep_days, capture.is_on) == (0.025, 3 * 2**20, 2, True)
    shown = page.get(at, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in shown
    assert "has no class white" in shown
    type(target).objects.all().delete()
    assert "No dataset to keep them in" in page.get(at).content.decode()


def test_the_inbox_filter_takes_true_and_false_only(target, alice, api_as):
    assert api_as(alice).get(f"/api/v1/datasets/{target.pk}/images?inbox=maybe").status_code == 400
