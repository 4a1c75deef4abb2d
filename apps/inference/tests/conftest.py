"""A small model of alice's, exported once in each test process."""

import pytest

from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.inference import services
from apps.models.services import register_model
from apps.models.tests.tiny_weights import tiny_weights


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


@pytest.fixture(scope="session")
def proven():
    """The serving file and proof of the first deployment: exporting takes seconds, and once is enough."""
    return {}


@pytest.fixture
def deployed(model, alice, proven, run_tasks_at_once, django_capture_on_commit_callbacks):
    for field, value in proven.items():
        setattr(model, field, value)
    with django_capture_on_commit_callbacks(execute=True):
        services.deploy_model(model, alice)
    model.refresh_from_db()
    assert model.is_deployed, Job.objects.get().error_message
    proven |= {"serving_file": model.serving_file.name, "serving": model.serving}
    yield model
    services.runtimes.drop(model.pk)
