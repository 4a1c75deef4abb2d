"""Backups are whole, identical when restored, and never look complete when they are not."""

import datetime
import fcntl
import uuid
from pathlib import Path

import pytest
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.core.management import CommandError, call_command

from apps.core import uploads
from apps.core.backup import BackupError, making
from apps.core.backup.checking import verify
from apps.core.backup.lists import ListWriter, read_list
from apps.core.backup.making import make_backup
from apps.core.backup.manifests import backup_names, read_manifest
from apps.core.backup.places import open_place, walk
from apps.core.backup.pruning import keep_newest
from apps.core.backup.restoring import restore_backup, restore_secret
from apps.core.backup.rows import last_id
from apps.core.backup.shelf import Shelf, object_name
from apps.core.backup.values import reader, writer
from apps.core.models import Job, Upload
from apps.core.tests.backup.conftest import quiet

pytestmark = pytest.mark.once  # test_moves.py brings a PostgreSQL and an S3 server of its own


def stored(name, text=b"text"):
    return default_storage.save(name, ContentFile(text))


def damage(place, sha256, data=None):
    """Have other bytes under an object's name; as many, unless `data` says which."""
    path = Path(place.location) / object_name(sha256)
    path.write_bytes(bytes(len(path.read_bytes())) if data is None else data)


def first_file(place, manifest):
    return next(iter(read_list(Shelf(place), manifest.files)))


def test_platform_that_is_restored_elsewhere_is_identical(trained_model, place, elsewhere, tmp_path):
    Job.objects.create(owner=trained_model.owner, kind="x", task="y", params={"é": [1.5, None, "\n"]})
    manifest = make_backup(place, say=quiet)
    assert manifest.files["count"] >= 14  # six images and thumbnails, a version, weights
    assert not manifest.missing
    restore_backup(place, read_manifest(place), **elsewhere)
    again = make_backup(open_place(str(tmp_path / "again")), **elsewhere)
    assert again.fingerprint == manifest.fingerprint
    assert Job.objects.using("elsewhere").get().params == {"é": [1.5, None, "\n"]}
    assert elsewhere["storage"].open(trained_model.file.name).read() == b"not really weights"


def test_fingerprint_tells_one_changed_byte_and_one_changed_value(alice, place):
    stored("a.txt", b"one")
    first = make_backup(place, say=quiet).fingerprint
    stored("a.txt", b"two")
    second = make_backup(place, say=quiet).fingerprint
    alice.keymap = {"next": "n"}
    alice.save()
    assert len({first, second, make_backup(place, say=quiet).fingerprint}) == 3


def test_second_backup_reads_and_copies_only_what_is_new(ready_dataset, place, monkeypatch):
    make_backup(place, say=quiet)
    objects = len(Shelf(place))
    stored("new.txt", b"new")
    opened = []
    open_file = Storage.open
    monkeypatch.setattr(Storage, "open", lambda self, name, *more: opened.append(name) or open_file(self, name, *more))
    manifest = make_backup(place, say=quiet)
    of_platform = {found.name for found in walk(default_storage)}
    assert [name for name in opened if name in of_platform] == ["new.txt"]
    assert len(Shelf(place)) == objects + 2  # the file, and the list of files
    assert len(backup_names(place)) == 2
    verify(place, manifest, quiet)


@pytest.mark.local_files
def test_file_that_was_written_anew_with_as_many_bytes_is_copied_again(place):
    stored("a.txt", b"one")
    make_backup(place, say=quiet)
    stored("a.txt", b"two")
    _, sha256, _, _ = first_file(place, make_backup(place, say=quiet))
    assert Shelf(place).read(sha256) == b"two"


@pytest.mark.parametrize("data", [None, b"shorter", b""], ids=["same size", "shorter", "empty"])
def test_damaged_object_is_named_and_nothing_is_restored(alice, place, elsewhere, data):
    stored("datasets/1/a.txt", b"some bytes of a file")
    manifest = make_backup(place, say=quiet)
    damage(place, first_file(place, manifest)[1], data)
    with pytest.raises(BackupError, match=r"datasets/1/a\.txt"):
        verify(place, manifest, quiet)
    with pytest.raises(BackupError, match="not whole"):
        restore_backup(place, manifest, **elsewhere)
    assert not list(walk(elsewhere["storage"]))
    assert not type(alice).objects.using("elsewhere").exists()


def test_missing_rows_and_damaged_lists_are_found(alice, place):
    manifest = make_backup(place, say=quiet)
    users = next(table for table in manifest.tables if table["table"] == "accounts_user")
    place.delete(object_name(users["pieces"][0][0]))
    with pytest.raises(BackupError, match="is missing"):
        verify(place, manifest, quiet)
    with pytest.raises(BackupError, match="missing"):
        list(read_list(Shelf(place), users))


def test_full_backup_mends_what_was_damaged(place):
    stored("a.txt", b"one")
    damage(place, first_file(place, make_backup(place, say=quiet))[1])
    with pytest.raises(BackupError, match="damaged"):
        verify(place, make_backup(place, say=quiet), quiet)
    verify(place, make_backup(place, say=quiet, full=True), quiet)


def test_manifest_that_was_changed_is_refused(place):
    name = make_backup(place, say=quiet).name
    path = Path(place.location) / "manifests" / f"{name}.json"
    path.write_text(path.read_text().replace('"sqlite"', '"sqlite3"').replace('"postgresql"', '"other"'))
    with pytest.raises(BackupError, match="damaged"):
        read_manifest(place)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(BackupError, match="damaged"):
        read_manifest(place)


def test_without_a_manifest_there_is_no_backup(place, monkeypatch):
    stored("a.txt")

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    monkeypatch.setattr(making, "write_manifest", kill)
    with pytest.raises(Killed):
        make_backup(place, say=quiet)
    assert len(Shelf(place)) > 0
    with pytest.raises(BackupError, match="no complete backup"):
        read_manifest(place)


def test_row_and_file_that_go_while_rows_are_read_are_in_no_backup(alice, place, monkeypatch):
    job = Job.objects.create(owner=alice, kind="x", task="y", file=stored("jobs/out/a.zip"))
    write, calls = making._write_tables, []

    def write_and_delete(*args):
        calls.append(write(*args))
        if len(calls) == 1:  # a file that came after the first look, and goes with its row
            default_storage.delete("jobs/out/a.zip")
            Job.objects.filter(pk=job.pk).update(file="")
        return calls[-1]

    copy, looks = making.Copier.copy, []

    def copy_later(self, say=None):
        looks.append(1)
        return set() if len(looks) <= 2 else copy(self, say)  # it came right after these looks

    monkeypatch.setattr(making.Copier, "copy", copy_later)
    monkeypatch.setattr(making, "_write_tables", write_and_delete)
    manifest = make_backup(place, say=quiet)
    assert len(calls) == 2
    assert manifest.missing == []
    assert manifest.files["count"] == 0


def test_file_that_goes_after_it_was_copied_is_in_the_backup_with_its_row(alice, place, elsewhere, monkeypatch):
    Job.objects.create(owner=alice, kind="x", task="y", file=stored("jobs/out/a.zip", b"zip"))
    write = making._write_tables

    def write_and_delete(*args):
        tables = write(*args)
        default_storage.delete("jobs/out/a.zip")
        return tables

    monkeypatch.setattr(making, "_write_tables", write_and_delete)
    restore_backup(place, make_backup(place, say=quiet), **elsewhere)
    assert elsewhere["storage"].open("jobs/out/a.zip").read() == b"zip"


def test_file_that_comes_while_rows_are_read_is_in_the_backup(place, monkeypatch):
    write = making._write_tables
    monkeypatch.setattr(making, "_write_tables", lambda *args: (stored("late.txt"), write(*args))[1])
    assert first_file(place, make_backup(place, say=quiet))[0] == "late.txt"


def test_file_that_was_lost_before_is_told(alice, place, elsewhere):
    Job.objects.create(owner=alice, kind="x", task="y", file="jobs/out/lost.zip")
    manifest = make_backup(place, say=quiet)
    assert manifest.missing == ["jobs/out/lost.zip"]
    said = []
    restore_backup(place, manifest, **{**elsewhere, "say": said.append})
    assert "1 files were missing already" in said[-1]


def test_platform_with_rows_is_not_overwritten_unless_asked(alice, carol, place, elsewhere):
    stored("a.txt", b"backed up")
    manifest = make_backup(place, say=quiet)
    type(carol)(username="dora", email="d@example.org").save(using="elsewhere")
    elsewhere["storage"].save("b.txt", ContentFile(b"of the other"))
    with pytest.raises(BackupError, match=r"not empty.*accounts_user"):
        restore_backup(place, manifest, **elsewhere)
    assert type(carol).objects.using("elsewhere").get().username == "dora"
    restore_backup(place, manifest, replace=True, **elsewhere)
    assert {user.username for user in type(carol).objects.using("elsewhere")} == {"alice", "carol"}
    assert {found.name for found in walk(elsewhere["storage"])} == {"a.txt"}


def test_other_file_of_the_same_name_is_not_overwritten(place, elsewhere):
    stored("a.txt", b"backed up")
    manifest = make_backup(place, say=quiet)
    elsewhere["storage"].save("a.txt", ContentFile(b"of another"))
    with pytest.raises(BackupError, match=r"another file named a\.txt"):
        restore_backup(place, manifest, **elsewhere)
    elsewhere["storage"].save("a.txt", ContentFile(b"backed up"))
    restore_backup(place, manifest, **elsewhere)


def test_ids_of_deleted_rows_do_not_come_again(alice, place, elsewhere):
    gone = Job.objects.create(owner=alice, kind="x", task="y")
    number = gone.pk
    gone.delete()
    restore_backup(place, make_backup(place, say=quiet), **elsewhere)
    assert last_id(Job, "elsewhere") >= number
    new = Job(owner_id=alice.pk, kind="x", task="y")
    new.save(using="elsewhere")
    assert new.pk > number


def test_backup_of_a_newer_release_is_refused(place, elsewhere):
    manifest = make_backup(place, say=quiet)
    manifest.migrations.append(["core", "0999_of_tomorrow"])
    with pytest.raises(BackupError, match=r"core\.0999_of_tomorrow"):
        restore_backup(place, manifest, **elsewhere)


def test_older_backups_go_with_what_only_they_had(place):
    stored("a.txt", b"one")
    first = make_backup(place, say=quiet)
    only_there = first_file(place, first)[1]
    stored("b.txt", b"of both")
    default_storage.delete("a.txt")
    make_backup(place, say=quiet)
    keep_newest(place, 1, quiet)
    assert first.name not in backup_names(place)
    assert not Shelf(place).has(only_there, 3)
    verify(place, read_manifest(place), quiet)


def test_who_is_signed_in_is_not_in_it(place):
    Session.objects.create(session_key="k" * 32, session_data="x", expire_date=datetime.datetime.now(datetime.UTC))
    tables = {table["table"] for table in make_backup(place, say=quiet).tables}
    assert "django_session" not in tables
    assert "core_job" in tables


def test_secret_key_is_in_it_only_when_asked(place, settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.SECRET_KEY = "the key of the platform that was"
    without = make_backup(place, say=quiet)
    assert "object" not in without.secret
    manifest = make_backup(place, say=quiet, with_secret=True)
    (tmp_path / "secret_key").write_text("a new one")
    settings.SECRET_KEY = "a new one"
    said = []
    restore_secret(place, without, said.append)
    assert "signs in again" in said[0]
    assert (tmp_path / "secret_key").read_text() == "a new one"
    restore_secret(place, manifest, said.append)
    assert (tmp_path / "secret_key").read_text() == "the key of the platform that was"


def test_platform_that_runs_is_not_restored_into(place, elsewhere, settings, tmp_path):
    settings.DATA_DIR = tmp_path / "running"
    (settings.DATA_DIR / "run").mkdir(parents=True)
    manifest = make_backup(place, say=quiet)
    with (settings.DATA_DIR / "run" / "platform.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BackupError, match="stop it first"):
            restore_backup(place, manifest, **elsewhere)
    restore_backup(place, manifest, **elsewhere)


@pytest.mark.local_files
def test_backup_does_not_go_into_the_platforms_own_files(settings):
    with pytest.raises(BackupError, match="inside the platform's own files"):
        open_place(f"{settings.MEDIA_ROOT}/backups")


def test_place_that_cannot_be_is_refused_in_words(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CommandError, match="cannot be a backup place"):
        call_command("backup", str(tmp_path / "file" / "below"))
    with pytest.raises(CommandError, match="s3://bucket/prefix"):
        call_command("backup", "s3://")
    with pytest.raises(CommandError, match="no complete backup"):
        call_command("restore", str(tmp_path / "nothing"))


def test_commands_make_list_verify_and_ask_before_they_replace(alice, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("os.nice", quiet)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    target = str(tmp_path / "backups")
    call_command("backup", target)
    call_command("backup", target, "--keep=1")
    call_command("backup", target, "--list")
    call_command("backup", target, "--verify")
    said = capsys.readouterr().out
    assert "is complete" in said
    assert "1 older backups are deleted" in said
    assert "is whole" in said
    assert (tmp_path / "backups").stat().st_mode & 0o077 == 0
    monkeypatch.setattr("builtins.input", lambda _: "no")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("restore", target, "--replace")
    with pytest.raises(CommandError, match=r"not empty|other connections"):
        call_command("restore", target)


def test_values_go_through_json_and_back():
    noon = datetime.datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=datetime.UTC)
    values = {
        "binary": b"\x00\xff", "date": noon.date(), "datetime": noon, "time": noon.time(), "uuid": uuid.uuid4(),
        "duration": datetime.timedelta(days=-1, microseconds=7), "plain": 0.1 + 0.2, "json": {"a": [None]},
    }  # fmt: skip
    for kind, value in values.items():
        assert reader(kind)(writer(kind)(value)) == value
        assert writer(kind)(None) is None


def test_long_list_comes_in_pieces_of_which_a_change_touches_one(place):
    shelf = Shelf(place)

    def written(changed=None):
        out = ListWriter(shelf)
        for number in range(500):
            out.add([number, "new" if number == changed else "old"], group=number // 100)
        return out.end()

    first, second = written(), written(changed=250)
    assert list(read_list(shelf, first))[499] == [499, "old"]
    assert sum(one != two for one, two in zip(first["pieces"], second["pieces"], strict=True)) == 1
    assert first["sha256"] != second["sha256"]


def test_uploads_with_uuids_are_restored(alice, place, elsewhere):
    upload = uploads.create_upload(alice, "a.zip", 10)
    restore_backup(place, make_backup(place, say=quiet), **elsewhere)
    assert Upload.objects.using("elsewhere").get().pk == upload.pk
