import io
import zipfile

import pytest
import yaml
from django.core.files.storage import default_storage
from PIL import Image

from apps.annotations.models import Annotation
from apps.annotations.services.exports import start_export
from apps.annotations.services.imports import start_import
from apps.annotations.services.labels import save_labels
from apps.core import jobs as core_jobs
from apps.core.models import Job
from apps.datasets import services as datasets
from apps.datasets.models import Dataset
from conftest import box, upload

from .archives import HIGH, WIDE, photo, sideways
from .test_imports import contents

THIRDS = {"x": 1 / 3, "y": 2 / 3, "width": 1 / 7, "height": 0.1234567}


@pytest.fixture
def full(dataset, alice):
    """Labelled images in each split and in none, an empty one, an unlabelled one, one of them lying on its side."""
    files = [upload(f"{n}.png", photo(n)) for n in range(5)] + [upload("side.jpg", sideways())]
    images = datasets.add_images(dataset, files)["created"]
    labels = [[box(1, **THIRDS), box(0)], [box(0, x=0.1, width=0.2)], [box(1)], [], None, [box(0, y=0.25, height=0.5)]]
    for image, items, split in zip(images, labels, ["train", "val", "test", "train", "train", ""], strict=True):
        image.dataset = dataset
        if items is not None:
            save_labels(image, 0, items, alice)
        datasets.set_split(dataset, dataset.images.filter(pk=image.pk), split)
    return dataset


@pytest.fixture
def export(run_jobs, alice, full):
    """`export(**options)`: the job as it ended, and the zip that it made."""

    def run(**options):
        with run_jobs():
            job = start_export(alice, full, **options)
        job.refresh_from_db()
        assert (job.status, job.error_message) == ("completed", "")
        with job.file.open("rb") as file:
            return job, zipfile.ZipFile(io.BytesIO(file.read()))

    return run


def close(one, other):
    """Whether two sets of labels are the same to 1e-6."""
    assert [row[0] for row in one] == [row[0] for row in other]
    for mine, theirs in zip(one, other, strict=True):
        assert mine[1:] == pytest.approx(theirs[1:], abs=1e-6)


def test_yolo_zip_has_the_same_boxes_splits_and_class_order(export):
    job, archive = export()
    names = set(archive.namelist())
    assert names == {
        "data.yaml",
        "images/train/0.png", "images/val/1.png", "images/test/2.png", "images/train/3.png",
        "images/unassigned/side.png",
        "labels/train/0.txt", "labels/val/1.txt", "labels/test/2.txt", "labels/train/3.txt",
        "labels/unassigned/side.txt",
    }  # fmt: skip
    data = yaml.safe_load(archive.read("data.yaml"))
    assert data["names"] == {0: "red", 1: "white"}
    assert (data["train"], data["val"], data["test"]) == ("images/train", "images/val", "images/test")
    rows = [[float(value) for value in row.split()] for row in archive.read("labels/train/0.txt").decode().splitlines()]
    close(rows, [[1, *THIRDS.values()], [0, 0.5, 0.5, 0.2, 0.2]])
    assert archive.read("labels/train/3.txt") == b""
    assert archive.read("images/train/0.png") == photo(0)
    assert (job.result["images"], job.result["boxes"]) == (5, 5)
    assert job.result["bytes"] == job.file.size


def test_picture_lying_on_its_side_is_exported_upright(export):
    _, archive = export()
    shown = Image.open(io.BytesIO(archive.read("images/unassigned/side.png")))
    assert (shown.format, shown.size) == ("PNG", (HIGH, WIDE))
    assert shown.getpixel((HIGH // 2, 5))[0] > 200


def test_chosen_splits_only(export):
    job, archive = export(splits=["val", "test"])
    assert {name for name in archive.namelist() if name.startswith("images")} == {
        "images/val/1.png",
        "images/test/2.png",
    }
    assert job.result["images"] == 2


def test_unlabelled_images_come_without_a_label_file(export):
    job, archive = export(only_labeled=False)
    assert "images/train/4.png" in archive.namelist()
    assert "labels/train/4.txt" not in archive.namelist()
    assert job.result["images"] == 6


@pytest.mark.parametrize("format", ["yolo", "coco", "voc"])
@pytest.mark.parametrize("only_labeled", [True, False])
def test_export_comes_back_the_same_in_a_new_dataset(export, run_jobs, full, alice, format, only_labeled):
    job, _ = export(format=format, only_labeled=only_labeled)
    copy = datasets.create_dataset(alice, "Copy")
    with run_jobs():
        again = start_import(alice, copy, upload("again.zip", job.file.open("rb").read()))
    again.refresh_from_db()
    assert (again.status, again.result["problems"]) == ("completed", [])
    was, now = contents(full), contents(copy)
    was["side.png"] = was.pop("side.jpg")
    if only_labeled:
        del was["4.png"]
    assert set(now) == set(was)
    exact = format == "yolo" or format == "coco"
    for name, (split, labeled, rows) in was.items():
        assert now[name][:2] == (split, labeled), name
        assert [row[0] for row in now[name][2]] == [row[0] for row in rows]
        for mine, theirs in zip(now[name][2], rows, strict=True):
            assert mine[1:] == pytest.approx(theirs[1:], abs=1e-6 if exact else 1e-5)
    assert sorted(copy.class_names) == ["red", "white"]
    if format == "yolo":
        assert copy.class_names == ["red", "white"]


@pytest.mark.parametrize("format", ["yolo", "coco"])
def test_polygons_come_back_the_same(run_jobs, alice, format):
    shapes = datasets.create_dataset(alice, "Shapes", task="segment", class_names=["red"])
    (image,) = datasets.add_images(shapes, [upload("a.png", photo(1))])["created"]
    image.dataset = shapes
    points = [[0.1, 0.1], [0.9, 0.2], [0.5, 0.95]]
    save_labels(image, 0, [box(points=points)], alice)
    with run_jobs():
        job = start_export(alice, shapes, format=format)
    copy = datasets.create_dataset(alice, "Copy", task="segment")
    job.refresh_from_db()
    with run_jobs():
        start_import(alice, copy, upload("again.zip", job.file.open("rb").read()))
    row = Annotation.objects.get(image__dataset=copy)
    assert [value for point in row.points for value in point] == pytest.approx([v for p in points for v in p], abs=1e-6)


def test_images_of_one_name_do_not_overwrite_each_other(run_jobs, export, full, alice):
    full.images.update(filename="same.png", split="train")
    _, archive = export(only_labeled=False)
    assert len({name for name in archive.namelist() if name.startswith("images/")}) == 6
    assert len({name for name in archive.namelist() if name.startswith("labels/")}) == 5


def test_hostile_names_stay_inside_the_archive_and_the_download(run_jobs, page_as, full, alice):
    full.name = '../../"evil"\r\n; name="x'
    full.save()
    full.images.filter(filename="0.png").update(filename="..\\..\\con.png")
    with run_jobs():
        job = start_export(alice, full)
    job.refresh_from_db()
    assert job.result["filename"].endswith("-yolo.zip")
    assert not set(job.result["filename"]) & set('/\\"\r\n; ')
    with job.file.open("rb") as file:
        for name in zipfile.ZipFile(file).namelist():
            assert ".." not in name.split("/")
            assert "\\" not in name


# --- the job's ends -----------------------------------------------------------------------------------------
def test_nothing_to_export_is_said(run_jobs, dataset, alice, images):
    with run_jobs():
        job = start_export(alice, dataset)
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("failed", "No image matches: nothing to export.")


def test_dataset_deleted_meanwhile_is_said(run_jobs, full, alice):
    with run_jobs():
        job = start_export(alice, full)
        Dataset.objects.all().delete()
    job.refresh_from_db()
    assert (job.status, job.error_message) == ("failed", "The dataset is gone.")


def test_missing_file_is_named(run_jobs, full, alice):
    name = full.images.first().file.name
    default_storage.delete(name)
    with run_jobs():
        job = start_export(alice, full)
    job.refresh_from_db()
    assert job.status == "failed"
    assert name in job.error_message


def test_cancelled_export_makes_no_file(run_jobs, full, alice, monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr(core_jobs.time, "monotonic", lambda: next(clock))

    def cancelled(*args):
        Job.objects.update(status="cancelled")

    monkeypatch.setattr("apps.annotations.services.export_archive._write_picture", cancelled)
    with run_jobs():
        job = start_export(alice, full)
    job.refresh_from_db()
    assert (job.status, job.file.name) == ("cancelled", "")


# --- doors --------------------------------------------------------------------------------------------------
def test_api_answers_a_job_whose_url_downloads_for_its_owner_only(run_jobs, api_as, owner, carol, full):
    with run_jobs():
        answer = owner.post(f"/api/v1/datasets/{full.pk}/export", {"format": "yolo", "splits": ["train"]})
    assert answer.status_code == 202
    job = owner.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert job["status"] == "completed"
    download = owner.get(job["result"]["url"])
    assert download.status_code == 200
    assert 'filename="Cells-yolo.zip"' in download["Content-Disposition"]
    archive = zipfile.ZipFile(io.BytesIO(b"".join(download.streaming_content)))
    assert archive.testzip() is None
    assert "images/train/0.png" in archive.namelist()
    assert api_as(carol).get(job["result"]["url"]).status_code == 404
    assert api_as().get(job["result"]["url"]).status_code == 401


def test_reader_of_a_public_dataset_may_export_it(run_jobs, api_as, bob, full):
    datasets.update_dataset(full, is_public=True)
    with run_jobs():
        answer = api_as(bob).post(f"/api/v1/datasets/{full.pk}/export", {})
    job = api_as(bob).get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert (job["status"], job["result"]["images"]) == ("completed", 5)


@pytest.mark.parametrize(
    ("body", "blamed"),
    [
        ({"format": "tfrecord"}, "format"),
        ({"format": ["yolo"]}, "format"),
        ({"format": {}}, "format"),
        ({"format": None}, "format"),
        ({"splits": "train"}, "splits"),
        ({"splits": ["all"]}, "splits"),
        ({"splits": [1]}, "splits"),
        ({"splits": {"a": 1}}, "splits"),
        ({"only_labeled": "perhaps"}, "only_labeled"),
        ({"only_labeled": []}, "only_labeled"),
    ],
)
def test_bad_wish_is_named_and_makes_no_job(owner, full, body, blamed):
    answer = owner.post(f"/api/v1/datasets/{full.pk}/export", body)
    assert (answer.status_code, set(answer.json())) == (400, {blamed})
    assert not Job.objects.exists()


def test_page_exports_and_offers_the_download(run_jobs, page_as, alice, full):
    browser, url = page_as(alice), f"/datasets/{full.pk}/export"
    with run_jobs():
        answer = browser.post(url, {"format": "coco", "splits": ["train", "val"], "only_labeled": "on"})
    page = browser.get(answer["Location"]).content.decode()
    assert f"/jobs/{Job.objects.get().pk}/file" in page
    assert Job.objects.get().result["images"] == 3
    assert browser.post(url, {"format": "none"}).status_code == 400
    assert browser.post(url, {"format": "yolo", "splits": ["x\x00"]}).status_code == 400
