"""A full disk: said in words, nothing half saved, and all goes on when there is room."""

import errno
import os
import subprocess
from contextlib import contextmanager

import psycopg
import pytest
from django.core.files.storage import default_storage
from django.db import OperationalError, connection

from apps.annotations.models import Annotation
from apps.core import jobs, room
from apps.core.models import Job
from apps.core.storage import AtomicFileStorage
from apps.datasets.models import DatasetImage
from conftest import box, stored_files, upload

FULL = OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def small_disk(folder, size):
    """A file system in memory of so many bytes at `folder`; where that is not allowed the test is skipped."""
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"file systems may not be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def make_larger(folder, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", folder], check=True)


def noise(number):
    """A picture of about 100 kB."""
    from PIL import Image

    return upload(f"{number}.png", data=picture_bytes(Image.frombytes("RGB", (180, 180), os.urandom(180 * 180 * 3))))


def picture_bytes(image):
    import io

    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


@pytest.fixture(autouse=True)
def empty_store(settings, tmp_path):
    """What lies there already needs no room."""
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def no_room(monkeypatch):
    """The store has no room; called, it has."""
    with pytest.MonkeyPatch.context() as patch:

        def refuse(self, name, content):
            raise FULL

        patch.setattr(type(default_storage._wrapped), "_save", refuse)
        yield patch.undo


def test_full_disk_is_known_by_whatever_error_it_comes_as():
    wrapped = OperationalError("could not extend file")
    wrapped.__cause__ = psycopg.errors.DiskFull()
    around = RuntimeError("while saving")
    around.__context__ = FULL
    for error in (FULL, OSError(errno.EDQUOT, ""), wrapped, around, OperationalError("database or disk is full")):
        assert room.is_full(error)
    for error in (OSError(errno.EACCES, ""), OperationalError("database is locked"), ValueError("disk is full"), None):
        assert not room.is_full(error)


def test_upload_to_a_full_store_is_507_and_leaves_nothing(dataset, alice, api_as, no_room):
    default_storage.exists("x")
    address = f"/api/v1/datasets/{dataset.pk}/images"
    answer = api_as(alice).post(address, {"files": [upload("a.png", seed=1)]}, format="multipart")
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["detail"]
    assert not DatasetImage.all_objects.exists()
    assert not stored_files()
    no_room()
    answer = api_as(alice).post(address, {"files": [upload("a.png", seed=1)]}, format="multipart")
    assert answer.status_code == 201
    assert DatasetImage.objects.count() == 1


def test_page_says_that_the_disk_is_full(dataset, alice, page_as, monkeypatch):
    from apps.datasets import views

    def refuse(*args, **kwargs):
        raise FULL

    monkeypatch.setattr(views.services, "create_dataset", refuse)
    browser = page_as(alice)
    browser.raise_request_exception = False
    answer = browser.post("/datasets/new", {"name": "New", "task": "detect", "class_names": "a"})
    assert answer.status_code == 507
    assert "disk is full" in answer.content.decode()


def test_other_errors_are_still_500(alice, page_as, monkeypatch):
    from apps.datasets import views

    monkeypatch.setattr(views, "render", lambda *args, **kwargs: 1 / 0)
    browser = page_as(alice)
    browser.raise_request_exception = False
    assert browser.get("/datasets/").status_code == 500


def test_job_that_finds_no_room_says_so(alice):
    job = Job.objects.create(owner=alice, kind="x", task="y")

    def work(job, report):
        raise RuntimeError("cannot write") from FULL

    jobs.run_job(job.pk, work)
    job.refresh_from_db()
    assert job.status == "failed"
    assert job.error_message == room.OF_A_JOB


@pytest.mark.local_files
def test_real_full_disk_takes_no_half_image_and_goes_on_with_room(dataset, alice, api_as, settings, tmp_path):
    with small_disk(tmp_path / "small", "1m") as folder:
        settings.MEDIA_ROOT = folder
        address, statuses = f"/api/v1/datasets/{dataset.pk}/images", []
        while 507 not in statuses and len(statuses) < 30:
            answer = api_as(alice).post(address, {"files": [noise(len(statuses))]}, format="multipart")
            statuses.append(answer.status_code)
        assert set(statuses[:-1]) == {201}
        assert statuses[-1] == 507
        rows = list(DatasetImage.all_objects.all())
        assert len(rows) == len(statuses) - 1
        for row in rows:
            assert len(default_storage.open(row.file.name).read()) == row.num_bytes
        assert not any((folder / ".drafts").iterdir())
        make_larger(folder, "4m")
        answer = api_as(alice).post(address, {"files": [noise(99)]}, format="multipart")
        assert answer.status_code == 201


@pytest.mark.local_files
def test_file_that_does_not_fit_leaves_the_older_one_whole(tmp_path):
    from django.core.files.base import ContentFile

    with small_disk(tmp_path / "small", "1m") as folder:
        store = AtomicFileStorage(location=folder)
        store.save("a.bin", ContentFile(bytes(400_000)))
        with pytest.raises(OSError, match="No space"):
            store.save("a.bin", ContentFile(b"x" * 900_000))
        assert store.open("a.bin").read() == bytes(400_000)
        assert not any((folder / ".drafts").iterdir())


def test_full_database_keeps_the_labels_that_were_there(threads_database, images, alice, api_as):
    if connection.vendor != "sqlite":
        pytest.skip("SQLite can be told how large it may grow")
    image, client = images[0], api_as(alice)
    address = f"/api/v1/datasets/{image.dataset_id}/images/{image.pk}/annotations"
    first = client.put(address, {"revision": 0, "annotations": [box()]}, format="json")
    assert first.status_code == 200
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1")  # no page more than there are
    many = [box(x=0.3 + n / 10_000) for n in range(3000)]
    wanted = {"revision": first.json()["revision"], "annotations": many}
    answer = client.put(address, wanted, format="json")
    assert answer.status_code == 507
    assert "disk is full" in answer.json()["detail"]
    assert Annotation.objects.filter(image=image).count() == 1
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA max_page_count = 1000000")
        cursor.execute("PRAGMA integrity_check")
        assert cursor.fetchone() == ("ok",)
    assert client.put(address, wanted, format="json").status_code == 200
    assert Annotation.objects.filter(image=image).count() == 3000
