"""Resumable uploads: the protocol, who may, and what is on the disk after whatever happens."""

import base64
import fcntl
import os
import threading
import time
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core import jobs, uploads
from apps.core.models import Job, Upload
from conftest import stored_files

DATA = bytes(range(256)) * 40
TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
PIECE = "application/offset+octet-stream"


@pytest.fixture(autouse=True)
def own_folders(settings, tmp_path):
    settings.MEDIA_ROOT, settings.UPLOAD_DIR = tmp_path / "media", tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()


@pytest.fixture
def tus(api_as, alice):
    """Alice's client of the protocol."""
    return Tus(api_as(alice))


class Tus:
    def __init__(self, api):
        self.api = api

    def create(self, size=10_240, filename="cells.zip", **headers):
        metadata = f"filename {base64.b64encode(filename.encode()).decode()}, kind"
        headers = {**TUS, "HTTP_UPLOAD_LENGTH": str(size), "HTTP_UPLOAD_METADATA": metadata, **headers}
        return self.api.post("/api/v1/uploads", content_type=None, **headers)

    def send(self, url, offset, data, **headers):
        headers = {**TUS, "HTTP_UPLOAD_OFFSET": str(offset), **headers}
        return self.api.generic("PATCH", url, data, content_type=headers.pop("content_type", PIECE), **headers)

    def offset(self, url):
        answer = self.api.head(url, **TUS)
        return int(answer["Upload-Offset"]) if answer.status_code == 200 else answer.status_code


def stored():
    return default_storage.open(Upload.objects.get().file.name).read()


def test_pieces_become_the_file_and_lie_in_the_store(tus):
    answer = tus.create()
    assert (answer.status_code, answer["Tus-Resumable"]) == (201, "1.0.0")
    url = answer["Location"]
    assert tus.offset(url) == 0
    for start in range(0, len(DATA), 3000):
        piece = DATA[start : start + 3000]
        sent = tus.send(url, start, piece)
        assert (sent.status_code, sent["Upload-Offset"]) == (204, str(start + len(piece)))
        assert tus.offset(url) == start + len(piece)
    upload = Upload.objects.get()
    assert (upload.filename, upload.is_complete, stored()) == ("cells.zip", True, DATA)
    assert not list(uploads.pieces_dir().glob("*"))
    assert tus.api.get(url).json() | {"expires_at": ""} == {
        "id": str(upload.pk), "filename": "cells.zip", "size": len(DATA), "offset": len(DATA), "is_complete": True,
        "part_size": None, "expires_at": "",
    }  # fmt: skip


def test_first_piece_can_come_with_the_announcement(tus):
    headers = TUS | {"HTTP_UPLOAD_LENGTH": str(len(DATA))}
    answer = tus.api.generic("POST", "/api/v1/uploads", DATA[:100], content_type=PIECE, **headers)
    assert (answer.status_code, answer["Upload-Offset"]) == (201, "100")
    assert tus.send(answer["Location"], 100, DATA[100:]).status_code == 204
    assert stored() == DATA


def test_options_say_what_the_server_can(tus, settings):
    settings.MAX_ARCHIVE_BYTES = 77
    answer = tus.api.options("/api/v1/uploads")
    assert (answer.status_code, answer["Tus-Version"], answer["Tus-Max-Size"]) == (204, "1.0.0", "77")
    assert set(answer["Tus-Extension"].split(",")) == {
        "creation", "creation-with-upload", "termination", "expiration"
    }  # fmt: skip


@pytest.mark.local_files
@pytest.mark.parametrize(("offset", "here"), [(0, 100), (99, 100), (101, 100), (10**17, 100)])
def test_piece_at_the_wrong_place_is_409_and_says_the_right_one(tus, offset, here):
    url = tus.create()["Location"]
    tus.send(url, 0, DATA[:100])
    answer = tus.send(url, offset, DATA[100:200])
    assert (answer.status_code, answer["Upload-Offset"]) == (409, str(here))
    assert uploads.pieces_path(Upload.objects.get()).read_bytes() == DATA[:100]


def test_more_than_announced_is_413_and_nothing_of_it_is_kept(tus):
    url = tus.create(size=150)["Location"]
    tus.send(url, 0, DATA[:100])
    assert tus.send(url, 100, DATA[100:151]).status_code == 413
    assert tus.offset(url) == 100


def test_archive_over_the_limit_is_413(tus, settings):
    settings.MAX_ARCHIVE_BYTES = 2**20
    assert tus.create(size=2**20).status_code == 201
    answer = tus.create(size=2**20 + 1)
    assert (answer.status_code, answer.json()) == (413, {"detail": "The archive is larger than 1 MB."})


@pytest.mark.local_files
def test_archive_larger_than_the_disk_is_507(tus, settings):
    settings.MAX_ARCHIVE_BYTES = 10**18
    assert tus.create(size=10**17).status_code == 507
    assert Upload.objects.count() == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"HTTP_TUS_RESUMABLE": "0.2.2"}, 412),
        ({"HTTP_UPLOAD_LENGTH": ""}, 400),
        ({"HTTP_UPLOAD_LENGTH": "-1"}, 400),
        ({"HTTP_UPLOAD_LENGTH": "1e3"}, 400),
        ({"HTTP_UPLOAD_LENGTH": "٣"}, 400),
        ({"HTTP_UPLOAD_LENGTH": "0"}, 400),
        ({"HTTP_UPLOAD_METADATA": "filename ???"}, 400),
    ],
)
def test_bad_announcement_is_refused_in_words(tus, headers, status):
    answer = tus.create(**headers)
    assert (answer.status_code, list(answer.json())) == (status, ["detail"])
    assert Upload.objects.count() == 0


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"HTTP_TUS_RESUMABLE": ""}, 412),
        ({"HTTP_UPLOAD_OFFSET": "x"}, 400),
        ({"content_type": "application/json"}, 415),
    ],
)
def test_bad_piece_is_refused_in_words(tus, headers, status):
    url = tus.create()["Location"]
    assert tus.send(url, 0, b"abc", **headers).status_code == status
    assert tus.offset(url) == 0


def test_method_can_be_overridden_where_a_proxy_knows_no_patch(tus):
    url = tus.create()["Location"]
    headers = TUS | {"HTTP_UPLOAD_OFFSET": "0", "HTTP_X_HTTP_METHOD_OVERRIDE": "PATCH"}
    assert tus.api.generic("POST", url, DATA, content_type=PIECE, **headers).status_code == 204
    assert stored() == DATA


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\x\\passwd", "a/b/passwd\x00"])
def test_name_never_leads_anywhere(tus, name):
    url = tus.create(filename=name)["Location"]
    tus.send(url, 0, DATA)
    upload = Upload.objects.get()
    assert upload.filename == "passwd"
    assert upload.file.name == f"jobs/in/{upload.pk.hex}"


# --- who may ------------------------------------------------------------------------------------------------
def test_upload_of_another_does_not_exist(tus, api_as, bob, operator):
    url = tus.create()["Location"]
    for stranger in (bob, operator):
        other = Tus(api_as(stranger))
        assert other.offset(url) == 404
        assert other.send(url, 0, DATA).status_code == 404
        assert other.api.get(url).status_code == 404
        assert other.api.delete(url, **TUS).status_code == 404
    assert Tus(api_as(None)).create().status_code == 401
    assert tus.offset(url) == 0


def test_browser_needs_the_csrf_token_and_a_machine_a_token_that_writes(api_as, alice, settings):
    from django.test import Client
    from rest_framework.test import APIClient

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend=settings.AUTHENTICATION_BACKENDS[0])
    headers = TUS | {"HTTP_UPLOAD_LENGTH": "5"}
    assert browser.generic("POST", "/api/v1/uploads", b"", **headers).status_code == 403
    browser.get("/")
    page = browser.get("/datasets/import").content.decode()
    token = page.split('X-CSRFToken": "')[1].split('"')[0]
    answer = browser.generic("POST", "/api/v1/uploads", b"", HTTP_X_CSRFTOKEN=token, **headers)
    assert answer.status_code == 201
    sent = browser.generic(
        "PATCH", answer["Location"], b"12345", content_type=PIECE, HTTP_X_CSRFTOKEN=token, HTTP_UPLOAD_OFFSET="0", **TUS
    )
    assert sent.status_code == 204
    for scope, status in (("read", 403), ("write", 201)):
        key = api_as(alice).post("/api/v1/auth/tokens", {"name": scope, "scope": scope}).json()["token"]
        client = APIClient(HTTP_AUTHORIZATION=f"Token {key}")
        assert client.post("/api/v1/uploads", content_type=None, **headers).status_code == status


def test_unfinished_uploads_of_one_person_have_a_limit(tus, monkeypatch):
    monkeypatch.setattr(uploads, "MAX_UNFINISHED", 2)
    urls = [tus.create()["Location"] for _ in range(2)]
    assert tus.create().status_code == 409
    tus.send(urls[0], 0, DATA)
    assert tus.create().status_code == 201


# --- what may happen ----------------------------------------------------------------------------------------
class Broken:
    """A body whose connection breaks after some bytes."""

    def __init__(self, *chunks):
        self.chunks = list(chunks)

    def read(self, size):
        if not self.chunks:
            raise OSError("connection reset")
        return self.chunks.pop(0)


def test_what_came_before_a_broken_connection_is_kept(tus):
    url = tus.create()["Location"]
    assert uploads.append_piece(Upload.objects.get(), 0, Broken(DATA[:10], DATA[10:500])) == 500
    assert tus.offset(url) == 500
    tus.send(url, 500, DATA[500:])
    assert stored() == DATA


@pytest.mark.local_files
def test_offset_is_the_files_own_size_and_not_what_a_row_says(tus):
    url = tus.create()["Location"]
    tus.send(url, 0, DATA[:400])
    upload = Upload.objects.get()
    os.truncate(uploads.pieces_path(upload), 250)
    assert tus.offset(url) == 250
    assert tus.send(url, 400, DATA[400:500]).status_code == 409
    Upload.objects.update(offset=0)
    assert tus.send(url, 250, DATA[250:]).status_code == 204
    assert stored() == DATA


@pytest.mark.local_files
def test_second_piece_at_once_is_423_and_nothing_interleaves(tus):
    url = tus.create()["Location"]
    upload = Upload.objects.get()

    class Slow:
        """While the first piece is being read, the second comes."""

        said = None

        def read(self, size):
            if self.said is None:
                self.said = tus.send(url, 0, b"x" * 50).status_code
                return DATA[:100]
            return b""

    slow = Slow()
    assert uploads.append_piece(upload, 0, slow) == 100
    assert slow.said == 423
    assert uploads.pieces_path(upload).read_bytes() == DATA[:100]


@pytest.mark.local_files
def test_upload_deleted_while_a_piece_comes_leaves_nothing(tus):
    url = tus.create()["Location"]
    upload = Upload.objects.get()
    with uploads.pieces_path(upload).open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert tus.api.delete(url, **TUS).status_code == 204
    assert tus.offset(url) == 404
    assert not list(uploads.pieces_dir().iterdir())


@pytest.mark.local_files
@pytest.mark.parametrize("killed", ["before the move", "after the move"])
def test_upload_whose_last_step_was_killed_is_finished_by_whoever_asks(tus, monkeypatch, killed):
    class Killed(BaseException):
        pass

    def kill(path, name):
        if killed == "after the move":
            move(path, name)
        raise Killed

    url = tus.create()["Location"]
    move = uploads._move_to_store
    monkeypatch.setattr(uploads, "_move_to_store", kill)
    with pytest.raises(Killed):
        uploads.append_piece(Upload.objects.get(), 0, Broken(DATA))
    monkeypatch.undo()
    assert not Upload.objects.get().is_complete
    assert tus.offset(url) == len(DATA)
    name = uploads.take_upload(Upload.objects.get())
    assert default_storage.open(name).read() == DATA


def test_upload_that_is_not_complete_cannot_be_taken(tus):
    tus.send(tus.create()["Location"], 0, DATA[:9])
    with pytest.raises(uploads.UploadIncomplete, match="9 of 10240 bytes"):
        uploads.take_upload(Upload.objects.get())


@pytest.mark.local_files
def test_upload_whose_bytes_are_gone_is_410(tus):
    url = tus.create()["Location"]
    uploads.pieces_path(Upload.objects.get()).unlink()
    assert tus.offset(url) == 410
    assert tus.send(url, 0, DATA).status_code == 410


# --- the end ------------------------------------------------------------------------------------------------
@pytest.mark.local_files
def test_sweep_deletes_what_is_past_its_time_and_what_has_no_row(tus):
    kept = tus.create()["Location"]
    over = tus.create()["Location"]
    tus.send(over, 0, DATA)
    Upload.objects.filter(file__gt="").update(expires_at=timezone.now() - timedelta(hours=1))
    stray = uploads.pieces_dir() / "0123456789abcdef0123456789abcdef"
    stray.write_bytes(b"x")
    assert uploads.sweep_uploads() == 1
    os.utime(stray, (time.time() - 7200,) * 2)
    assert uploads.sweep_uploads() == 1
    assert (tus.offset(kept), tus.offset(over)) == (0, 404)
    assert not stored_files("jobs/in")


def test_file_stays_while_anything_knows_it_and_goes_with_the_last(tus, alice):
    tus.send(tus.create()["Location"], 0, DATA)
    upload = Upload.objects.get()
    name = uploads.take_upload(upload)
    first, second = (jobs.create_job(alice, "import", "x", upload=name) for _ in range(2))
    uploads.delete_upload(upload)
    past = timezone.now() - timedelta(hours=1)
    for job, there in ((first, True), (second, False)):
        Job.objects.filter(pk=job.pk).update(status="completed", expires_at=past)
        assert jobs.expire_files() == 1
        assert default_storage.exists(name) == there


def test_pieces_leave_threads_for_pages(tus, monkeypatch):
    monkeypatch.setattr("apps.core.tus._places", threading.BoundedSemaphore(1))
    url, other = (tus.create()["Location"] for _ in range(2))

    class Slow:
        said = None

        def read(self, size):
            if self.said is None:
                self.said = tus.send(other, 0, b"x")
                return DATA[:100]
            return b""

    slow = Slow()
    monkeypatch.setattr("apps.core.tus.PieceParser.parse", lambda *args, **more: slow)
    assert tus.send(url, 0, DATA[:100]).status_code == 204
    assert (slow.said.status_code, slow.said["Retry-After"]) == (503, "2")
    assert tus.offset(other) == 0


def test_file_of_a_job_that_no_row_knows_goes_after_a_day(alice, monkeypatch):
    kept = jobs.create_job(alice, "import", "x", upload=ContentFile(b"kept", "a.zip"))
    coming = Upload.objects.create(owner=alice, filename="b.zip", size=4, expires_at=timezone.now())
    put_together = default_storage.save(uploads.stored_name(coming), ContentFile(b"here"))  # not noted yet
    for name in ("jobs/in/stray.zip", "jobs/out/stray.csv"):
        default_storage.save(name, ContentFile(b"stray"))
    assert jobs.sweep_stray_files() == 0
    tomorrow = timezone.now() + timedelta(hours=25)
    monkeypatch.setattr(jobs.timezone, "now", lambda: tomorrow)
    assert jobs.sweep_stray_files() == 2
    assert default_storage.exists(kept.upload.name)
    assert default_storage.exists(put_together)
