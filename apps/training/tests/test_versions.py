"""Training on an earlier version of a dataset, and the folders that versions leave on a trainer."""

import os
import time

import pytest

from apps.annotations.services import yolo_folders
from apps.annotations.services.versions import create_version
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core import work
from apps.datasets import services as datasets
from apps.training import services
from apps.training.models import TrainingJob
from apps.training.services.run import Supervision

from .test_jobs import WANTED, ask


@pytest.fixture
def sent(monkeypatch):
    monkeypatch.setattr("celery.current_app.send_task", lambda *args, **kw: None)


@pytest.fixture
def version(ready_dataset, alice, sent):
    """Version 1, trainable; the dataset has lost its validation images since."""
    version, _ = create_version(ready_dataset, alice)
    datasets.set_split(ready_dataset, ready_dataset.images.filter(split="val"), "train")
    return version


def test_training_on_a_version_uses_it_as_it_is(api_as, alice, ready_dataset, version):
    answer = ask(api_as(alice), ready_dataset, dataset_version=1)
    assert (answer.status_code, answer.json()["dataset_version"]) == (201, 1)
    assert ready_dataset.versions.count() == 1


def test_dataset_as_it_is_now_is_judged_by_itself(api_as, alice, ready_dataset, version):
    answer = ask(api_as(alice), ready_dataset)
    assert answer.status_code == 400
    assert "validation" in str(answer.json()["dataset_id"])


def test_version_that_cannot_be_trained_on_is_refused(api_as, alice, ready_dataset, version):
    create_version(ready_dataset, alice)
    answer = ask(api_as(alice), ready_dataset, dataset_version=2)
    assert (answer.status_code, TrainingJob.objects.count()) == (400, 0)


@pytest.mark.parametrize("number", [9, 0, -1, "x", 2**40, [1]])
def test_version_that_is_not_there_is_named(api_as, alice, ready_dataset, version, number):
    answer = ask(api_as(alice), ready_dataset, dataset_version=number)
    assert (answer.status_code, set(answer.json())) == (400, {"dataset_version"})


def test_version_of_another_dataset_is_none_of_this_one(api_as, alice, bob, ready_dataset, version, carol):
    other = datasets.create_dataset(bob, "Other", class_names=["red"], is_public=True)
    assert ask(api_as(alice), other, dataset_version=1).status_code == 400
    assert ask(api_as(carol), ready_dataset, dataset_version=1).status_code == 404
    datasets.update_dataset(ready_dataset, is_public=True)
    assert ask(api_as(bob), ready_dataset, dataset_version=1).status_code == 201


def test_form_offers_versions_and_says_what_each_has(page_as, alice, ready_dataset, version):
    browser, url = page_as(alice), f"/training/new?dataset={ready_dataset.pk}"
    page = browser.get(url).content.decode()
    assert "Version 1 ·" in page
    assert "cannot be trained on yet" in page
    part = browser.get(f"{url}&dataset_version=1", headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "cannot be trained on" not in part
    assert "4 labelled" in part
    assert '<option value="1" selected' in browser.get(f"{url}&dataset_version=1").content.decode()
    assert browser.get(f"{url}&dataset_version=99").status_code == 200


def test_form_starts_a_training_on_the_version(page_as, alice, ready_dataset, version):
    browser, url = page_as(alice), f"/training/new?dataset={ready_dataset.pk}"
    values = WANTED | {"patience": 5, "seed": 0, "optimizer": "auto", "weights": "scratch"}
    assert browser.post(url, values).status_code == 400
    assert browser.post(url, values | {"dataset_version": "7"}).status_code == 400
    answer = browser.post(url, values | {"dataset_version": "1"})
    assert answer.status_code == 302
    job = TrainingJob.objects.get()
    assert job.dataset_version == version
    page = browser.get(answer["Location"]).content.decode()
    assert f"/datasets/{ready_dataset.pk}/versions?version=1#v1" in page


def test_large_dataset_is_snapshotted_by_the_trainer(api_as, page_as, alice, ready_dataset, sent, monkeypatch):
    monkeypatch.setattr("apps.annotations.services.versions.AT_ONCE", 5)
    answer = ask(api_as(alice), ready_dataset)
    assert (answer.status_code, answer.json()["dataset_version"]) == (201, None)
    pk = answer.json()["id"]
    assert "a version of which is made first" in page_as(alice).get(f"/training/{pk}/").content.decode()
    assert page_as(alice).get("/training/").status_code == 200
    job = work.claim(TrainingJob, pk)
    monkeypatch.setattr(Supervision, "_warn", lambda self: pytest.fail("too far"))
    with pytest.raises(pytest.fail.Exception, match="too far"):
        Supervision(job, None).run()
    assert TrainingJob.objects.get().dataset_version == ready_dataset.versions.get()


def test_large_dataset_trains_on_an_earlier_version_at_once(api_as, alice, ready_dataset, version, monkeypatch):
    monkeypatch.setattr("apps.annotations.services.versions.AT_ONCE", 5)
    assert ask(api_as(alice), ready_dataset, dataset_version=1).json()["dataset_version"] == 1


# --- folders ------------------------------------------------------------------------------------------------
@pytest.fixture
def folder(version, settings, tmp_path):
    settings.WORK_DIR = tmp_path
    return yolo_folder(version).parent


def grow_old(folder, days):
    moment = time.time() - days * 86400
    os.utime(folder / "data.yaml", (moment, moment))


def test_folder_of_a_version_that_is_gone_is_deleted(folder, ready_dataset):
    assert services.clean_folders() == 0
    datasets.delete_dataset(ready_dataset)
    grow_old(folder, 1)
    assert services.clean_folders() == 1
    assert not list(folder.parent.iterdir())


def test_folder_that_was_used_a_moment_ago_stays(folder, ready_dataset):
    datasets.delete_dataset(ready_dataset)
    assert services.clean_folders() == 0
    assert folder.exists()


def test_folder_that_nobody_used_for_long_is_deleted_and_built_again(folder, version):
    grow_old(folder, yolo_folders.UNUSED_DAYS - 1)
    assert services.clean_folders() == 0
    grow_old(folder, yolo_folders.UNUSED_DAYS + 1)
    assert services.clean_folders() == 1
    assert yolo_folder(version).exists()


@pytest.mark.parametrize(("status", "cleaned"), [("running", 0), ("pending", 0), ("completed", 1), ("failed", 1)])
def test_folder_of_a_training_under_way_stays(folder, version, alice, ready_dataset, status, cleaned):
    job = services.create_job(alice, ready_dataset, dataset_version=1, **WANTED, patience=5)
    TrainingJob.objects.filter(pk=job.pk).update(status=status)
    grow_old(folder, 100)
    assert services.clean_folders() == cleaned


def test_draft_that_a_kill_left_goes_after_a_day(folder):
    draft = folder.parent / ".draft-abc"
    draft.mkdir()
    assert services.clean_folders() == 0
    os.utime(draft, (time.time() - 2 * 86400,) * 2)
    assert services.clean_folders() == 1
    assert not draft.exists()
