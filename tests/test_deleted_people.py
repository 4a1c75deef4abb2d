"""A person who is deleted takes along what is theirs alone, with its files, and the audit log says what went."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.teams.services import create_team
from apps.core.jobs import create_job
from apps.core.leaving import PersonStays
from apps.core.models import AuditEvent, Job, Upload
from apps.core.webhooks.models import Webhook
from apps.datasets.models import Dataset, PendingDeletion
from apps.inference.models import Deployment
from apps.models.models import Evaluation, ModelLine, TrainedModel
from apps.training.models import TrainingJob
from conftest import make_team, member


def training(user, dataset, **more):
    return TrainingJob.objects.create(
        user=user, dataset=dataset, name="hers", model_type="yolov8n", epochs=1, batch_size=1, img_size=64, patience=1,
        **{"status": "completed"} | more,
    )  # fmt: skip


def stored(name):
    return default_storage.save(name, ContentFile(b"x"))


@pytest.fixture
def world(alice, trained_model, ready_dataset, images, settings):
    """All kinds of things of alice's; the names of the files that go with her."""
    images[0].refresh_from_db()
    job = training(alice, ready_dataset)
    picture = stored(f"datasets/{ready_dataset.pk}/training/{job.pk}/batch.jpg")
    job.pictures.create(kind="batch", number=0, epoch=1, images=1, tiles=1, file=picture)
    Deployment.objects.create(owner=alice, name="cells", model=trained_model, is_active=False)
    measured = stored("models/evaluations/1/a.jsonl.gz")
    Evaluation.objects.create(
        model=trained_model, dataset_version=trained_model.dataset_version, split="val", images=measured
    )
    done = Job.objects.create(
        owner=alice, kind="export", task="x", status="completed", upload=stored("jobs/in/a.zip"),
        file=stored("jobs/out/a.zip"),
    )  # fmt: skip
    came = Upload.objects.create(
        owner=alice, filename="b.zip", size=1, file=stored("jobs/in/b.zip"), expires_at=done.created_at
    )
    Webhook.objects.create(owner=alice, url="https://hooks.example.org/a", events=["training.completed"])
    services.create_token(alice, "robot")
    return [
        *(name for image in ready_dataset.images.all() for name in (image.file.name, image.thumbnail.name)),
        picture, measured, trained_model.file.name, trained_model.dataset_version.manifest.name,
        done.upload.name, done.file.name, came.file.name,
    ]  # fmt: skip


def delete(browser, user):
    return browser.post(f"/admin/accounts/user/{user.pk}/delete/", {"post": "yes"}, follow=True)


@pytest.mark.parametrize("road", ["one", "many"])
def test_all_that_is_theirs_goes_with_its_files_and_is_written_down(
    road, world, alice, operator, page_as, django_capture_on_commit_callbacks
):
    assert all(default_storage.exists(name) for name in world)
    desk = page_as(operator)
    asked = desk.get(f"/admin/accounts/user/{alice.pk}/delete/").content.decode()
    assert "1 dataset" in asked
    assert "1 model" in asked
    with django_capture_on_commit_callbacks(execute=True):
        if road == "one":
            delete(desk, alice)
        else:
            chosen = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
            desk.post("/admin/accounts/user/", chosen)
    assert not User.objects.filter(pk=alice.pk).exists()
    for model in (Dataset, TrainedModel, ModelLine, TrainingJob, Deployment, Evaluation, Job, Upload, Webhook):
        assert not model.objects.exists(), model
    assert [name for name in world if default_storage.exists(name)] == []
    assert not PendingDeletion.objects.exists()
    events = AuditEvent.objects.filter(actor_id=operator.pk)
    deleted = events.filter(verb="deleted").values_list("subject_type", "subject_name")
    assert sorted(deleted) == [
        ("datasets.dataset", "Cells"), ("inference.deployment", "cells"), ("models.trainedmodel", "Cells v1 v1"),
        ("training.trainingjob", "hers"),
    ]  # fmt: skip
    event = events.get(verb="person deleted")
    assert (event.subject_name, event.subject_id) == ("alice", str(alice.pk))
    assert event.detail == {
        "along": ["1 deployment", "1 training", "1 model", "1 dataset", "1 webhook", "1 job", "1 upload"], "tokens": 1,
    }  # fmt: skip
    assert events.filter(verb="webhook deleted").count() == 1


def deploy(alice, dataset):
    TrainedModel.objects.update(is_deployed=True)


def run_a_job(alice, dataset):
    create_job(alice, "export", "x")


def train(alice, dataset):
    training(alice, dataset, status="running")


def have_another_train(alice, dataset):
    training(services.register_user("dora", "dora@example.org", "dora-password"), dataset, status="pending")


def own_a_team_alone(alice, dataset):
    create_team(alice, "Lab")


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (deploy, "undeploy it"), (run_a_job, "wait until it has ended, or cancel it"), (train, "wait, or cancel it"),
        (have_another_train, "on a dataset of theirs, is under way"), (own_a_team_alone, "the last owner of the team"),
    ],
)  # fmt: skip
def test_a_person_stays_whole_while_something_stands_in_the_way(
    what, words, world, alice, operator, ready_dataset, page_as, django_capture_on_commit_callbacks
):
    what(alice, ready_dataset)
    desk = page_as(operator)
    with django_capture_on_commit_callbacks(execute=True):
        told = delete(desk, alice).content.decode()
        chosen = {"action": "delete_selected", "_selected_action": [alice.pk], "post": "yes"}
        told_of_many = desk.post("/admin/accounts/user/", chosen, follow=True).content.decode()
        with pytest.raises(PersonStays, match=words):
            services.delete_person(alice, operator)
    for page in (told, told_of_many):
        assert words in page
        assert "deactivate the account" in page
        assert "uccessfully" not in page
    assert User.objects.filter(pk=alice.pk).exists()
    assert all(default_storage.exists(name) for name in world)
    assert not AuditEvent.objects.filter(verb__in=["deleted", "person deleted"]).exists()


def test_what_is_refused_at_the_last_moment_is_told_and_nothing_went(world, alice, operator, page_as, monkeypatch):
    TrainedModel.objects.update(is_deployed=True)  # since the page asked
    Deployment.objects.update(model=None)
    monkeypatch.setattr("apps.accounts.services.leaving.why_person_stays", lambda user: [])
    monkeypatch.setattr("apps.accounts.admin.services.why_person_stays", lambda user: [])
    told = delete(page_as(operator), alice).content.decode()
    assert "Nothing was deleted." in told
    assert "is deployed: programs call it" in told
    assert Dataset.objects.exists()
    assert Deployment.objects.exists()


def test_what_a_person_made_for_a_team_stays_with_another_owner(alice, operator, page_as, ready_dataset):
    team = make_team(alice)
    heir = member(team, "owner", "heir")
    Dataset.objects.filter(pk=ready_dataset.pk).update(team=team)
    delete(page_as(operator), alice)
    assert not User.objects.filter(pk=alice.pk).exists()
    assert Dataset.objects.get().owner == heir
    event = AuditEvent.objects.get(verb="removed a member")
    assert (event.team_id, event.subject_name, event.actor_name) == (team.pk, "alice", "operator")


def test_of_two_operators_who_delete_each_other_one_stays(operator):
    other = services.register_user("other", "other@example.org", "x-password", is_staff=True, is_superuser=True)
    services.delete_person(other, operator)
    with pytest.raises(PersonStays, match="last operator"):
        services.delete_person(operator, other)
    with pytest.raises(PersonStays, match="yourself"):
        services.delete_person(operator, operator)


def test_files_that_another_person_has_too_stay(
    alice, bob, operator, trained_model, tmp_path, page_as, django_capture_on_commit_callbacks
):
    from apps.models.services import register_model

    weights = tmp_path / "same.pt"
    weights.write_bytes(b"not really weights")
    his = register_model(owner=bob, name="His", model_type="yolov8n", weights=weights, class_names=["a"], metrics={})
    assert his.file.name == trained_model.file.name
    with django_capture_on_commit_callbacks(execute=True):
        delete(page_as(operator), alice)
    assert list(TrainedModel.objects.all()) == [his]
    assert default_storage.exists(his.file.name)


def test_many_people_are_deleted_or_none(alice, bob, carol, operator, page_as):
    create_team(bob, "Lab")
    chosen = {"action": "delete_selected", "_selected_action": [alice.pk, bob.pk, carol.pk], "post": "yes"}
    told = page_as(operator).post("/admin/accounts/user/", chosen, follow=True).content.decode()
    assert "last owner of the team “Lab”" in told
    assert User.objects.filter(username__in=["alice", "bob", "carol"]).count() == 3


def test_an_image_in_the_trash_goes_too(alice, operator, dataset, images, django_capture_on_commit_callbacks):
    from apps.datasets.services import trash_images

    trash_images(dataset, dataset.images.filter(pk=images[0].pk), alice)
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_person(alice, operator)
    assert not default_storage.exists(images[0].file.name)
