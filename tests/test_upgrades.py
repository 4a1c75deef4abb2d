"""What the first release wrote, today's code reads, on SQLite and on PostgreSQL."""

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from tests.other_database import schema

ROOT = Path(__file__).parent.parent


@pytest.fixture
def empty_database(tmp_path):
    """The environment of a platform without rows: SQLite in its own folder, or a database beside the tests' own."""
    own = {"DATA_DIR": str(tmp_path / "data"), "S3_BUCKET": ""}
    address = os.environ.get("TEST_DATABASE_URL")
    if not address:
        yield own | {"DATABASE_URL": ""}
        return
    server, name = address.rsplit("/", 1)[0], f"upgrade_{uuid.uuid4().hex}"
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        yield own | {"DATABASE_URL": f"{server}/{name}"}
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.django_db
def test_a_platform_of_the_first_release_goes_on(empty_database):
    done = subprocess.run(
        [sys.executable, "-m", "tests.first_release"], cwd=ROOT, env=os.environ | empty_database, text=True,
        capture_output=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found["pages"].values()) == {200}, found["pages"]
    assert found["labels"] == [["red", 0.5, 0.2], ["white", 0.3, 0.1 if connection.vendor == "sqlite" else 0.2]]
    assert (found["signed_in"], found["images"], found["epochs"], found["owner"]) == (True, 3, 2, "ada")
    assert found["log"] == "epoch 1\nepoch 2\n"
    assert found["locked"] == []  # on PostgreSQL: nothing keeps writers waiting for as long as a table is large
    assert len(found["deployments"]) == 1  # a model that was deployed has a name to be called by
    assert found["schema"] == json.loads(json.dumps(schema(connection)))  # all steps, and all of them as one
