"""What the tests of backups share: a store of their own, a place for backups, another platform."""

import pytest
from django.db import connection

from apps.core.backup.places import open_place
from apps.core.storage import AtomicFileStorage
from tests.other_database import empty_sqlite, sqlite_copy


def quiet(line):
    """Nobody listens."""


@pytest.fixture(scope="session")
def empty_tables(django_db_setup, django_db_blocker, tmp_path_factory):
    """An SQLite file with all tables and no rows."""
    with django_db_blocker.unblock():
        return empty_sqlite(tmp_path_factory.mktemp("empty"))


@pytest.fixture(autouse=True)
def committed(request, empty_tables):
    """On PostgreSQL a snapshot needs a transaction of its own, so nothing may lie in one that a test rolls back."""
    request.getfixturevalue("transactional_db" if connection.vendor == "postgresql" else "db")


@pytest.fixture(autouse=True)
def own_store(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.WORK_DIR = tmp_path / "work"
    settings.VALKEY_SOCKET = ""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}


@pytest.fixture
def place(tmp_path):
    return open_place(str(tmp_path / "backups"))


@pytest.fixture
def elsewhere(empty_tables, tmp_path):
    """Another platform, an empty one: how `restore_backup` and `make_backup` are told of it."""
    with sqlite_copy("elsewhere", empty_tables, tmp_path / "elsewhere.sqlite3") as alias:
        yield {"using": alias, "storage": AtomicFileStorage(location=tmp_path / "elsewhere"), "say": quiet}
