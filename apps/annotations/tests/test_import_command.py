"""`manage.py import_dataset`: the same service for what lies on this machine, one line for what is wrong."""

import io

import pytest
from django.core.management import CommandError, call_command

from apps.annotations.services.imports import write
from apps.core import work
from apps.core.models import Job
from apps.datasets.models import Dataset

from .archives import packed, voc

LABELS = {"a.png": ["red"], "b.png": ["white", "red"], "c.png": []}


@pytest.fixture(autouse=True)
def no_heartbeat(monkeypatch):
    monkeypatch.setattr(work, "HEARTBEAT_SECONDS", 600)


@pytest.fixture
def folder(tmp_path):
    """The archive, unpacked."""
    for name, content in voc().items():
        path = tmp_path / "unpacked" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path / "unpacked"


def run(path, **options):
    out = io.StringIO()
    call_command("import_dataset", str(path), owner="alice", stdout=out, **options)
    return out.getvalue()


def labels(dataset):
    names = dict(zip(dataset.class_keys, dataset.class_names, strict=True))
    return {image.filename: [names[row.class_key] for row in image.annotations.all()] for image in dataset.images.all()}


def test_folder_becomes_a_new_dataset_with_progress_and_a_report(alice, folder):
    (folder / "VOC/JPEGImages/bad.png").write_bytes(b"no picture")
    said = run(folder, name="From a folder")
    dataset = Dataset.objects.get()
    assert (dataset.name, labels(dataset)) == ("From a folder", LABELS)
    assert "3 images and 3 boxes went in (voc), 1 things to know" in said
    assert "left out: VOC/JPEGImages/bad.png: Not an image" in said
    assert "100 %  4 of 4 images" in said


def test_zip_goes_into_a_dataset_with_classes_mapped_and_splits_ignored(dataset, tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(packed(voc()).read())
    run(path, into=dataset.pk, map=["red=WHITE", "white="], splits="ignore")
    dataset.refresh_from_db()
    assert labels(dataset) == {"a.png": ["white"], "b.png": ["white"], "c.png": []}
    assert set(dataset.images.values_list("split", "source")) == {("", "a.zip")}
    assert Job.objects.get().status == "completed"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"path": "/nowhere"}, "is not there"),
        ({"into": 99}, "There is no dataset 99"),
        ({"owner": "nobody"}, "There is no user “nobody”"),
        ({"map": ["red"]}, "not written as OLD=NEW"),
        ({"map": ["nope="]}, "The archive has no class “nope”"),
        ({"format": "coco"}, "COCO"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_and_nothing_stays(alice, folder, options, words):
    where = {} if "into" in options else {"name": "New"}
    wanted = {"path": str(folder), "owner": "alice", **where, **options}
    with pytest.raises(CommandError) as refusal:
        call_command("import_dataset", wanted.pop("path"), stdout=io.StringIO(), **wanted)
    assert words.lower() in str(refusal.value).lower()
    assert "\n" not in str(refusal.value)
    assert Dataset.objects.count() == 0


def test_only_who_may_change_a_dataset_imports_into_it(dataset, bob, operator, folder):
    for name, may in (("bob", False), ("operator", True)):
        if may:
            call_command("import_dataset", str(folder), owner=name, into=dataset.pk, stdout=io.StringIO())
        else:
            with pytest.raises(CommandError, match="bob may not import into dataset"):
                call_command("import_dataset", str(folder), owner=name, into=dataset.pk)
    assert dataset.images.count() == 3


def test_ctrl_c_ends_the_job_and_the_same_command_goes_on(dataset, folder, monkeypatch):
    monkeypatch.setattr("apps.annotations.services.imports.batches.BATCH", 1)
    store, calls = write.Writer.write, []

    def interrupted(self, batch):
        calls.append(batch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        store(self, batch)

    monkeypatch.setattr(write.Writer, "write", interrupted)
    with pytest.raises(CommandError, match="Cancelled"):
        run(folder, into=dataset.pk)
    assert (Job.objects.get().status, dataset.images.count()) == ("cancelled", 1)
    run(folder, into=dataset.pk)
    assert labels(dataset) == LABELS


def test_no_door_of_the_web_takes_a_path(api_as, alice, dataset):
    answer = api_as(alice).post(f"/api/v1/datasets/{dataset.pk}/import", {"path": "/etc", "params": {"path": "/etc"}})
    assert answer.status_code == 400
    assert Job.objects.count() == 0
