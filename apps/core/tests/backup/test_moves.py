"""Backups between SQLite and PostgreSQL, disk and S3, and through kills: with real servers and real processes."""

import os
import subprocess
import time
from pathlib import Path

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import CommandError
from django.core.management.color import no_style
from django.core.management.sql import sql_flush
from django.db import connections
from storages.backends.s3 import S3Storage

from apps.core.backup import BackupError, places
from apps.core.backup.checking import verify
from apps.core.backup.making import make_backup
from apps.core.backup.manifests import read_manifest, write_manifest
from apps.core.backup.places import open_place, walk
from apps.core.backup.restoring import restore_backup
from apps.core.backup.shelf import Shelf
from apps.core.backup.tables import filled_tables
from apps.core.models import Job
from apps.core.storage import AtomicFileStorage
from apps.core.tests.backup.conftest import quiet
from benchmarks.postgres import binaries, running_postgres
from tests.other_database import database, manage, platform, sqlite_copy
from tests.real_parts import FORGETFUL, free_ports, running_s3

pytestmark = pytest.mark.once  # between databases and stores of its own

MANY = 2000
SECONDS = 120


@pytest.fixture(scope="module")
def postgres():
    """The address of an empty database on a server of our own."""
    if binaries() is None:
        pytest.skip("the programs of a PostgreSQL server are not here (on Debian: apt-get install postgresql)")
    with running_postgres(free_ports(1)[0], options=FORGETFUL) as address:
        yield address


@pytest.fixture(scope="module")
def s3():
    """The options of S3 storages on a server of our own."""
    with running_s3() as told:
        yield options_of(told)


def options_of(told):
    return {
        "endpoint_url": told["TEST_S3_ENDPOINT_URL"], "region_name": told["TEST_S3_REGION"],
        "access_key": told["TEST_S3_ACCESS_KEY"], "secret_key": told["TEST_S3_SECRET_KEY"],
        "default_acl": None, "file_overwrite": True,
    }  # fmt: skip


def bucket(name, options):
    storage = S3Storage(bucket_name=name, **options)
    storage.connection.create_bucket(Bucket=name)
    return storage


def emptied(alias):
    connection = connections[alias]
    connection.ops.execute_sql_flush(sql_flush(no_style(), connection, reset_sequences=True))
    return alias


def fingerprint(output):
    return next(line.split()[1] for line in output.splitlines() if line.startswith("Fingerprint:"))


def test_platform_moves_to_postgres_on_to_another_and_back_and_stays_identical(
    trained_model, place, postgres, empty_tables, tmp_path
):
    for number in range(3):
        Job.objects.create(owner=trained_model.owner, kind="x", task="y", params={"z": number, "a": [0.1, None, "ü"]})
    Job.objects.filter(params__z=2).delete()
    last = Job.objects.order_by("pk").last().pk + 1
    wanted = make_backup(place, say=quiet).fingerprint
    moved, second = tmp_path / "moved", str(tmp_path / "second")
    platform(moved, "restore", place.location, DATABASE_URL=postgres)
    assert fingerprint(platform(moved, "backup", second, DATABASE_URL=postgres)) == wanted
    with pytest.raises(CommandError, match="not empty"):
        platform(moved, "restore", second, DATABASE_URL=postgres)
    with psycopg.connect(postgres.replace("/pages", "/postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE twin TEMPLATE pages")
    from_postgres = read_manifest(open_place(second))
    with database("twin", postgres.replace("/pages", "/twin")) as alias:
        twin = {"using": emptied(alias), "storage": AtomicFileStorage(location=tmp_path / "twin"), "say": quiet}
        restore_backup(open_place(second), from_postgres, **twin)
        assert make_backup(open_place(str(tmp_path / "third")), **twin).fingerprint == wanted
        new = Job(owner_id=trained_model.owner_id, kind="x", task="y")
        new.save(using=alias)
        assert new.pk > last
        with (
            psycopg.connect(postgres.replace("/pages", "/twin")),
            pytest.raises(BackupError, match="other connections"),
        ):
            restore_backup(open_place(second), from_postgres, replace=True, **twin)
    with sqlite_copy("back", empty_tables, tmp_path / "back.sqlite3") as alias:
        back = {"using": alias, "storage": AtomicFileStorage(location=tmp_path / "back"), "say": quiet}
        restore_backup(open_place(second), from_postgres, **back)
        assert make_backup(open_place(str(tmp_path / "fourth")), **back).fingerprint == wanted


def test_rows_of_postgres_are_those_of_one_moment(alice, postgres, tmp_path):
    """What is written while rows are read is not in the backup, in no table."""
    from apps.core.backup import making

    with psycopg.connect(postgres.replace("/pages", "/postgres"), autocommit=True) as server:
        server.execute("CREATE DATABASE busy")
    address = postgres.replace("/pages", "/busy")
    platform(tmp_path / "busy", "migrate", "--verbosity=0", DATABASE_URL=address)
    write, sizes = making.write_table, []

    def write_and_add(model, *args):
        type(alice)(username=f"user{len(sizes)}", email=f"user{len(sizes)}@example.org").save(using="writer")
        sizes.append(write(model, *args))
        return sizes[-1]

    with database("busy", address), database("writer", address), pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "write_table", write_and_add)
        manifest = make_backup(open_place(str(tmp_path / "b")), AtomicFileStorage(tmp_path / "m"), "busy", quiet)
    assert next(table["count"] for table in manifest.tables if table["table"] == "accounts_user") == 0
    assert len(sizes) > 5


def test_s3_to_s3_and_back_to_a_disk(ready_dataset, s3, settings, elsewhere, tmp_path):
    settings.BACKUP_S3_OPTIONS = s3
    store, there = bucket("platform", s3), open_place("s3://backups/team/a")
    with pytest.raises(BackupError, match="bucket backups cannot be used"):
        make_backup(there, storage=store, say=quiet)
    bucket("backups", s3)
    for found in walk(default_storage):
        store.save(found.name, default_storage.open(found.name))
    wanted = make_backup(open_place(str(tmp_path / "local")), say=quiet).fingerprint
    manifest = make_backup(there, storage=store, say=quiet)
    assert manifest.fingerprint == wanted
    objects = len(Shelf(there))
    make_backup(there, storage=store, say=quiet)
    assert len(Shelf(there)) == objects
    assert [found.name.split("/")[0] for found in walk(S3Storage(bucket_name="backups", **s3))] == ["team"] * (
        objects + 2
    )
    restore_backup(there, read_manifest(there), **elsewhere)
    assert make_backup(open_place(str(tmp_path / "again")), **elsewhere).fingerprint == wanted
    a_file = next(found for found in walk(store))
    sha256, size = Shelf(there).put(store.open(a_file.name))
    there.save(f"objects/{sha256[:2]}/{sha256}", ContentFile(bytes(size)))
    with pytest.raises(BackupError, match="damaged"):
        verify(there, manifest, quiet)


@pytest.fixture(scope="module")
def off_site():
    """As `s3`, of another server, which knows other people."""
    with running_s3() as told:
        yield options_of(told)


def test_a_platform_whose_files_are_in_one_store_is_backed_up_to_another_with_another_account(s3, off_site, tmp_path):
    store, target, away = bucket("same-name", s3), bucket("after", s3), bucket("same-name", off_site)
    store.save("datasets/1/images/a.png", ContentFile(b"of the platform"))
    files = [found.name for found in walk(store)]
    here = as_settings("S3", s3) | {"S3_BUCKET": "same-name"}  # a name that both stores have
    there = as_settings("BACKUP_S3", off_site)
    backup = (tmp_path / "before", "backup", "s3://same-name/team")
    platform(tmp_path / "before", "migrate", "--verbosity=0", **here)
    wanted = fingerprint(platform(*backup, **here, **there))
    assert {found.name.split("/")[0] for found in walk(away)} == {"team"}
    assert [found.name for found in walk(store)] == files
    here["S3_BUCKET"] = "after"
    platform(tmp_path / "after", "restore", "s3://same-name/team", **here, **there)
    assert [found.name for found in walk(target)] == files
    assert fingerprint(platform(tmp_path / "after", "backup", str(tmp_path / "second"), **here)) == wanted


def test_the_platforms_own_bucket_and_an_account_that_is_unknown_there_are_refused(s3, off_site, settings, monkeypatch):
    monkeypatch.setattr(places, "default_storage", bucket("taken", s3))
    settings.BACKUP_S3_OPTIONS = s3
    with pytest.raises(BackupError, match="keeps its own files in the bucket taken"):
        open_place("s3://taken/team")
    settings.BACKUP_S3_OPTIONS = s3 | {"endpoint_url": off_site["endpoint_url"]}
    bucket("taken", off_site)
    with pytest.raises(BackupError, match="bucket taken cannot be used"):
        places.prepare_place(open_place("s3://taken/team"))


def as_settings(prefix, options):
    names = {"region_name": "REGION"}
    accounts = ("endpoint_url", "region_name", "access_key", "secret_key")
    return {f"{prefix}_{names.get(name, name.upper())}": options[name] for name in accounts}


@pytest.fixture
def many_files(alice, settings):
    """A platform with a person and many files on this disk."""
    store = AtomicFileStorage(location=settings.MEDIA_ROOT)
    for number in range(MANY):
        store.save(f"datasets/1/images/{number}.png", ContentFile(b"%d" % number * 300))
    return store


def killed_when(is_time, data_dir, *command):
    """Run `manage.py`, SIGKILL it as soon as `is_time()`, and say whether it was still at it."""
    with subprocess.Popen(**manage(data_dir, *command), stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + SECONDS
        while not is_time() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        return process.wait() == -9


def count_files(folder):
    return sum(len(files) for _, _, files in os.walk(folder))


def test_backup_that_is_killed_is_none_and_the_next_one_is_whole(many_files, empty_tables, settings, place, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "platform.sqlite3").write_bytes(Path(empty_tables).read_bytes())
    Path(many_files.location).rename(source / "media")
    objects = Path(place.location) / "objects"
    assert killed_when(lambda: count_files(objects) > 20, source, "backup", place.location)
    assert 20 < count_files(objects) < MANY
    with pytest.raises(BackupError, match="no complete backup"):
        read_manifest(place)
    assert "is complete" in platform(source, "backup", place.location)
    manifest = read_manifest(place)
    verify(place, manifest, quiet)
    assert manifest.files["count"] == MANY


def test_restore_that_is_killed_leaves_an_empty_platform_and_goes_again(alice, many_files, place, tmp_path):
    """Of a release before the inference app, whose tables come when the rows are in."""
    manifest = make_backup(place, storage=many_files, say=quiet)
    manifest.migrations = [one for one in manifest.migrations if one[0] != "inference"]
    manifest.tables = [one for one in manifest.tables if not one["table"].startswith("inference_")]
    write_manifest(place, manifest)
    target, command = tmp_path / "target", ("restore", place.location)
    assert killed_when(lambda: count_files(target / "media") > 20, target, *command)
    assert 20 < count_files(target / "media") < MANY
    with database("target", f"sqlite:///{target}/platform.sqlite3") as alias:
        assert filled_tables(alias) == []
    assert "is restored" in platform(target, *command)
    # What was half written when it was killed lies among the drafts, and is swept.
    assert sum(1 for _ in walk(AtomicFileStorage(location=target / "media"))) == MANY
    with database("target", f"sqlite:///{target}/platform.sqlite3") as alias:
        assert type(alice).objects.using(alias).get().created_at == alice.created_at
        assert "inference_deployment" in connections[alias].introspection.table_names()
