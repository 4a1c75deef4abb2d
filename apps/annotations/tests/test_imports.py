import io
import os
import tarfile
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.annotations.models import Annotation, Revision
from apps.annotations.services.imports import batches, run_import, start_import, write
from apps.annotations.services.labels import save_labels
from apps.core import work
from apps.core.jobs import run_job
from apps.core.models import Job
from apps.core.work import WorkHandedBack
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, PendingDeletion
from conftest import box, stored_files, upload

from .archives import coco, packed, photo, sideways, voc, voc_xml, yolo

BCCD = Path(os.environ.get("BCCD_ZIP", django_settings.BASE_DIR.parent / "shared" / "data" / "bccd_voc.zip"))


@pytest.fixture
def take(run_jobs, dataset, alice):
    """`take(files or upload)`: import it into `dataset`; the job as it ended."""

    def run(files, into=dataset, **options):
        with run_jobs():
            job = start_import(alice, into, packed(files) if isinstance(files, dict) else files, **options)
        job.refresh_from_db()
        return job

    return run


def contents(dataset):
    """`{filename: (split, labelled, [(class name, x, y, width, height)])}`, counts checked on the way."""
    dataset.refresh_from_db()
    images = list(dataset.images.prefetch_related("annotations"))
    assert dataset.num_images == len(images)
    assert dataset.num_labeled == sum(image.is_labeled for image in images)
    found = {}
    for image in images:
        rows = [
            (dataset.class_names[dataset.place_of(r.class_key)], r.x_center, r.y_center, r.width, r.height)
            for r in image.annotations.all()
        ]
        assert image.num_boxes == len(rows)
        assert image.revision == Revision.objects.filter(image=image).count()
        assert (image.state == "labelled") == image.is_labeled
        found[image.filename] = (image.split, image.is_labeled, rows)
    return found


EXPECTED = {
    "a.png": ("train", True, [("red", 0.5, 0.5, 0.5, 0.5)]),
    "b.png": ("val", True, [("white", 0.25, 0.25, 0.5, 0.5), ("red", 0.75, 0.75, 0.5, 0.5)]),
    "c.png": ("", False, []),
}


def reasons(job):
    return {problem["file"]: problem["reason"] for problem in job.result["problems"]}


# --- formats ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("key", "files"), [("voc", voc), ("yolo", yolo), ("coco", coco)])
@pytest.mark.parametrize("format", ["auto", "as said"])
def test_archive_goes_in_whole_with_its_splits(take, dataset, key, files, format):
    job = take(files(), format=key if format == "as said" else "auto")
    assert (job.status, job.error_message) == ("completed", "")
    assert contents(dataset) == EXPECTED
    result = job.result
    assert (result["format"], result["images"], result["boxes"], result["duplicates"]) == (key, 3, 3, 0)
    assert result["page_url"] == f"/datasets/{dataset.pk}/"
    assert set(Annotation.objects.values_list("source", flat=True)) == {"imported"}
    assert set(Revision.objects.values_list("kind", "number", "author__username")) == {("import", 1, "alice")}


def test_classes_are_matched_by_name_and_new_ones_go_to_the_end(take, dataset):
    datasets.rename_class(dataset, 1, "other")
    datasets.rename_class(dataset, 0, "WHITE")
    assert take(yolo()).status == "completed"
    dataset.refresh_from_db()
    assert dataset.class_names == ["WHITE", "other", "red"]
    assert sorted(Annotation.objects.values_list("class_key", flat=True)) == [0, 2, 2]


def test_revision_of_an_import_holds_its_labels(take):
    take(voc())
    revision = Revision.objects.get(image__filename="b.png")
    assert (revision.num_annotations, revision.added) == (2, 2)
    assert [a["id"] for a in revision.annotations] == list(
        Annotation.objects.filter(image__filename="b.png").values_list("pk", flat=True)
    )


def test_imported_labels_can_be_edited_at_once(take, dataset, alice):
    take(voc())
    image = dataset.images.get(filename="a.png")
    assert save_labels(image, 1, [box()], alice)[0] == 2


def test_tar_goes_in_too(take, dataset):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in voc().items():
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    assert take(SimpleUploadedFile("labels.tgz", out.getvalue())).status == "completed"
    assert contents(dataset) == EXPECTED


def test_labels_drawn_on_the_stored_frame_of_a_turned_picture_come_out_right(take, dataset):
    files = {"a.jpg": sideways(), "a.xml": voc_xml(("red", 0, 0, 40, 40), filename="a.jpg")}
    assert take(files).status == "completed"
    image = dataset.images.get()
    assert (image.width, image.height) == (40, 80)
    assert contents(dataset)["a.jpg"][2] == [("red", 0.5, 0.25, 1.0, 0.5)]  # the red half is the upper one


def test_labels_drawn_on_the_upright_frame_of_a_turned_picture_stay(take, dataset):
    files = {"a.jpg": sideways(), "a.xml": voc_xml(("red", 0, 0, 40, 40), filename="a.jpg", size=(40, 80))}
    take(files)
    assert contents(dataset)["a.jpg"][2] == [("red", 0.5, 0.25, 1.0, 0.5)]


@pytest.mark.skipif(not BCCD.exists(), reason=f"the blood cells are not at {BCCD} (BCCD_ZIP says where)")
def test_real_blood_cells_go_in_and_the_two_boxes_without_area_are_named(take, dataset):
    job = take(SimpleUploadedFile("bccd_voc.zip", BCCD.read_bytes()))
    assert (job.status, job.error_message) == ("completed", "")
    assert (job.result["images"], job.result["boxes"]) == (364, 4886)
    assert (dataset.images.count(), Annotation.objects.count()) == (364, 4886)
    named = {Path(p["file"]).stem for p in job.result["problems"] if "area" in p["reason"]}
    assert named == {"BloodImage_00338", "BloodImage_00343"}
    assert len([p for p in job.result["problems"] if "area" in p["reason"]]) == 2
    dataset.refresh_from_db()
    assert set(dataset.class_names) >= {"RBC", "WBC", "Platelets"}
    assert (dataset.num_images, dataset.num_labeled) == (364, 364)


# --- duplicates ---------------------------------------------------------------------------------------------
def test_picture_with_labels_keeps_them_and_one_without_gets_them(take, dataset, alice):
    found = datasets.add_images(dataset, [upload("mine.png", photo(1)), upload("new.png", photo(2))])["created"]
    found[0].dataset = dataset
    save_labels(found[0], 0, [box(1)], alice)
    job = take(voc())
    assert (job.result["images"], job.result["boxes"], job.result["duplicates"]) == (2, 2, 1)
    assert "its labels stay" in reasons(job)["VOC/JPEGImages/a.png"]
    now = contents(dataset)
    assert now["mine.png"][2] == [("white", 0.5, 0.5, 0.2, 0.2)]
    assert now["new.png"][1:] == EXPECTED["b.png"][1:]


def test_image_uploaded_while_the_import_waits_gets_its_labels(run_jobs, dataset, alice):
    with run_jobs():
        start_import(alice, dataset, packed(voc()))
        datasets.add_images(dataset, [upload("early.png", photo(1))])
    assert contents(dataset)["early.png"][1:] == EXPECTED["a.png"][1:]


@pytest.mark.parametrize("batch", [1, 32])
def test_same_picture_twice_in_an_archive_is_one_image_and_is_named(take, dataset, monkeypatch, batch):
    monkeypatch.setattr(batches, "BATCH", batch)
    files = voc() | {"VOC/JPEGImages/d.png": photo(1), "VOC/Annotations/d.xml": voc_xml(("red", 0, 0, 9, 9))}
    job = take(files)
    assert contents(dataset) == EXPECTED
    assert (job.result["images"], job.result["boxes"], job.result["duplicates"]) == (3, 3, 1)
    assert "in the archive twice" in reasons(job)["VOC/JPEGImages/d.png"]


def test_archive_imported_twice_is_there_once(take, dataset):
    take(voc())
    job = take(voc())
    assert (job.status, job.result["images"], job.result["duplicates"]) == ("completed", 0, 3)
    assert contents(dataset) == EXPECTED


# --- what is bad --------------------------------------------------------------------------------------------
def test_bad_image_is_named_with_the_reason_and_the_rest_goes_in(take, dataset):
    files = voc() | {
        "VOC/JPEGImages/cut.png": photo(7)[:60],
        "VOC/JPEGImages/text.png": "not a picture",
        "VOC/JPEGImages/empty.png": b"",
    }
    job = take(files)
    assert job.status == "completed"
    assert contents(dataset) == EXPECTED
    said = reasons(job)
    assert said["VOC/JPEGImages/cut.png"].startswith("Broken: ")
    assert said["VOC/JPEGImages/text.png"].startswith("Not an image")
    assert said["VOC/JPEGImages/empty.png"] == "The file is empty."


def test_too_large_image_is_named_and_the_rest_goes_in(take, dataset, settings):
    settings.MAX_IMAGE_PIXELS = 80 * 40 - 1
    settings.MAX_IMAGE_BYTES = 10**6
    job = take(voc() | {"VOC/JPEGImages/small.png": upload(seed=5).read()})
    assert set(contents(dataset)) == {"small.png"}
    assert "megapixels" in reasons(job)["VOC/JPEGImages/a.png"]


def test_damaged_entry_is_named_and_the_rest_goes_in(take, dataset):
    data = bytearray(packed(voc()).read())
    start = data.find(photo(1))
    data[start + 50] ^= 0xFF
    job = take(SimpleUploadedFile("damaged.zip", bytes(data)))
    assert job.status == "completed"
    assert set(contents(dataset)) == {"b.png", "c.png"}
    assert reasons(job)["VOC/JPEGImages/a.png"].startswith("damaged in the archive")


def test_bad_boxes_are_named_by_file_and_the_good_ones_go_in(take, dataset):
    files = yolo() | {
        "labels/train/a.txt": "1 0.5 0.5 0.5 0.5\n1 0.5 0.5 0 0.5\n9 0.5 0.5 0.1 0.1\n1 nan 0.5 0.1 0.1\n"
    }
    job = take(files)
    assert contents(dataset) == EXPECTED
    lines = sorted(p["line"] for p in job.result["problems"] if p["file"] == "labels/train/a.txt")
    assert lines == [2, 3, 4]
    assert job.result["num_problems"] == len(job.result["problems"]) == job.result["skipped"]


def test_boxes_beyond_the_limit_are_left_out_and_said(take, dataset, settings):
    settings.MAX_BOXES_PER_IMAGE = 1
    job = take(voc())
    assert contents(dataset)["b.png"][2] == [("white", 0.25, 0.25, 0.5, 0.5)]
    assert "only the first 1" in reasons(job)["VOC/JPEGImages/b.png"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"../../evil.png": photo(1)}, "evil.png"),
        ({"/etc/evil.png": photo(1)}, "evil.png"),
        ({"notes.txt": "hello"}, "No known label format"),
        ({}, "No known label format"),
    ],
)
def test_hostile_or_useless_archive_is_refused_in_words(take, dataset, files, words):
    job = take(files)
    assert job.status == "failed"
    assert words in job.error_message
    assert not job.traceback
    assert contents(dataset) == {}


@pytest.mark.parametrize("data", [b"x", b"PK\x03\x04" + b"\x00" * 40, b"\x1f\x8b" + b"\xff" * 99, b"<html>" * 99])
def test_file_that_is_no_archive_is_refused_in_words(take, data):
    job = take(SimpleUploadedFile("labels.zip", data))
    assert job.status == "failed"
    assert "archive" in job.error_message
    assert "did not foresee" not in job.error_message


def test_zip_bomb_is_refused_in_words(take, dataset):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(40 * 2**20))
        archive.writestr("a.xml", voc_xml(("red", 0, 0, 9, 9)))
    job = take(SimpleUploadedFile("bomb.zip", out.getvalue()))
    assert job.status == "failed"
    assert "zip bomb" in job.error_message
    assert contents(dataset) == {}


def test_said_format_that_is_not_the_archives_own_is_refused_in_words(take):
    job = take(yolo(), format="coco")
    assert job.status == "failed"
    assert job.error_message
    assert "did not foresee" not in job.error_message


def test_class_that_cannot_be_taken_is_named(take, monkeypatch):
    monkeypatch.setattr("apps.datasets.services.classes.MAX_CLASSES", 2)
    job = take(yolo() | {"data.yaml": "train: images/train\nval: images/val\nnames: [green, red]\n"})
    assert job.status == "failed"
    assert "“green” cannot be taken" in job.error_message


# --- interruptions ------------------------------------------------------------------------------------------
@pytest.fixture
def one_by_one(monkeypatch):
    """Each image is a batch; `one_by_one(n, do)` calls `do()` before the batch of number n, from 0."""
    monkeypatch.setattr(batches, "BATCH", 1)
    store, calls = write.Writer.write, []

    def before(number, do):
        def stop(self, batch):
            calls.append(batch)
            if len(calls) == number + 1:
                do()
            store(self, batch)

        monkeypatch.setattr(write.Writer, "write", stop)

    return before


class Killed(BaseException):
    """What no `except Exception` sees."""


def kill():
    raise Killed


def next_worker():
    """The sweep gives the job back an hour later, and it runs."""
    hour = timedelta(hours=1)
    Job.objects.update(heartbeat_at=timezone.now() - hour, created_at=timezone.now() - hour)
    work.sweep(Job, lambda row: row.task, max_attempts=3)


@pytest.mark.parametrize("after", [0, 1, 2])
def test_import_killed_on_the_way_is_completed_by_the_next_worker(
    run_jobs, dataset, alice, monkeypatch, one_by_one, after
):
    refresh = datasets.refresh_counts
    monkeypatch.setattr(datasets, "refresh_counts", lambda dataset: None)  # a dead worker cleans nothing up
    one_by_one(after, kill)
    with pytest.raises(Killed), run_jobs():
        start_import(alice, dataset, packed(voc()))
    job = Job.objects.get()
    assert job.status == "running"
    assert contents(dataset) == dict(list(EXPECTED.items())[:after])
    monkeypatch.setattr(datasets, "refresh_counts", refresh)
    next_worker()
    job.refresh_from_db()
    assert (job.status, job.error_message, job.attempts) == ("completed", "", 2)
    assert contents(dataset) == EXPECTED
    assert (job.result["images"], job.result["boxes"], job.result["duplicates"]) == (3, 3, 0)


def test_import_handed_back_by_a_stopping_worker_goes_on(run_jobs, dataset, alice, one_by_one):
    def stop():
        raise WorkHandedBack

    one_by_one(2, stop)
    with run_jobs():
        job = start_import(alice, dataset, packed(voc()))
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("pending", 0)
    next_worker()
    job.refresh_from_db()
    assert (job.status, job.result["images"], job.result["boxes"]) == ("completed", 3, 3)
    assert contents(dataset) == EXPECTED


@pytest.mark.parametrize("before", [0, 1, 2])
def test_of_a_cancelled_import_not_even_the_batch_on_the_way_goes_in(run_jobs, dataset, alice, one_by_one, before):
    one_by_one(before, lambda: work.cancel(Job.objects.get()))
    with run_jobs():
        job = start_import(alice, dataset, packed(voc()))
    job.refresh_from_db()
    assert (job.status, job.result["more_url"]) == ("cancelled", f"/datasets/{dataset.pk}/import/{job.pk}/summary")
    assert contents(dataset) == dict(list(EXPECTED.items())[:before])
    PendingDeletion.objects.update(due_at=timezone.now())
    datasets.delete_pending_files()
    assert len(stored_files(f"datasets/{dataset.pk}")) == 2 * before


def test_class_deleted_on_the_way_loses_no_label(run_jobs, dataset, alice, one_by_one):
    one_by_one(1, lambda: datasets.drop_class(Dataset.objects.get(), 0, into_key=1))
    with run_jobs():
        job = start_import(alice, dataset, packed(voc()))
    job.refresh_from_db()
    assert (job.status, "deleted or merged while" in job.error_message) == ("failed", True)
    assert [image.filename for image in dataset.images.all()] == ["a.png"]
    with run_jobs():
        start_import(alice, dataset, packed(voc()))
    dataset.refresh_from_db()
    assert dataset.class_names == ["white", "red"]  # “red” was merged; an archive that has both means another class
    assert set(Annotation.objects.exclude(image__filename="a.png").values_list("class_key", flat=True)) == {1, 2}


def test_labels_edited_between_a_kill_and_the_next_run_stay(run_jobs, dataset, alice, one_by_one):
    one_by_one(1, kill)
    with pytest.raises(Killed), run_jobs():
        start_import(alice, dataset, packed(voc()))
    image = dataset.images.get(filename="a.png")
    image.dataset = dataset
    save_labels(image, 1, [box(0, x=0.1, width=0.1)], alice)
    next_worker()
    now = contents(dataset)
    assert now["a.png"][2] == [("red", 0.1, 0.5, 0.1, 0.2)]
    assert now["b.png"] == EXPECTED["b.png"]


def test_dataset_deleted_while_its_import_waits_is_said(run_jobs, dataset, alice):
    with run_jobs():
        job = start_import(alice, dataset, packed(voc()))
        Dataset.objects.all().delete()
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("failed", "The dataset is gone.")


@pytest.mark.parametrize("before", [0, 1])
def test_dataset_deleted_on_the_way_is_said_and_no_file_stays(run_jobs, dataset, alice, one_by_one, before):
    pk = dataset.pk
    one_by_one(before, lambda: datasets.delete_dataset(Dataset.objects.get(pk=pk)))
    with run_jobs():
        job = start_import(alice, dataset, packed(voc()))
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("failed", "The dataset was deleted while the archive was read.")
    datasets.delete_pending_files()
    assert not stored_files(f"datasets/{pk}")


# --- doors --------------------------------------------------------------------------------------------------
def send(api, url, **fields):
    return api.post(url, fields, format="multipart")


def test_api_takes_an_archive_and_answers_with_a_job(run_jobs, owner, dataset):
    with run_jobs():
        answer = send(owner, f"/api/v1/datasets/{dataset.pk}/import", file=packed(voc()), format="voc")
    assert answer.status_code == 202
    assert (answer.json()["kind"], answer.json()["status"], answer.json()["progress"]) == ("import", "pending", 0)
    job = owner.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert (job["status"], job["progress"], job["result"]["images"]) == ("completed", 1, 3)
    assert contents(dataset) == EXPECTED


def test_api_makes_a_new_dataset_from_an_archive(run_jobs, owner):
    with run_jobs():
        answer = send(owner, "/api/v1/datasets/import", file=packed(coco()), name="Blood")
    job = owner.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    dataset = Dataset.objects.get(pk=job["result"]["dataset_id"])
    assert (answer.status_code, dataset.name, dataset.owner.username) == (202, "Blood", "alice")
    assert contents(dataset) == EXPECTED


def test_archive_over_the_limit_is_413_and_no_dataset_is_made(owner, dataset, settings):
    settings.MAX_ARCHIVE_BYTES = 2**20
    big = SimpleUploadedFile("big.zip", bytes(2**20 + 1))
    answer = send(owner, f"/api/v1/datasets/{dataset.pk}/import", file=big)
    assert (answer.status_code, answer.json()) == (413, {"detail": "The archive is larger than 1 MB."})
    big.seek(0)
    assert send(owner, "/api/v1/datasets/import", file=big, name="Big").status_code == 413
    assert (Dataset.objects.count(), Job.objects.count()) == (1, 0)


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({}, "file"),
        ({"file": "text"}, "file"),
        ({"format": "tfrecord"}, "format"),
        ({"format": "\x00"}, "format"),
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x" * 121}, "name"),
    ],
)
def test_bad_field_is_named_and_nothing_is_made(owner, fields, blamed):
    whole = {"name": "New", **({} if blamed == "file" else {"file": packed(voc())}), **fields}
    answer = send(owner, "/api/v1/datasets/import", **whole)
    assert (answer.status_code, set(answer.json())) == (400, {blamed})
    assert Dataset.objects.count() == 0


def test_empty_upload_is_refused(owner, dataset):
    answer = send(owner, f"/api/v1/datasets/{dataset.pk}/import", file=SimpleUploadedFile("a.zip", b""))
    assert (answer.status_code, set(answer.json())) == (400, {"file"})


def test_json_needs_the_id_of_an_upload(owner, dataset):
    answer = owner.post(f"/api/v1/datasets/{dataset.pk}/import", {"file": "a.zip"})
    assert (answer.status_code, set(answer.json())) == (400, {"file"})
    answer = owner.post(f"/api/v1/datasets/{dataset.pk}/import", {})
    assert answer.json() == {"file": ["Send either a file or the id of a finished upload."]}


def test_page_imports_and_shows_the_report(run_jobs, page_as, alice, dataset):
    browser = page_as(alice)
    files = voc() | {"VOC/JPEGImages/<b>bad.png": "no picture"}
    with run_jobs():
        preview = browser.post(f"/datasets/{dataset.pk}/import", {"file": packed(files)})["Location"]
    assert contents(dataset) == {}
    with run_jobs():
        answer = browser.post(preview, {"splits": "fill"})
    assert answer.status_code == 302
    page = browser.get(answer["Location"]).content.decode()
    assert "Not an image" in page
    assert "&lt;b&gt;bad.png" in page
    assert contents(dataset) == EXPECTED


def test_page_makes_a_new_dataset_from_an_archive(run_jobs, page_as, alice):
    browser = page_as(alice)
    with run_jobs():
        preview = browser.post("/datasets/import", {"file": packed(voc())})["Location"]
    assert Dataset.objects.count() == 0
    with run_jobs():
        answer = browser.post(preview, {"splits": "fill", "name": "<i>New</i>", "task": "detect"})
    assert answer.status_code == 302
    assert contents(Dataset.objects.get(name="<i>New</i>")) == EXPECTED


def test_page_says_what_is_wrong_with_an_upload(page_as, alice, dataset, settings):
    settings.MAX_ARCHIVE_BYTES = 2**20
    browser = page_as(alice)
    for url in (f"/datasets/{dataset.pk}/import", "/datasets/import"):
        big = SimpleUploadedFile("big.zip", bytes(2**20 + 1))
        answer = browser.post(url, {"file": big, "format": "auto", "name": "Big"})
        assert answer.status_code == 400
        assert "Larger than 1 MB." in answer.content.decode()
        assert browser.post(url, {"format": "x\x00"}).status_code == 400


# --- how it scales ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("again", [False, True])
def test_a_batch_asks_the_database_as_often_whatever_is_in_it(dataset, alice, run_jobs, again, monkeypatch):
    monkeypatch.setattr("apps.core.jobs.Reporter.__call__", lambda self, *said: None)  # it writes by the clock
    counts = []
    for number in (2, 30):
        files = {f"{n}.png": photo(100 * number + n) for n in range(number)}
        files |= {f"{n}.xml": voc_xml(("red", 0, 0, 9, 9), ("white", 9, 9, 20, 20)) for n in range(number)}
        if again:
            datasets.add_images(dataset, [upload(name, data) for name, data in files.items() if name.endswith("png")])
        job = start_import(alice, dataset, packed(files))
        with CaptureQueriesContext(connection) as queries:
            run_job(job.pk, run_import)
        counts.append(len(queries))
        job.refresh_from_db()
        assert (job.status, job.result["boxes"]) == ("completed", 2 * number)
    assert counts[0] == counts[1] < 45


def test_two_imports_of_the_same_archive_at_once_make_each_image_once(dataset, alice, run_jobs, monkeypatch):
    """The second runs whole between the storing of the first one's files and its rows."""
    insert, calls = datasets.insert_rows, []

    def overtaken(*args):
        calls.append(args)
        if len(calls) == 1:
            run_job(second.pk, run_import)
        return insert(*args)

    first, second = start_import(alice, dataset, packed(voc())), start_import(alice, dataset, packed(voc()))
    monkeypatch.setattr(datasets, "insert_rows", overtaken)
    run_job(first.pk, run_import)
    assert len(calls) == 2
    assert contents(dataset) == EXPECTED
    assert set(Job.objects.values_list("status", flat=True)) == {"completed"}
    PendingDeletion.objects.update(due_at=timezone.now())
    datasets.delete_pending_files()
    for image in dataset.images.all():
        assert image.file.storage.exists(image.file.name)
        assert image.file.storage.exists(image.thumbnail.name)
