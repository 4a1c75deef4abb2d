"""Whoever may see a model, a training or a deployment, but not the dataset behind it, does not learn its name."""

import pytest

from apps.annotations.models import DatasetVersion
from apps.annotations.seen import DELETED, HIDDEN
from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version
from apps.datasets import services as datasets
from apps.inference.access import versions_to_judge_on
from apps.inference.deployment_forms import GateForm
from apps.inference.models import Deployment
from apps.models.models import TrainedModel
from apps.training.comparison import setting_rows
from apps.training.models import TrainingJob
from apps.training.services import create_job
from conftest import box, upload

pytestmark = pytest.mark.django_db
NAME = "Hush hush"


@pytest.fixture
def model(trained_model, dataset):
    """Alice's public model, which learned from her private dataset."""
    version = trained_model.dataset_version
    type(dataset).objects.update(name=NAME)
    measured = {"version_id": version.pk, "version": f"{NAME} v1", "split": "val", "images": 2, "labels": 2}
    figures = {"mAP50": 0.5, "mAP50_95": 0.4}
    serving = {"format": "openvino", "precision": "f32", "compared": "onnxruntime", "measured": measured | figures}
    TrainedModel.objects.update(is_public=True, is_deployed=True, serving=serving, serving_file="models/a.tar")
    trained_model.refresh_from_db()
    return trained_model


@pytest.fixture
def deployment(model, alice):
    row = Deployment.objects.create(
        owner=alice, name="cells", model=model, is_public=True, gate_version=model.dataset_version
    )
    judgement = {
        "version_id": model.dataset_version_id, "version": f"{NAME} v1", "split": "val", "images": 2, "labels": 2,
        "live": {"mAP50": 0.5, "mAP50_95": 0.4}, "new": {"mAP50": 0.5, "mAP50_95": 0.4}, "per_class": [],
        "difference": 0, "max_fall": 0.01,
    }  # fmt: skip
    row.switches.create(new=model, by=alice, judgement=judgement, state="done")
    return row


@pytest.fixture
def job(model, bob, dataset):
    """Bob's own, of when the dataset was public."""
    return TrainingJob.objects.create(
        user=bob, dataset=dataset, dataset_version=model.dataset_version, name="walk", model_type="yolov8n", epochs=2,
        batch_size=2, img_size=64, status="completed", patience=5, model=model,
    )  # fmt: skip


PAGES = [
    "/models/", "/models/{model}/", "/models/compare?ids={model},{other}", "/models/{model}/deployment",
    "/deployments/", "/deployments/{deployment}", "/training/", "/training/{job}/", "/training/compared?models={model}",
]  # fmt: skip
API = ["models", "models/{model}", "models/{model}/lineage", "deployments", "deployments/{deployment}", "training"]


@pytest.fixture
def other(model, bob):
    """A model that learned from bob's own dataset, which both can be compared on."""
    own = datasets.create_dataset(bob, "Bob's", class_names=["red", "white"])
    for image in datasets.add_images(own, [upload("a.png", seed=1), upload("b.png", seed=2)])["created"]:
        save_labels(image, 0, [box()], bob)
        datasets.set_split(own, own.images.filter(pk=image.pk), "val")
    return TrainedModel.objects.create(
        owner=model.owner, line=model.line, number=9, is_public=True, dataset_version=create_version(own, bob)[0],
        model_type="yolov8n", class_names=model.class_names, num_classes=2, img_size=64, metrics=model.metrics,
        file=model.file.name, sha256=model.sha256, num_bytes=model.num_bytes,
    )  # fmt: skip


@pytest.fixture
def addresses(model, other, deployment, job):
    """`addresses(paths)`: with the ids of what there is."""
    ids = {"model": model.pk, "other": other.pk, "deployment": deployment.pk, "job": job.pk}
    return lambda paths: [path.format(**ids) for path in paths]


def test_no_page_tells_the_name(page_as, bob, addresses):
    page, told, said = page_as(bob), [], 0
    for address in addresses(PAGES):
        answer = page.get(address)
        assert answer.status_code == 200, address
        text = answer.content.decode()
        told += [address] if NAME in text else []
        said += HIDDEN in text
    assert told == []
    assert said >= 5


def test_the_owner_reads_the_name_on_the_pages(page_as, alice, addresses):
    for address in addresses(["/models/", "/models/{model}/deployment", "/deployments/{deployment}"]):
        text = page_as(alice).get(address).content.decode()
        assert NAME in text, address


def test_no_answer_of_the_api_tells_the_name(api_as, bob, model, addresses):
    told = []
    for address in addresses(API):
        answer = api_as(bob).get(f"/api/v1/{address}")
        assert answer.status_code == 200, address
        told += [address] if NAME in answer.content.decode() else []
    assert told == []
    shown = api_as(bob).get(f"/api/v1/models/{model.pk}").data
    assert shown["dataset_version"] is None
    assert shown["serving"]["measured"]["version"] is None
    assert shown["serving"]["measured"]["mAP50"] == 0.5


def test_the_owner_reads_it_in_the_api(api_as, alice, model, deployment):
    shown = api_as(alice).get(f"/api/v1/models/{model.pk}").data
    assert shown["dataset_version"] == {"dataset_id": model.dataset_version.dataset_id, "number": 1}
    assert shown["serving"]["measured"]["version"] == f"{NAME} v1"
    assert api_as(alice).get("/api/v1/models").data["results"][0]["serving"] == shown["serving"]
    proof = api_as(alice).get(f"/api/v1/deployments/{deployment.pk}").data["served"]["proof"]
    assert proof["measured"]["version"] == f"{NAME} v1"
    switch = api_as(alice).get(f"/api/v1/deployments/{deployment.pk}/switches").data["results"][0]
    assert switch["judgement"]["version"] == f"{NAME} v1"


def test_of_a_deleted_version_pages_say_that_it_is_deleted(page_as, api_as, alice, bob, model, deployment):
    for who in (alice, bob):
        assert DELETED not in page_as(who).get(f"/deployments/{deployment.pk}").content.decode()
    DatasetVersion.objects.filter(pk=model.dataset_version_id).delete()
    for who in (alice, bob):
        for address in (f"/models/{model.pk}/deployment", f"/deployments/{deployment.pk}"):
            page = page_as(who).get(address).content.decode()
            assert DELETED in page, address
            assert HIDDEN not in page
            assert NAME not in page
        measured = api_as(who).get(f"/api/v1/models/{model.pk}").data["serving"]["measured"]
        assert (measured["version"], measured["version_id"], measured["is_deleted"]) == (None, None, True)


@pytest.mark.parametrize(("who", "name"), [("alice", f"{NAME} yolov8n"), ("bob", "yolov8n")])
def test_a_training_is_named_after_ones_own_dataset_and_after_no_others(request, ready_dataset, who, name):
    """Bob may train on it while it is public, and sees his job when it no longer is."""
    type(ready_dataset).objects.filter(pk=ready_dataset.pk).update(name=NAME, is_public=True)
    ready_dataset.refresh_from_db()
    person = request.getfixturevalue(who)
    settings = {"model_type": "yolov8n", "epochs": 2, "batch_size": 2, "img_size": 64, "patience": 5}
    first, second = (create_job(person, ready_dataset, **settings) for _ in range(2))
    assert (first.name, second.name) == (name, f"{name} 2")


def test_a_list_looks_up_once_what_may_be_named(api_as, bob, model, alice, django_assert_max_num_queries):
    for number in range(2, 12):
        TrainedModel.objects.create(
            owner=alice, line=model.line, number=number, is_public=True, class_names=["a"], img_size=64, sha256="0",
            num_bytes=1, serving={"measured": {"version_id": number, "version": NAME}},
        )  # fmt: skip
    with django_assert_max_num_queries(6):
        answer = api_as(bob).get("/api/v1/models")
    assert answer.data["count"] == 11
    assert NAME not in answer.content.decode()


def test_a_gate_on_a_hidden_dataset_stays_where_another_changes_something_else(deployment, bob):
    """Deployments of a team may be judged on what one of its people alone may see."""
    form = GateForm(None, instance=deployment, versions=versions_to_judge_on(bob))
    assert NAME not in str(form)
    assert (deployment.gate_version_id, HIDDEN) in list(form.fields["gate_version"].choices)
    data = {"gate_version": deployment.gate_version_id, "gate_split": "val", "max_fall": "0.2"}
    form = GateForm(data, instance=deployment, versions=versions_to_judge_on(bob))
    assert form.is_valid()
    assert form.cleaned_data["gate_version"].pk == deployment.gate_version_id


def test_trainings_on_two_hidden_datasets_differ(job, other, bob, alice):
    second = TrainingJob.objects.create(
        user=alice, dataset=job.dataset, dataset_version=other.dataset_version, name="two", model_type="yolov8n",
        epochs=2, batch_size=2, img_size=64, status="completed", patience=5,
    )  # fmt: skip
    rows = {row["words"]: row["differs"] for row in setting_rows(bob, [job, second])}
    assert rows["Dataset version"]
