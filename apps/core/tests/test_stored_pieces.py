"""Uploads where web processes share nothing but the database and the store: each piece may come to another one."""

from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core import stored_pieces, uploads
from apps.core.models import Upload
from conftest import stored_files

DATA = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def store_elsewhere(settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT, settings.UPLOAD_DIR = tmp_path / "media", tmp_path / "uploads"
    settings.UPLOAD_DIR.mkdir()
    monkeypatch.setattr(uploads, "is_local", lambda storage: False)
    monkeypatch.setattr(stored_pieces, "PIECE", 1000)


@pytest.fixture
def begun(alice):
    return uploads.create_upload(alice, "cells.zip", len(DATA))


class Body:
    """A request's body; it breaks after its chunks where it is told to, and does something before the last."""

    def __init__(self, *chunks, breaks=False, meanwhile=None):
        self.chunks, self.breaks, self.meanwhile = list(chunks), breaks, meanwhile

    def read(self, size):
        if len(self.chunks) == 1 and self.meanwhile:
            self.meanwhile()
        if self.chunks:
            return self.chunks.pop(0)
        if self.breaks:
            raise OSError("connection reset")
        return b""


def at_another_web_process(upload, monkeypatch, settings, tmp_path):
    """The same upload with nothing of the disk that it was on."""
    settings.UPLOAD_DIR = tmp_path / "other"
    settings.UPLOAD_DIR.mkdir(exist_ok=True)
    return Upload.objects.get(pk=upload.pk)


def test_pieces_that_come_to_two_web_processes_become_one_file(begun, monkeypatch, settings, tmp_path):
    assert uploads.append_piece(begun, 0, Body(DATA[:2500])) == 2500
    assert not list(settings.UPLOAD_DIR.iterdir())
    other = at_another_web_process(begun, monkeypatch, settings, tmp_path)
    assert uploads.offset_of(other) == 2500
    assert uploads.append_piece(other, 2500, Body(DATA[2500:])) == len(DATA)
    with default_storage.open(uploads.take_upload(Upload.objects.get())) as file:
        assert file.read() == DATA
    assert not stored_files("jobs/pieces")
    assert Upload.objects.get().pieces == []


def test_what_came_before_a_broken_connection_is_kept(begun):
    assert uploads.append_piece(begun, 0, Body(DATA[:10], DATA[10:1500], breaks=True)) == 1500
    assert uploads.offset_of(begun) == 1500


def test_drops_grow_to_pieces(begun):
    for start in range(0, 3000, 100):
        uploads.append_piece(begun, start, Body(DATA[start : start + 100]))
    sizes = [size for _, size in Upload.objects.get().pieces]
    assert sizes == [1000, 1000, 1000]
    assert len(stored_files("jobs/pieces")) == 3
    uploads.append_piece(begun, 3000, Body(DATA[3000:]))
    with default_storage.open(uploads.take_upload(Upload.objects.get())) as file:
        assert file.read() == DATA


def test_of_two_pieces_at_once_one_wins_and_nothing_interleaves(begun):
    uploads.append_piece(begun, 0, Body(DATA[:900]))
    rival = Body(DATA[900:1000], b"x" * 50, meanwhile=lambda: uploads.append_piece(begun, 900, Body(DATA[900:1800])))
    with pytest.raises(uploads.WrongOffset) as refused:
        uploads.append_piece(begun, 900, rival)
    assert refused.value.offset == 1800
    assert len(stored_files("jobs/pieces")) == len(Upload.objects.get().pieces)
    uploads.append_piece(begun, 1800, Body(DATA[1800:]))
    with default_storage.open(uploads.take_upload(Upload.objects.get())) as file:
        assert file.read() == DATA


def test_more_than_announced_is_refused(begun):
    with pytest.raises(uploads.UploadTooLarge):
        uploads.append_piece(begun, 0, Body(DATA + b"x"))
    assert uploads.offset_of(begun) <= len(DATA)


@pytest.mark.parametrize("killed", ["before it is stored", "after it was stored"])
def test_a_last_step_that_was_killed_is_done_by_whoever_asks(begun, monkeypatch, killed):
    class Killed(BaseException):
        pass

    def kill(upload, name):
        if killed == "after it was stored":
            join(upload, name)
        raise Killed

    join = stored_pieces.join
    monkeypatch.setattr(stored_pieces, "join", kill)
    with pytest.raises(Killed):
        uploads.append_piece(begun, 0, Body(DATA))
    monkeypatch.setattr(stored_pieces, "join", join)
    assert uploads.offset_of(Upload.objects.get()) == len(DATA)
    with default_storage.open(uploads.take_upload(Upload.objects.get())) as file:
        assert file.read() == DATA
    assert not stored_files("jobs/pieces")


def test_an_upload_that_is_deleted_takes_its_pieces_along_also_the_one_under_way(begun):
    body = Body(DATA[:1000], DATA[1000:2000], meanwhile=lambda: uploads.delete_upload(Upload.objects.get()))
    with pytest.raises(uploads.UploadGone):
        uploads.append_piece(begun, 0, body)
    assert not stored_files("jobs/pieces")


def test_sweep_deletes_pieces_whose_row_is_gone_but_none_of_a_moment_ago(begun):
    uploads.append_piece(begun, 0, Body(DATA[:1000]))
    kept = uploads.create_upload(begun.owner, "other.zip", 9000)
    uploads.append_piece(kept, 0, Body(DATA[:1000]))
    Upload.objects.filter(pk=begun.pk).delete()
    assert uploads.sweep_uploads() == 0
    assert stored_pieces.sweep(timezone.now() + timedelta(hours=2)) == 1
    assert uploads.offset_of(kept) == 1000
    assert len(stored_files("jobs/pieces")) == 1
