"""How a deployment is served: runtime, precision, image size; chosen, built, judged, swapped, and taken back."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.annotations.services.labels import save_labels
from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.inference import services
from apps.inference.models import Deployment, Switch
from apps.inference.services import chosen_builds, quantizing, switching
from apps.inference.tests.fakes import BOTH, FakeRuntime
from apps.models.models import ServingBuild, TrainedModel
from conftest import box, upload

ADDRESS = "/api/v1/deployments"


def ask(api, **data):
    return api.post("/api/v1/predictions/infer", {"image": upload("a.jpg", seed=5), **data}, format="multipart")


@pytest.fixture
def builds(monkeypatch):
    """What is asked to be built as chosen, as (model, choice, ground); no engine runs."""
    asked = []

    def build(model, choice, ground, report):
        asked.append((model, choice, ground))
        key = choice.key(model)
        name = f"models/{model.sha256[:2]}/{model.sha256}/{'-'.join(map(str, key.values()))}.tar"
        serving = {"format": "openvino", "runtime": "openvino", "precision": choice.precision}
        values = {"file": default_storage.save(name, ContentFile(b"built")), "serving": serving}
        return ServingBuild.objects.update_or_create(model=model, **key, defaults=values)[0]

    monkeypatch.setattr(switching, "build_chosen", build)
    return asked


@pytest.fixture
def switched(run_tasks_at_once, django_capture_on_commit_callbacks, api_as):
    def switch(deployment, model, status=202, **more):
        with django_capture_on_commit_callbacks(execute=True):
            body = {"model_id": model.pk, **more}
            answer = api_as(deployment.owner).post(f"{ADDRESS}/{deployment.pk}/switch", body, format="json")
        assert answer.status_code == status, answer.json()
        deployment.refresh_from_db()
        return Switch.objects.get(pk=answer.json()["switch"]["id"]) if status == 202 else answer.json()

    return switch


def test_the_live_model_is_served_in_another_way_and_one_click_goes_back(
    deployment, versions, builds, switched, api_as, page_as, alice
):
    switch = switched(deployment, versions[0], serving={"img_size": 96, "precision": "f32"})
    assert (switch.state, switch.old, switch.new) == ("done", versions[0], versions[0])
    assert switch.judgement["new"]["img_size"] == 96
    row = ServingBuild.objects.get()
    assert (deployment.model, deployment.build, deployment.previous_build) == (versions[0], row, None)
    assert ask(api_as(alice), model="Cells").json()["model"]["id"] == versions[0].pk
    told = api_as(alice).get(f"{ADDRESS}/{deployment.pk}").json()["served"]
    assert told["chosen"] == {"runtime": "auto", "precision": "f32", "img_size": 96}
    assert (told["img_size"], told["precision"]) == (96, "f32")
    page = page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    assert "96 px" in page
    assert "the model’s own is 64" in page
    assert TrainedModel.objects.get(pk=versions[0].pk).serving_file.name != row.file.name  # by its id it is as before
    api_as(alice).post(f"{ADDRESS}/{deployment.pk}/back")
    deployment.refresh_from_db()
    assert (deployment.build, deployment.previous_build, deployment.served) == (None, row, versions[0])


def test_the_question_of_a_deployment_is_answered_by_the_files_that_were_chosen(
    deployment, versions, builds, switched, monkeypatch, api_as, alice
):
    from apps.inference.runtime import RuntimeCache
    from apps.inference.services import answering

    loaded = []
    monkeypatch.setattr(answering, "_load", lambda model: loaded.append(model.serving_file.name) or FakeRuntime(BOTH))
    monkeypatch.setattr(answering, "runtimes", RuntimeCache(100_000))
    switched(deployment, versions[0], serving={"runtime": "openvino"})
    loaded.clear()
    monkeypatch.setattr(answering, "runtimes", RuntimeCache(100_000))
    ask(api_as(alice), model="Cells")
    ask(api_as(alice), model_id=versions[0].pk)
    assert loaded == [deployment.build.file.name, versions[0].serving_file.name]


def test_a_batch_is_answered_as_its_deployment_is_served(deployment, versions, builds, switched):
    from apps.inference.access import get_model_of_batch
    from apps.inference.batch import Asking

    switched(deployment, versions[0], serving={"img_size": 96})
    deployment.refresh_from_db()
    job = Asking(deployment.owner, deployment.model, {}, deployment).start("x", source="images")
    asked = get_model_of_batch(job)
    assert (asked.serving_file, asked.img_size) == (deployment.build.file.name, 96)


def test_one_file_as_f32_and_as_bf16_are_two_runtimes(versions):
    from apps.inference.services import answering

    model = versions[0]
    keys = set()
    for precision in ("f32", "bf16"):
        model.serving = {**model.serving, "precision": precision}
        keys.add(answering._key(model))
    assert len(keys) == 2


def test_a_build_that_serves_another_model_of_the_same_weights_outlives_its_own(
    versions, django_capture_on_commit_callbacks
):
    from apps.models.services import delete_model

    first, second = versions
    shared = second.serving_file.name
    ServingBuild.objects.create(model=first, img_size=64, file=shared)
    with django_capture_on_commit_callbacks(execute=True):
        delete_model(first)
    assert default_storage.exists(shared)
    with django_capture_on_commit_callbacks(execute=True):
        delete_model(second)
    assert not default_storage.exists(shared)


def test_a_new_version_is_served_as_the_one_before(deployment, versions, builds, switched):
    switched(deployment, versions[0], serving={"img_size": 96})
    switch = switched(deployment, versions[1])
    assert (switch.state, builds[-1][0], builds[-1][1].img_size) == ("done", versions[1], 96)
    assert deployment.build.model == versions[1]
    assert switch.way == "96 px"


def test_the_gate_judges_the_way_it_is_served_and_its_owner_overrules_it_with_that_choice(
    deployment, versions, builds, switched, monkeypatch, page_as, alice, django_capture_on_commit_callbacks
):
    from apps.inference.runtime import RuntimeCache
    from apps.inference.services import answering

    monkeypatch.setattr(answering, "_load", lambda model: FakeRuntime(BOTH if model.img_size == 64 else BOTH[:1]))
    monkeypatch.setattr(answering, "runtimes", RuntimeCache(100_000))
    switch = switched(deployment, versions[0], serving={"img_size": 32})
    assert (switch.state, switch.may_be_overruled, deployment.build) == ("blocked", True, None)
    page = page_as(alice)
    assert "Switch nevertheless" in page.get(f"/deployments/{deployment.pk}").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        body = {"model": versions[0].pk, "overrule": "Speed matters", "runtime": "auto", "precision": "auto"}
        page.post(f"/deployments/{deployment.pk}/switch", body | {"img_size": "32"})
    deployment.refresh_from_db()
    assert deployment.build.img_size == 32


def test_int8_that_is_not_good_enough_is_refused_with_the_figures_and_no_reason_overrules_it(
    deployment, versions, switched, monkeypatch, page_as, alice
):
    def refuse(*args):
        raise chosen_builds.BuildRefused("int8 is not served: its mAP50-95 is 0.401 where the weights have 0.455.")

    monkeypatch.setattr(switching, "build_chosen", refuse)
    switch = switched(deployment, versions[0], serving={"precision": "int8"}, overrule="I want it")
    assert (switch.state, switch.is_final, deployment.build) == ("blocked", True, None)
    assert "0.401" in switch.reason
    page = page_as(alice).get(f"/deployments/{deployment.pk}").content.decode()
    assert "0.401" in page
    assert "Switch nevertheless" not in page


@pytest.mark.parametrize(
    ("serving", "field"),
    [
        ({"img_size": 100}, "img_size"),
        ({"img_size": 4096}, "img_size"),
        ({"runtime": "tensorrt"}, "runtime"),
        ({"precision": "fp16"}, "precision"),
        ({"runtime": "onnxruntime", "precision": "int8"}, "precision"),
        ({"runtime": "onnxruntime", "precision": "bf16"}, "precision"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_field(deployment, versions, switched, page_as, serving, field):
    assert field in switched(deployment, versions[0], 400, serving=serving)["serving"]
    page = page_as(deployment.owner).post(
        f"/deployments/{deployment.pk}/serving", {"runtime": "auto", "precision": "auto"} | serving
    )
    assert page.status_code == 400
    assert "errorlist" in page.content.decode()
    assert not Switch.objects.filter(state="waiting").exists()


def test_int8_of_an_onnx_file_is_refused(deployment, versions, switched):
    TrainedModel.objects.filter(pk=versions[1].pk).update(format="onnx")
    refused = switched(deployment, versions[1], 400, serving={"precision": "int8"})
    assert "ONNX" in refused["serving"]["precision"][0]


def test_the_way_that_it_is_served_in_already_is_refused(deployment, versions, switched):
    assert "just so" in switched(deployment, versions[0], 409, serving={})["detail"]


def test_a_new_deployment_may_choose(
    versions, builds, api_as, alice, run_tasks_at_once, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        body = {"name": "Small", "model_id": versions[0].pk, "serving": {"img_size": 32}}
        made = api_as(alice).post(ADDRESS, body, format="json")
    assert made.status_code == 201, made.json()
    deployment = Deployment.objects.get(name="Small")
    assert (deployment.model, deployment.build.img_size) == (versions[0], 32)


@pytest.fixture
def real(deployed, alice):
    """The deployment of a model with weights; its gate looks at labels of its classes, and lets everything pass."""
    deployment = deployed.deployments.get()
    dataset = datasets.create_dataset(alice, "Shapes", class_names=deployed.class_names)
    files = [upload(f"{number}.png", seed=number) for number in range(4)]
    for number, image in enumerate(datasets.add_images(dataset, files)["created"]):
        image.dataset = dataset
        save_labels(image, 0, [box(number % 2)], alice)
    datasets.set_split(dataset, dataset.images.all(), "val")
    version, _ = create_version(dataset, alice)
    Deployment.objects.filter(pk=deployment.pk).update(max_fall=1, gate_version=version, gate_split="val")
    deployment.refresh_from_db()
    yield deployment
    services.runtimes.drop(deployed.pk)


@pytest.mark.once
def test_weights_are_built_for_onnx_runtime_at_another_size(real, switched, api_as, alice):
    switch = switched(real, real.model, serving={"runtime": "onnxruntime", "img_size": 96})
    assert (switch.state, switch.reason) == ("done", ""), Job.objects.latest("pk").error_message
    kept = real.build.serving
    assert (kept["format"], kept["runtime"], kept["precision"]) == ("onnx", "onnxruntime", "f32")
    assert kept["agreement"] >= 0.95
    assert services.runtime_of(real.served).imgsz == 96
    assert ask(api_as(alice), model=real.name).status_code == 200


@pytest.mark.once
def test_int8_is_calibrated_and_judged_against_the_weights(real, switched, monkeypatch):
    switch = switched(real, real.model, serving={"precision": "int8"})
    assert (switch.state, switch.reason) == ("done", ""), Job.objects.latest("pk").error_message
    kept = real.build.serving
    assert (kept["precision"], kept["runtime"], kept["compared"]) == ("int8", "openvino", "labels")
    assert kept["int8"]["images"] > 0
    assert b"FakeQuantize" in _graph(real.build)
    monkeypatch.setattr(chosen_builds, "_was_judged", lambda *args: False)
    figures = {"labels": 9, "weights": {"mAP50_95": 0.5}, "int8": {"mAP50_95": 0.47}, "masks": None}
    monkeypatch.setattr(quantizing, "measure_answers", lambda *args: figures)
    services.go_back(real, real.owner)
    real.refresh_from_db()
    switch = switched(real, real.model, serving={"precision": "int8"})
    assert (switch.state, switch.is_final) == ("blocked", True)
    assert "0.470 where the weights have 0.500" in switch.reason


def _graph(build):
    import tarfile

    with build.file.open("rb") as file, tarfile.open(fileobj=file) as archive:
        return archive.extractfile("model.xml").read()
