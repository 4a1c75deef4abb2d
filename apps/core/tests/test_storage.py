"""A stored file is whole or not there."""

import os
import time
from pathlib import Path

import pytest
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.core import storage as storages
from apps.core.storage import AtomicFileStorage, new_draft


@pytest.fixture
def storage(tmp_path):
    return AtomicFileStorage(location=tmp_path)


class Torn(ContentFile):
    """A file whose source fails after its first chunk."""

    def chunks(self, chunk_size=None):
        yield b"first half"
        raise OSError("connection lost")


def test_file_is_stored_under_the_name_that_was_asked(storage):
    assert storage.save("a/b.txt", ContentFile(b"one")) == "a/b.txt"
    assert storage.open("a/b.txt").read() == b"one"


def test_same_name_again_replaces(storage):
    storage.save("a.txt", ContentFile(b"a longer text"))
    storage.save("a.txt", ContentFile(b"two"))
    assert storage.open("a.txt").read() == b"two"


def test_nothing_is_left_of_a_file_whose_writing_failed(storage, tmp_path):
    with pytest.raises(OSError, match="connection lost"):
        storage.save("a.txt", Torn(b""))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.local_files
def test_draft_that_a_kill_left_is_swept_and_a_young_one_stays(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    default_storage.save("a.txt", ContentFile(b"whole"))
    drafts = tmp_path / storages.DRAFTS
    for name, age in (("old", 7200), ("young", 60)):
        (drafts / name).write_bytes(b"half")
        os.utime(drafts / name, (time.time() - age,) * 2)
    assert storages.sweep_drafts() == 1
    assert [path.name for path in drafts.iterdir()] == ["young"]
    assert (tmp_path / "a.txt").read_bytes() == b"whole"


def test_old_file_stays_whole_where_writing_the_new_one_failed(storage, tmp_path):
    storage.save("a.txt", ContentFile(b"old"))
    with pytest.raises(OSError, match="connection lost"):
        storage.save("a.txt", Torn(b""))
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [b"old"]


def test_name_cannot_leave_the_folder(storage, tmp_path):
    with pytest.raises(SuspiciousFileOperation):
        storage.save("../outside.txt", ContentFile(b"x"))
    assert not Path(tmp_path.parent / "outside.txt").exists()


@pytest.mark.local_files
def test_draft_is_moved_into_place_when_it_is_stored():
    with new_draft() as draft:
        draft.write(b"a lot")
        inode = os.fstat(draft.file.fileno()).st_ino
        name = default_storage.save("exports/a.zip", draft)
    path = Path(default_storage.path(name))
    assert (path.read_bytes(), path.stat().st_ino) == (b"a lot", inode)
    assert not Path(draft.path).exists()


def test_draft_that_is_not_stored_is_gone():
    with new_draft() as draft:
        draft.write(b"a lot")
    assert not Path(draft.path).exists()


def test_draft_whose_writer_fails_is_gone():
    writing = new_draft()
    draft = writing.__enter__()
    assert not writing.__exit__(ValueError, ValueError("no"), None)
    assert not Path(draft.path).exists()
