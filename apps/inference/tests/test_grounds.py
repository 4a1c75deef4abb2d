"""On which images a version that was made elsewhere is built and judged: those that were chosen, and none forgotten."""

import pytest

from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.inference import services
from apps.inference.models import Deployment
from apps.inference.services import switching
from apps.inference.tests.fakes import BOTH, FakeRuntime, make_version
from apps.models.models import TrainedModel
from apps.models.services import register_model


@pytest.fixture
def elsewhere(versions):
    """`versions` as uploads: nobody knows what they learned from."""
    TrainedModel.objects.update(dataset_version=None, origin="uploaded")
    for model in versions:
        model.refresh_from_db()
    return versions


@pytest.fixture
def version(ready_dataset, alice):
    return create_version(ready_dataset, alice)[0]


def test_the_version_that_a_model_is_deployed_on_is_the_gates_and_the_next_is_judged_on_it(
    elsewhere, version, alice, api_as, switched
):
    answer = api_as(alice).post(f"/api/v1/models/{elsewhere[0].pk}/deploy", {"version_id": version.pk})
    assert answer.status_code == 200
    deployment = elsewhere[0].deployments.get()
    assert (deployment.gate_version, deployment.gate_split) == (version, "val")
    switch = switched(deployment, elsewhere[1])
    assert (switch.state, switch.judgement["version_id"]) == ("done", version.pk)


def test_a_name_that_answers_already_without_a_gate_gets_the_version_that_is_chosen(elsewhere, version, alice):
    services.deploy_model(elsewhere[0], alice)
    services.deploy_model(elsewhere[0], alice, version)
    assert elsewhere[0].deployments.get().gate_version == version


def test_a_gate_that_is_chosen_stays_where_a_model_is_deployed_on_other_images(
    elsewhere, version, alice, ready_dataset
):
    services.deploy_model(elsewhere[0], alice, version)
    ready_dataset.images.first().delete()
    other, _ = create_version(ready_dataset, alice)
    services.deploy_model(elsewhere[0], alice, other)
    assert (other != version, elsewhere[0].deployments.get().gate_version) == (True, version)


def test_what_was_measured_when_it_was_deployed_is_judged_on_where_the_gate_has_nothing(
    elsewhere, version, alice, switched
):
    services.deploy_model(elsewhere[0], alice)
    TrainedModel.objects.filter(pk=elsewhere[0].pk).update(serving={"measured": {"version_id": version.pk}})
    deployment = elsewhere[0].deployments.get()
    assert deployment.gate_version is None
    assert switched(deployment, elsewhere[1]).judgement["version_id"] == version.pk


def test_a_version_to_judge_on_can_be_named_with_the_switch_and_is_the_gates_then(
    elsewhere, version, alice, switched, page_as
):
    services.deploy_model(elsewhere[0], alice)
    deployment = elsewhere[0].deployments.get()
    page = page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    assert "Judge it on" in page
    assert "no images chosen yet" in page
    assert switched(deployment, elsewhere[1], version_id=version.pk).state == "done"
    deployment.refresh_from_db()
    assert (deployment.gate_version, deployment.gate_split) == (version, "val")
    assert "Judge it on" not in page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()


def test_the_switch_page_names_a_version_too(
    elsewhere, version, alice, page_as, run_tasks_at_once, django_capture_on_commit_callbacks
):
    services.deploy_model(elsewhere[0], alice)
    deployment = elsewhere[0].deployments.get()
    with django_capture_on_commit_callbacks(execute=True):
        page_as(alice).post(f"/deployments/{deployment.pk}/switch", {"model": elsewhere[1].pk, "version": version.pk})
    deployment.refresh_from_db()
    assert (deployment.model, deployment.gate_version) == (elsewhere[1], version)


def test_a_version_of_others_cannot_be_named(elsewhere, version, alice, carol, api_as, page_as):
    services.deploy_model(elsewhere[0], alice)
    deployment = elsewhere[0].deployments.get()
    version.dataset.owner, version.dataset.is_public = carol, False
    version.dataset.save()
    at = f"/api/v1/deployments/{deployment.pk}/switch"
    answer = api_as(alice).post(at, {"model_id": elsewhere[1].pk, "version_id": version.pk})
    assert (answer.status_code, list(answer.json())) == (400, ["version_id"])
    page_as(alice).post(f"/deployments/{deployment.pk}/switch", {"model": elsewhere[1].pk, "version": version.pk})
    assert (Deployment.objects.get().gate_version, deployment.switches.count()) == (None, 1)


def test_a_version_that_was_never_built_is_built_on_the_images_of_what_answers(
    elsewhere, version, alice, ready_dataset, switched, monkeypatch
):
    services.deploy_model(elsewhere[0], alice)
    TrainedModel.objects.filter(pk=elsewhere[0].pk).update(dataset_version=version)
    Deployment.objects.update(gate_version=None)
    new = make_version(ready_dataset, alice, 3, built=False)
    TrainedModel.objects.filter(pk=new.pk).update(dataset_version=None)
    grounds = []

    def build(model, report, ground):
        grounds.append(ground)
        like = TrainedModel.objects.get(pk=elsewhere[0].pk)
        TrainedModel.objects.filter(pk=model.pk).update(serving_file=like.serving_file.name, serving=like.serving)
        model.refresh_from_db()

    monkeypatch.setattr(switching, "build", build)
    assert switched(elsewhere[0].deployments.get(), new).state == "done"
    assert grounds == [(version, "val")]


def test_the_job_of_a_switch_that_overruled_the_gate_says_that_it_answers_now(
    deployment, versions, switched, fake_runtimes
):
    fake_runtimes[versions[1].pk] = FakeRuntime(BOTH[:1])
    switch = switched(deployment, versions[1], overrule="White is not sold any more")
    words = switch.job.result["words"]
    assert words.startswith("“Cells” is answered by “Cells v2” now.")
    assert words.endswith("The gate was overruled: White is not sold any more")


def test_uploaded_weights_are_measured_when_they_are_deployed_and_switched_to(
    version, weights, alice, run_tasks_at_once, django_capture_on_commit_callbacks, switched, page_as
):
    first, second = (
        register_model(
            owner=alice, name="Made elsewhere", model_type="yolov8n", weights=weights, origin="uploaded",
            class_names=["red", "white", "cross"], img_size=64, metrics={},
        )
        for _ in range(2)
    )  # fmt: skip
    with django_capture_on_commit_callbacks(execute=True):
        services.deploy_model(first, alice, version)
    first.refresh_from_db()
    assert first.is_deployed, Job.objects.get().error_message
    measured = first.serving["measured"]
    assert [measured[name] for name in ("version_id", "split", "images", "labels")] == [version.pk, "val", 2, 2]
    assert "mAP50-95 is" in page_as(alice).get(f"/models/{first.pk}/deployment").content.decode()
    switch = switched(first.deployments.get(), second)
    assert switch.state == "done", switch.words
    second.refresh_from_db()
    assert second.serving["measured"]["version_id"] == version.pk
    for model in (first, second):
        services.runtimes.drop(model.pk)
