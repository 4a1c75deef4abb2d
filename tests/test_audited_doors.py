"""What changes who may see or do something, and what deletes anything, leaves a row in the audit log: who, what, whose.

Each row of DOORS is a door: what is asked of it, and the verb and the kind of subject of the event that it leaves.
"""

from types import SimpleNamespace

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from rest_framework.test import APIClient

from apps.accounts.services import create_token
from apps.annotations.models import Review, Revision
from apps.core import audit
from apps.core.models import AuditEvent, Job, Upload
from apps.core.webhooks.models import Webhook
from apps.datasets.models import Dataset, DatasetImage, Tag
from apps.inference.models import Deployment
from apps.models.models import Evaluation, ModelExport, ModelLine, ModelTag, TrainedModel
from apps.training.models import TrainingJob
from conftest import make_team

API = "/api/v1"


@pytest.fixture
def world(alice, operator, trained_model, ready_dataset, api_as, page_as):
    """A team's dataset, model, deployment and what hangs on them; browsers and clients of who asks."""
    team = make_team(alice)
    for model in (Dataset, ModelLine, TrainedModel):
        model.objects.update(team=team)
    ready_dataset.refresh_from_db()
    trained_model.refresh_from_db()
    row, key = create_token(alice, "machine", scope="read infer write")
    machine = APIClient()
    machine.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    job = Job.objects.create(owner=alice, team=team, kind="export", task="x", status="completed")
    image = ready_dataset.images.order_by("pk").first()
    ModelTag.objects.create(model=trained_model, name="good")
    return SimpleNamespace(
        team=team, token=row, machine=machine, alice=api_as(alice), page=page_as(alice), desk=page_as(operator),
        dataset=ready_dataset, image=image, model=trained_model, job=job,
        version=trained_model.dataset_version, tag=Tag.objects.create(dataset=ready_dataset, name="dark"),
        deployment=Deployment.objects.create(owner=alice, team=team, name="cells", is_active=True),
        training=TrainingJob.objects.create(
            user=alice, team=team, dataset=ready_dataset, name="t", model_type="yolov8n", epochs=1, batch_size=1,
            img_size=64, patience=1, status="completed",
        ),
        evaluation=Evaluation.objects.create(
            model=trained_model, dataset_version=trained_model.dataset_version, split="val", images=_file("e.gz")
        ),
        export=ModelExport.objects.create(model=trained_model, format="onnx", img_size=64, file=_file("e.onnx")),
        revision=Revision.objects.filter(image=image).first(),
        review=Review.objects.create(image=image, revision=1, reviewer=alice, action="accept"),
        upload=Upload.objects.create(owner=alice, filename="a.zip", size=1, expires_at=job.created_at),
        webhook=Webhook.objects.create(owner=alice, team=team, url="https://hooks.example.org/a", events=[]),
    )  # fmt: skip


def _file(name):
    return default_storage.save(f"models/door/{name}", ContentFile(b"x"))


def patch(who, path, **values):
    """Have `who` PATCH the path, in which {names} of the world stand for ids."""
    return lambda world: getattr(world, who).patch(API + _path(path, world), values, format="json")


def delete(who, path):
    return lambda world: getattr(world, who).delete(API + _path(path, world))


def post(who, path, **values):
    return lambda world: getattr(world, who).post(_path(path, world), values)


def bulk(action):
    """Do it to one image by the call that is for many."""

    def ask(world):
        path = f"{API}/datasets/{world.dataset.pk}/images/bulk"
        return world.alice.post(path, {"action": action, "ids": [world.image.pk]}, format="json")

    return ask


def desk_deletes(name, table):
    return lambda world: world.desk.post(f"/admin/{table}/{getattr(world, name).pk}/delete/", {"post": "yes"})


def desk_deletes_chosen(name, table):
    def ask(world):
        chosen = {"action": "delete_selected", "_selected_action": [getattr(world, name).pk], "post": "yes"}
        return world.desk.post(f"/admin/{table}/", chosen)

    return ask


def desk_changes(row, table, /, **values):
    formset = {f"tags-{part}": 0 for part in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")}
    return lambda world: world.desk.post(
        f"/admin/{table}/{getattr(world, row).pk}/change/", formset | values, format="multipart"
    )


def _path(path, world):
    return path.format(**{name: getattr(row, "pk", "") for name, row in vars(world).items()})


def trash(world):
    DatasetImage.objects.filter(pk=world.image.pk).update(deleted_at=world.job.created_at)


def trashed_then(ask):
    def do(world):
        trash(world)
        return ask(world)

    return do


def paused_then(ask):
    def do(world):
        Deployment.objects.update(is_active=False)
        return ask(world)

    return do


DATASET, MODEL, DEPLOYMENT = "datasets.dataset", "models.trainedmodel", "inference.deployment"
IMAGES = "/datasets/{dataset}/images"
DOORS = {
    "a dataset is published": (patch("alice", "/datasets/{dataset}", is_public=True), "made public", DATASET),
    "a dataset is published by token": (
        patch("machine", "/datasets/{dataset}", is_public=True), "made public", DATASET,
    ),
    "a dataset is published on its page": (
        post("page", "/datasets/{dataset}/settings", name="Cells", is_public="on"), "made public", DATASET,
    ),
    "a dataset is published at the desk": (
        desk_changes("dataset", "datasets/dataset", name="Cells", is_public="on"), "made public", DATASET,
    ),
    "a dataset is renamed by token": (patch("machine", "/datasets/{dataset}", name="Other"), "changed", DATASET),
    "a dataset is deleted by token": (delete("machine", "/datasets/{dataset}"), "deleted", DATASET),
    "a dataset is deleted at the desk": (desk_deletes("dataset", "datasets/dataset"), "deleted", DATASET),
    "a model is published": (patch("alice", "/models/{model}", is_public=True), "made public", MODEL),
    "a model is published at the desk": (
        desk_changes("model", "models/trainedmodel", is_public="on"), "made public", MODEL,
    ),
    "a model's stage on its page": (post("page", "/models/{model}/stage", stage="archived"), "changed", MODEL),
    "a model is deleted by token": (delete("machine", "/models/{model}"), "deleted", MODEL),
    "a model is deleted at the desk": (desk_deletes("model", "models/trainedmodel"), "deleted", MODEL),
    "chosen models are deleted at the desk": (desk_deletes_chosen("model", "models/trainedmodel"), "deleted", MODEL),
    "a deployment is paused on its page": (post("page", "/deployments/{deployment}/pause"), "paused", DEPLOYMENT),
    "a deployment is paused by token": (
        patch("machine", "/deployments/{deployment}", is_active=False), "paused", DEPLOYMENT,
    ),
    "a deployment is resumed": (
        paused_then(patch("alice", "/deployments/{deployment}", is_active=True)), "resumed", DEPLOYMENT,
    ),
    "a deployment is published": (
        patch("alice", "/deployments/{deployment}", is_public=True), "made public", DEPLOYMENT,
    ),
    "a deployment is published at the desk": (
        desk_changes("deployment", "inference/deployment", is_active="on", is_public="on"), "made public", DEPLOYMENT,
    ),
    "a deployment is deleted": (desk_deletes("deployment", "inference/deployment"), "deleted", DEPLOYMENT),
    "an image is deleted by token": (delete("machine", IMAGES + "/{image}"), "moved to the trash", DATASET),
    "an image is deleted on its page": (post("page", IMAGES + "/{image}/delete"), "moved to the trash", DATASET),
    "an image is deleted at the desk": (desk_deletes("image", "datasets/datasetimage"), "moved to the trash", DATASET),
    "images are deleted": (bulk("delete"), "moved to the trash", DATASET),
    "images are restored": (trashed_then(bulk("restore")), "restored from the trash", DATASET),
    "images are deleted for good": (
        trashed_then(post("page", "/datasets/{dataset}/trash/purge", all="1")), "deleted for good", DATASET,
    ),
    "a training is deleted": (desk_deletes("training", "training/trainingjob"), "deleted", "training.trainingjob"),
    "chosen trainings are deleted": (
        desk_deletes_chosen("training", "training/trainingjob"), "deleted", "training.trainingjob",
    ),
    "a job is deleted": (desk_deletes("job", "core/job"), "deleted", "core.job"),
    "a webhook is deleted": (desk_deletes("webhook", "core/webhook"), "webhook deleted", "core.webhook"),
    "a version is deleted": (
        desk_deletes("version", "annotations/datasetversion"), "deleted", "annotations.datasetversion",
    ),
    "a revision is deleted": (desk_deletes("revision", "annotations/revision"), "deleted", "annotations.revision"),
    "a review is deleted": (desk_deletes("review", "annotations/review"), "deleted", "annotations.review"),
    "chosen reviews are deleted": (
        desk_deletes_chosen("review", "annotations/review"), "deleted", "annotations.review",
    ),
    "an evaluation is deleted": (desk_deletes("evaluation", "models/evaluation"), "deleted", "models.evaluation"),
    "an export is deleted at the desk": (desk_deletes("export", "models/modelexport"), "deleted", "models.modelexport"),
    "an export is deleted by token": (
        delete("machine", "/models/{model}/exports/{export}"), "deleted", "models.modelexport",
    ),
    "an export is deleted on its page": (
        post("page", "/models/{model}/exports/{export}/delete"), "deleted", "models.modelexport",
    ),
    "a tag is renamed at the desk": (
        lambda world: world.desk.post(
            f"/admin/datasets/tag/{world.tag.pk}/change/", {"name": "dim", "dataset": world.dataset.pk}
        ), "changed", "datasets.tag",
    ),
}  # fmt: skip
OF_NO_TEAM = {
    "a token's quota by its owner": (
        patch("alice", "/auth/tokens/{token}", requests_per_day=5), "changed", "accounts.apitoken",
    ),
    "a token's quota at the desk": (
        desk_changes("token", "accounts/apitoken", requests_per_day="5"), "changed", "accounts.apitoken",
    ),
    "a token is revoked at the desk": (
        desk_deletes("token", "accounts/apitoken"), "token revoked", "accounts.apitoken",
    ),
    "an upload is deleted": (desk_deletes("upload", "core/upload"), "deleted", "core.upload"),
}  # fmt: skip


@pytest.mark.parametrize("door", [*DOORS, *OF_NO_TEAM])
def test_a_door_leaves_a_row_with_who_what_and_whose(door, world):
    ask, verb, kind = (DOORS | OF_NO_TEAM)[door]
    before = AuditEvent.objects.values_list("pk", flat=True).first() or 0
    by_token = door.endswith("by token")
    answer = ask(world)
    assert answer.status_code < 400, answer.content
    rows = AuditEvent.objects.filter(pk__gt=before).exclude(verb="token used")
    assert [(row.verb, row.subject_type) for row in rows] == [(verb, kind)]
    [row] = rows
    at_the_desk = answer.wsgi_request.path.startswith("/admin/")
    assert row.actor_name == ("operator" if at_the_desk else "alice")
    assert row.team_id == (None if door in OF_NO_TEAM else world.team.pk)
    assert row.subject_id.isdecimal() or kind == "core.upload"
    assert row.subject_name
    assert row.token_id == (world.token.pk if by_token else None)


def test_the_row_says_what_changed(world):
    world.alice.patch(f"{API}/datasets/{world.dataset.pk}", {"is_public": True, "name": "Cells", "description": "New"})
    assert AuditEvent.objects.get(verb="made public").detail == {
        "changed": {"is_public": [False, True], "description": ["", "New"]}
    }
    world.alice.patch(f"{API}/datasets/{world.dataset.pk}", {"is_public": True})  # it is already
    assert AuditEvent.objects.filter(subject_type=DATASET).count() == 1
    world.alice.patch(f"{API}/datasets/{world.dataset.pk}", {"is_public": False})
    assert AuditEvent.objects.filter(verb="made private").count() == 1


def test_many_images_are_one_row_with_how_many_and_the_first_names(world):
    world.alice.post(
        f"{API}/datasets/{world.dataset.pk}/images/bulk", {"action": "delete", "filter": {}}, format="json"
    )
    event = AuditEvent.objects.get(verb="moved to the trash")
    assert event.detail == {"count": 6, "images": [f"{n}.png" for n in range(audit.FIRST)]}


def test_many_rows_that_are_deleted_at_the_desk_are_one_event(world):
    rows = [Review.objects.create(image=world.image, revision=1, action="accept") for _ in range(7)]
    chosen = {"action": "delete_selected", "_selected_action": [row.pk for row in rows], "post": "yes"}
    world.desk.post("/admin/annotations/review/", chosen)
    event = AuditEvent.objects.get(verb="deleted")
    assert (event.subject_name, event.subject_id, event.team_id) == ("7 reviews", "", world.team.pk)
    assert (event.detail["count"], len(event.detail["names"])) == (7, audit.FIRST)


def test_a_change_that_is_refused_leaves_no_row(world):
    TrainedModel.objects.update(is_deployed=True)
    assert world.alice.patch(f"{API}/models/{world.model.pk}", {"stage": "archived"}).status_code == 400
    assert world.alice.delete(f"{API}/models/{world.model.pk}").status_code == 409
    assert not AuditEvent.objects.filter(subject_type=MODEL).exists()


def test_the_use_of_a_token_names_that_token(world):
    world.machine.get(f"{API}/datasets")
    event = AuditEvent.objects.get(verb="token used")
    assert (event.token_id, event.subject_id) == (world.token.pk, str(world.token.pk))
