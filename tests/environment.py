"""Loaded before Django's settings: each test process gets a data folder of its own, removed at its end.

Which tests run where is decided here: docs/decisions/026-tests-on-real-parts.md.
"""

import atexit
import os
import shutil
import tempfile

import pytest


def own_folder():
    """A new folder that goes with this process."""
    folder = tempfile.mkdtemp(prefix="yt-test-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


folder = own_folder()
if "TEST_SHARED_DIR" not in os.environ:
    os.environ["TEST_SHARED_DIR"] = own_folder()  # of the first process, for all: see tests/shared.py
for name in ("DATABASE_URL", "REDIS_URL", "S3_ENDPOINT_URL", "S3_REGION", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
    if f"TEST_{name}" in os.environ:  # see tests/real_parts.py
        os.environ[name] = os.environ[f"TEST_{name}"]
if "TEST_S3_ENDPOINT_URL" in os.environ:
    os.environ["S3_BUCKET"] = f"tests-{os.getpid()}"  # each process's own
os.environ["DATA_DIR"] = folder
os.environ["SIGN_IN_RATE"] = "10000/min"
for rate in ("RATE_OF_USERS", "RATE_OF_TOKENS", "RATE_OF_ADDRESSES"):
    os.environ[rate] = "0"  # a test about limits sets its own
os.environ["WEIGHTS_DOWNLOAD"] = "false"
os.environ["OMP_NUM_THREADS"] = "1"  # two trainings beside each other: more threads only wait for each other
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of processes are started, and would compile us again


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config, items):
    """Tests that share a fixture of their module run in one process, else each process makes it again.

    On real parts only what touches the database or the store runs: the rest would say the same again.
    """
    for item in items:
        if _shares_with_its_module(item) and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(item.module.__name__))
    if "TEST_DATABASE_URL" not in os.environ:
        return
    kept = [item for item in items if _touches_real_parts(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def _shares_with_its_module(item):
    known = item._fixtureinfo.name2fixturedefs
    return any(definitions[-1].scope == "module" for definitions in known.values())


def _touches_real_parts(item):
    if any(map(item.get_closest_marker, ("platform", "browser", "once"))):
        return False  # those start platforms of their own, on the parts that they name themselves
    uses = set(getattr(item, "fixturenames", ()))
    return bool(uses & {"db", "transactional_db"} or item.get_closest_marker("django_db"))
