import pytest


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    """No test finds files that another left: what is stored already is taken for part of a version."""
    settings.MEDIA_ROOT, settings.WORK_DIR = tmp_path / "media", tmp_path / "work"


@pytest.fixture
def run_jobs(run_tasks_at_once, django_capture_on_commit_callbacks):
    """A `with` block at whose end the jobs made in it have run."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
