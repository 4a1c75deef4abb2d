"""A small model of alice's, exported once."""

import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.inference import services
from apps.inference.models import Switch
from apps.models.services import register_model
from apps.models.tests.tiny_weights import tiny_weights
from tests.late_store import stored_when_asked
from tests.shared import made_once


@pytest.fixture(scope="session")
def weights():
    return tiny_weights() / "yolov8n.pt"


@pytest.fixture
def model(ready_dataset, alice, weights):
    """A model of alice's with weights that answer."""
    version, _ = create_version(ready_dataset, alice)
    return register_model(
        owner=alice, name="Discs", model_type="yolov8n", weights=weights, class_names=["disc", "square", "cross"],
        img_size=64, metrics={}, dataset_version=version,
    )  # fmt: skip


@pytest.fixture
def deployed(model, alice, run_tasks_at_once, django_capture_on_commit_callbacks):
    """`model`, deployed; what the first deployment exported and proved is there for all that come after it."""

    def deploy():
        with django_capture_on_commit_callbacks(execute=True):
            services.deploy_model(model, alice)
        model.refresh_from_db()
        assert model.is_deployed, Job.objects.get().error_message

    def first(folder):
        deploy()
        (folder / "about.json").write_text(json.dumps([model.serving_file.name, model.serving]))
        with model.serving_file.open("rb") as file:
            (folder / "file").write_bytes(file.read())

    folder = made_once("deployed model", first)
    if not model.is_deployed:
        name, serving = json.loads((folder / "about.json").read_text())
        if not default_storage.exists(name):  # each process has a store of its own, in S3 each test
            with stored_when_asked(default_storage):
                default_storage.save(name, ContentFile((folder / "file").read_bytes()))
        model.serving_file.name, model.serving = name, serving
        deploy()
    yield model
    services.runtimes.drop(model.pk)


@pytest.fixture
def fake_runtimes(monkeypatch):
    """{model id: FakeRuntime}, filled as models are loaded: they find both of `ready_dataset`'s boxes."""
    from apps.inference.runtime import RuntimeCache
    from apps.inference.services import answering
    from apps.inference.tests.fakes import BOTH, FakeRuntime

    known = {}
    monkeypatch.setattr(answering, "_load", lambda model: known.setdefault(model.pk, FakeRuntime(BOTH)))
    monkeypatch.setattr(answering, "runtimes", RuntimeCache(100_000))
    monkeypatch.setattr(answering, "_answered_last", {})
    return known


@pytest.fixture
def versions(ready_dataset, alice, fake_runtimes):
    """Two built versions of alice's line “Cells”; neither is deployed."""
    from apps.inference.tests.fakes import make_version

    return [make_version(ready_dataset, alice, number) for number in (1, 2)]


@pytest.fixture
def deployment(versions, alice):
    """“Cells” of alice's, answered by the first of `versions`."""
    services.deploy_model(versions[0], alice)
    return versions[0].deployments.get()


@pytest.fixture
def switched(run_tasks_at_once, django_capture_on_commit_callbacks, api_as):
    """`switched(deployment, model, **more)`: ask for a switch as its owner and let its job run; the Switch."""

    def switch(deployment, model, **more):
        with django_capture_on_commit_callbacks(execute=True):
            answer = api_as(deployment.owner).post(
                f"/api/v1/deployments/{deployment.pk}/switch", {"model_id": model.pk, **more}
            )
        assert answer.status_code == 202, answer.json()
        return Switch.objects.get(pk=answer.json()["switch"]["id"])

    return switch
