import pytest


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    """No test finds files that another left: what is stored already is taken for part of a version."""
    settings.MEDIA_ROOT, settings.WORK_DIR = tmp_path / "media", tmp_path / "work"
