"""What the tests of labels share: an image's address, a database in a file, jobs that run at once."""

import pytest

from apps.datasets import services as datasets


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    """The rows of a test are rolled back and their ids come again; the files made for them must not."""
    settings.MEDIA_ROOT, settings.WORK_DIR = tmp_path / "media", tmp_path / "work"


@pytest.fixture
def image(dataset, images):
    """The first image of `dataset`, as a save takes it."""
    images[0].dataset = dataset
    return images[0]


@pytest.fixture
def url(dataset, image):
    """The address of its labels."""
    return f"/api/v1/datasets/{dataset.pk}/images/{image.pk}/annotations"


@pytest.fixture
def owner(api_as, alice):
    """The API as the owner."""
    return api_as(alice)


@pytest.fixture
def public(dataset):
    """`dataset`, for everyone who is signed in."""
    return datasets.update_dataset(dataset, is_public=True)


@pytest.fixture
def run_jobs(run_tasks_at_once, django_capture_on_commit_callbacks):
    """A `with` block at whose end the jobs made in it have run."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
