import gzip
import io
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from apps.annotations.models import DatasetVersion
from apps.annotations.services import entries as entries_service
from apps.annotations.services import versions as version_service
from apps.annotations.services import yolo_folders as service
from apps.annotations.services.comparisons import work_out
from apps.annotations.services.entries import version_entries
from apps.annotations.services.labels import add_labels, save_labels
from apps.annotations.services.versions import create_version
from apps.annotations.services.yolo_folders import validation_images, yolo_folder
from apps.core.models import Job
from apps.core.storage import is_local
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage
from conftest import box, upload


@pytest.fixture
def versions(ready_dataset):
    return f"/api/v1/datasets/{ready_dataset.pk}/versions"


def first_image(dataset):
    image = dataset.images.first()
    image.dataset = dataset
    return image


def sideways(color_of_left="red"):
    """A JPEG that people see as 48 wide and 64 high, red on top: stored lying on its side (EXIF orientation 6)."""
    stored = Image.new("RGB", (64, 48), "blue")
    stored.paste(color_of_left, (0, 0, 32, 48))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    stored.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue()


# --- the same, or new ---------------------------------------------------------------------------------------
def test_nothing_changed_is_the_same_version_again(owner, versions):
    first = owner.post(versions)
    assert (first.status_code, first.json()["number"]) == (201, 1)
    body = first.json()
    assert (body["num_images"], body["num_boxes"], body["created_by"]) == (6, 6, "alice")
    assert body["split_counts"] == {"train": 4, "val": 2, "test": 0, "": 0}
    again = owner.post(versions)
    assert (again.status_code, again.json()) == (200, body)
    assert owner.get(f"{versions}/1").json() == body
    assert owner.get(versions).json()["count"] == 1


def test_saving_the_same_labels_again_makes_no_new_version(ready_dataset, alice):
    first, _ = create_version(ready_dataset, alice)
    image = first_image(ready_dataset)
    rows = [{"id": row.pk, "x_center": row.x_center} for row in image.annotations.all()]
    save_labels(image, 1, [box(id=rows[0]["id"])], alice)
    assert create_version(ready_dataset, alice) == (first, False)


CHANGES = {
    "a box more": lambda d, user: add_labels(first_image(d), [box(x=0.2)], user),
    "a box moved": lambda d, user: save_labels(first_image(d), 1, [box(x=0.5000001)], user),
    "another class": lambda d, user: save_labels(first_image(d), 1, [box(1)], user),
    "a polygon": lambda d, user: save_labels(
        first_image(d), 1, [box(points=[[0.4, 0.4], [0.6, 0.4], [0.6, 0.6], [0.4, 0.6]])], user
    ),
    "no box": lambda d, user: save_labels(first_image(d), 1, [], user),
    "not labelled": lambda d, user: save_labels(first_image(d), 1, [], user, labeled=False),
    "a split": lambda d, user: datasets.set_split(d, d.images.filter(pk=first_image(d).pk), "test"),
    "a class name": lambda d, user: datasets.rename_class(d, 0, "erythrocyte"),
    "a class more": lambda d, user: datasets.add_class(d, "blue"),
    "an image more": lambda d, user: datasets.add_images(d, [upload("new.png", seed=99)]),
    "an image less": lambda d, user: datasets.purge_images(d, d.images.filter(pk=first_image(d).pk)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_any_change_makes_a_new_version(ready_dataset, alice, change):
    create_version(ready_dataset, alice)
    CHANGES[change](ready_dataset, alice)
    version, is_new = create_version(ready_dataset, alice)
    assert is_new
    assert version.number == 2


def test_change_that_is_taken_back_is_the_old_version(ready_dataset, alice):
    first, _ = create_version(ready_dataset, alice)
    datasets.rename_class(ready_dataset, 0, "other")
    create_version(ready_dataset, alice)
    datasets.rename_class(ready_dataset, 0, "red")
    assert create_version(ready_dataset, alice) == (first, False)


def test_version_knows_classes_added_since_the_dataset_was_read(ready_dataset, alice):
    stale = Dataset.objects.get(pk=ready_dataset.pk)
    datasets.add_class(ready_dataset, "blue")
    version, _ = create_version(stale, alice)
    assert version.class_names == ["red", "white", "blue"]


def test_two_who_snapshot_at_once_get_the_same_version(threads_database, ready_dataset, alice):
    def work(_):
        try:
            return create_version(Dataset.objects.get(pk=ready_dataset.pk), alice)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(work, range(4)))
    assert len({version.pk for version, _ in made}) == 1
    assert [is_new for _, is_new in made].count(True) == 1


def test_note_names_a_version_and_can_be_changed(owner, versions):
    first = owner.post(versions, {"note": "before the relabelling"}).json()
    assert first["note"] == "before the relabelling"
    assert owner.post(versions, {"note": "other"}).json()["note"] == "before the relabelling"
    assert owner.patch(f"{versions}/1", {"note": "  after \n all "}).json()["note"] == "after all"
    assert owner.patch(f"{versions}/1", {}).json()["note"] == "after all"
    assert owner.patch(f"{versions}/1", {"note": "x" * 201}).status_code == 400
    assert owner.get(f"{versions}/1").json()["content_hash"] == first["content_hash"]


def test_version_says_whether_the_dataset_is_still_like_it(owner, versions, ready_dataset, alice):
    assert owner.post(versions).json()["same_as_now"]
    save_labels(first_image(ready_dataset), 1, [box(x=0.3)], alice)
    assert not owner.get(f"{versions}/1").json()["same_as_now"]
    assert owner.post(versions).json()["same_as_now"]
    assert [row["same_as_now"] for row in owner.get(versions).json()["results"]] == [True, False]


def test_large_dataset_is_snapshotted_by_a_job(owner, page_as, alice, versions, ready_dataset, run_jobs, monkeypatch):
    monkeypatch.setattr(version_service, "AT_ONCE", 5)
    with run_jobs():
        answer = owner.post(versions, {"note": "big"})
    assert answer.status_code == 202
    job = owner.get(f"/api/v1/jobs/{answer.json()['id']}").json()
    assert (job["status"], job["result"]["number"], job["result"]["is_new"]) == ("completed", 1, True)
    assert owner.get(f"{versions}/1").json()["note"] == "big"
    with run_jobs():
        page = page_as(alice).post(f"/datasets/{ready_dataset.pk}/versions")
    again = Job.objects.first()
    assert page["Location"] == f"/jobs/{again.pk}/"
    again.refresh_from_db()
    assert again.result["words"] == "Nothing changed since version 1."


def test_who_labels_while_a_version_is_made_waits_for_nothing_and_is_not_half_in_it(
    threads_database, ready_dataset, alice, monkeypatch
):
    monkeypatch.setattr(entries_service, "PAGE", 2)
    names, done = [], []

    def label_meanwhile():
        try:
            for image in ready_dataset.images.order_by("pk"):
                image.dataset = ready_dataset
                save_labels(image, image.revision, [box(x=0.111)], alice)
            datasets.rename_class(ready_dataset, 0, "changed")
        finally:
            connection.close()

    def tell(count):
        if count == 3 and not done:
            done.append(count)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(label_meanwhile).result(timeout=10)

    version, is_new = create_version(ready_dataset, alice, tell=tell)
    names += [row[1] for entry in version_entries(version) for row in entry["boxes"]]
    assert (is_new, done) == (True, [3])
    assert set(names) == {0.5}
    assert version.class_names == ["red", "white"]
    assert not version_service.is_as_now(version, Dataset.objects.get(pk=ready_dataset.pk))
    assert create_version(ready_dataset, alice)[0].class_names == ["changed", "white"]


def test_image_that_is_deleted_for_good_meanwhile_is_not_in_the_version(threads_database, ready_dataset, alice):
    doomed = first_image(ready_dataset)
    calls = []

    def delete():
        try:
            datasets.purge_images(ready_dataset, ready_dataset.images.filter(pk=doomed.pk))
            DatasetImage.all_objects.filter(pk=doomed.pk).delete()
        finally:
            connection.close()

    def tell(count):
        calls.append(count)
        if len(calls) == 2:
            with ThreadPoolExecutor(1) as pool:
                pool.submit(delete).result(timeout=10)

    version, _ = create_version(ready_dataset, alice, tell=tell)
    assert len(calls) == 6 + 5
    shas = {entry["sha256"] for entry in version_entries(version)}
    assert (len(shas), doomed.sha256 in shas) == (5, False)


# --- versions of the first format -----------------------------------------------------------------------------
@pytest.fixture
def old_version(ready_dataset, alice):
    """A version as the first release made it: entries in the order of the rows, hashed line by line."""
    lines = [json.dumps({"format": 1, "task": "detect", "class_names": ["red", "white"]}, sort_keys=True)]
    for image in ready_dataset.images.order_by("pk"):
        rows = [[r.class_key, r.x_center, r.y_center, r.width, r.height] for r in image.annotations.all()]
        lines.append(json.dumps({
            "sha256": image.sha256, "file": image.file.name, "filename": image.filename, "plain": True, "width": 64,
            "height": 48, "split": image.split, "labeled": True, "boxes": rows,
        }, sort_keys=True))  # fmt: skip
    data = gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)
    name = default_storage.save(f"datasets/{ready_dataset.pk}/versions/old.jsonl.gz", ContentFile(data))
    ready_dataset.images.update(in_version=True)
    return DatasetVersion.objects.create(
        dataset=ready_dataset, number=1, content_hash="old", class_names=["red", "white"], class_keys=[0, 1],
        num_images=6, num_boxes=6, split_counts={"train": 4, "val": 2, "test": 0, "": 0}, manifest=name,
    )  # fmt: skip


def test_old_version_can_be_read_compared_and_trained_on(old_version, ready_dataset):
    assert [len(entry["boxes"]) for entry in version_entries(old_version)] == [1] * 6
    assert work_out(ready_dataset, old_version).summary["identical"]
    folder = yolo_folder(old_version).parent
    assert len(list((folder / "images").glob("*/*"))) == 6
    assert version_service.labeled_counts(old_version) == {"train": 4, "val": 2, "test": 0, "": 0, "train_boxes": 4}


def test_old_version_is_found_again_where_nothing_changed(old_version, ready_dataset, alice):
    version, is_new = create_version(ready_dataset, alice)
    assert (version, is_new) == (old_version, False)
    save_labels(first_image(ready_dataset), 1, [box(x=0.3)], alice)
    assert create_version(ready_dataset, alice)[0].number == 2


# --- the manifest -------------------------------------------------------------------------------------------
def test_manifest_says_everything_of_every_image(ready_dataset, alice, monkeypatch):
    monkeypatch.setattr(entries_service, "PAGE", 4)  # more than one page of rows
    points = [[0.25, 0], [0.75, 0], [0.25, 0.5]]
    save_labels(first_image(ready_dataset), 1, [box(1, x=0.3), box(points=points)], alice)
    version, _ = create_version(ready_dataset, alice)
    entries = list(version_entries(version))
    images = list(ready_dataset.images.order_by("sha256"))
    assert [entry["sha256"] for entry in entries] == [image.sha256 for image in images]
    first = first_image(ready_dataset)
    assert next(entry for entry in entries if entry["sha256"] == first.sha256) == {
        "sha256": first.sha256, "file": first.file.name, "filename": "0.png", "plain": True, "width": 64,
        "height": 48, "split": "train", "labeled": True, "state": "labelled", "group": "", "tags": [],
        "source": first.source, "revision": 2,
        "boxes": [
            [1, 0.3, 0.5, 0.2, 0.2, None, None, "manual"], [0, 0.5, 0.25, 0.5, 0.5, points, None, "manual"],
        ],
    }  # fmt: skip
    assert (version.num_images, version.num_boxes) == (6, 7)
    assert version.labeled_counts == {"train": 4, "val": 2, "test": 0, "": 0, "train_boxes": 5}


def test_deleted_image_stays_in_the_version_and_its_file_stays(
    ready_dataset, alice, django_capture_on_commit_callbacks
):
    version, _ = create_version(ready_dataset, alice)
    image = first_image(ready_dataset)
    with django_capture_on_commit_callbacks(execute=True):
        datasets.purge_images(ready_dataset, ready_dataset.images.all())
    assert not default_storage.exists(image.thumbnail.name)
    assert default_storage.exists(image.file.name)
    assert len(list(version_entries(version))) == 6
    folder = yolo_folder(version).parent
    assert len([Image.open(path).load() for path in (folder / "images").glob("*/*")]) == 6


def test_image_that_is_in_no_version_goes_with_its_file(ready_dataset, django_capture_on_commit_callbacks):
    name = first_image(ready_dataset).file.name
    with django_capture_on_commit_callbacks(execute=True):
        datasets.purge_images(ready_dataset, ready_dataset.images.all())
    assert not default_storage.exists(name)


# --- the YOLO folder ----------------------------------------------------------------------------------------
def test_folder_has_labelled_images_with_a_split_and_their_rows(ready_dataset, alice):
    image = first_image(ready_dataset)
    save_labels(image, 1, [box(1, x=0.25, width=0.125), box(0, y=0.75)], alice)
    pks = list(ready_dataset.images.values_list("pk", flat=True))
    save_labels(first_image(ready_dataset), 2, [box(1, x=0.25, width=0.125), box(0, y=0.75)], alice)
    datasets.set_split(ready_dataset, ready_dataset.images.filter(pk=pks[1]), "")
    unlabelled, empty = ready_dataset.images.get(pk=pks[2]), ready_dataset.images.get(pk=pks[3])
    for each, labeled in ((unlabelled, False), (empty, True)):
        each.dataset = ready_dataset
        save_labels(each, 1, [], alice, labeled=labeled)
    version, _ = create_version(ready_dataset, alice)
    data_yaml = yolo_folder(version)
    data = yaml.safe_load(data_yaml.read_text("utf-8"))
    assert data == {
        "path": str(data_yaml.parent), "train": "images/train", "val": "images/val", "names": {0: "red", 1: "white"}
    }  # fmt: skip
    names = {split: {p.stem for p in (data_yaml.parent / "images" / split).iterdir()} for split in ("train", "val")}
    assert names["train"] == {image.sha256, empty.sha256}
    assert len(names["val"]) == 2
    rows = data_yaml.parent / "labels" / "train"
    assert (rows / f"{image.sha256}.txt").read_text() == (
        "1 0.25000000 0.50000000 0.12500000 0.20000000\n0 0.50000000 0.75000000 0.20000000 0.20000000\n"
    )
    assert (rows / f"{empty.sha256}.txt").read_text() == ""
    picture = data_yaml.parent / "images" / "train" / f"{image.sha256}.png"
    assert picture.is_symlink() == is_local(default_storage)  # what lies elsewhere is fetched
    assert picture.read_bytes() == image.file.open("rb").read()
    assert validation_images(version, 1) == [str(sorted((data_yaml.parent / "images" / "val").iterdir())[0])]


def test_folder_is_built_once(ready_dataset, alice, monkeypatch):
    version, _ = create_version(ready_dataset, alice)
    first = yolo_folder(version)
    monkeypatch.setattr(service, "_fill", lambda *args: pytest.fail("built twice"))
    assert yolo_folder(version) == first


def test_class_names_in_any_script_can_be_read_back(alice):
    names = ["Zelle “α”: {1}", "😀", "- no", "#5", "null", "a\\b", "1.5"]
    dataset = datasets.create_dataset(alice, "Names", class_names=names)
    version, _ = create_version(dataset, alice)
    assert yaml.safe_load(yolo_folder(version).read_text("utf-8"))["names"] == dict(enumerate(names))


def test_picture_lying_on_its_side_becomes_an_upright_png(dataset, alice):
    (image,) = datasets.add_images(dataset, [upload("s.jpg", sideways())])["created"]
    image.dataset = dataset
    save_labels(image, 0, [box(y=0.25, height=0.5, width=1)], alice)
    datasets.set_split(dataset, dataset.images.all(), "train")
    version, _ = create_version(dataset, alice)
    (picture,) = (yolo_folder(version).parent / "images" / "train").iterdir()
    shown = Image.open(picture)
    assert (picture.suffix, shown.format, shown.size, shown.mode) == (".png", "PNG", (48, 64), "RGB")
    assert shown.getexif().get(0x0112, 1) == 1
    assert [c > 200 for c in shown.getpixel((24, 10))] == [True, False, False]
    assert [c > 200 for c in shown.getpixel((24, 54))] == [False, False, True]


def test_box_among_polygons_becomes_its_four_corners(alice):
    dataset = datasets.create_dataset(alice, "Shapes", task="segment", class_names=["red"])
    (image,) = datasets.add_images(dataset, [upload()])["created"]
    image.dataset = dataset
    save_labels(image, 0, [box(points=[[0, 0], [0.5, 0], [0, 1]]), box(x=0.25, y=0.75, width=0.5, height=0.5)], alice)
    datasets.set_split(dataset, dataset.images.all(), "test")
    version, _ = create_version(dataset, alice)
    data_yaml = yolo_folder(version)
    rows = (data_yaml.parent / "labels" / "test" / f"{image.sha256}.txt").read_text().splitlines()
    assert [[float(n) for n in row.split()] for row in rows] == [
        [0, 0, 0, 0.5, 0, 0, 1],
        [0, 0, 0.5, 0.5, 0.5, 0.5, 1, 0, 1],
    ]
    assert yaml.safe_load(data_yaml.read_text())["test"] == "images/test"


def test_two_workers_that_build_the_folder_at_once_both_get_it(threads_database, ready_dataset, alice):
    version, _ = create_version(ready_dataset, alice)

    def work(_):
        try:
            return yolo_folder(DatasetVersion.objects.get(pk=version.pk))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        paths = set(pool.map(work, range(4)))
    (data_yaml,) = paths
    assert len(list((data_yaml.parent / "images").glob("*/*"))) == 6
    assert not [name for name in os.listdir(data_yaml.parent.parent) if name.startswith(".draft")]


def test_folder_that_cannot_be_built_leaves_no_draft(ready_dataset, alice, monkeypatch):
    version, _ = create_version(ready_dataset, alice)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(service, "_place_image", full)
    with pytest.raises(OSError, match="No space"):
        yolo_folder(version)
    assert not list(Path(service.settings.WORK_DIR / "datasets").glob(".draft-*"))


# --- pages --------------------------------------------------------------------------------------------------
def test_page_snapshots_and_says_whether_anything_changed(page_as, alice, ready_dataset):
    browser, url = page_as(alice), f"/datasets/{ready_dataset.pk}/versions"
    assert "No version yet" in browser.get(url).content.decode()
    assert "Version 1 is made." in browser.post(url, follow=True).content.decode()
    assert "Nothing changed since version 1." in browser.post(url, follow=True).content.decode()


def test_page_names_a_version(page_as, alice, ready_dataset):
    browser, url = page_as(alice), f"/datasets/{ready_dataset.pk}/versions"
    browser.post(url, {"note": "the <first>"})
    page = browser.get(url).content.decode()
    assert "the &lt;first&gt;" in page
    assert "there is nothing new to snapshot" in page
    datasets.rename_class(ready_dataset, 0, "other")
    assert "there is nothing new to snapshot" not in browser.get(url).content.decode()
    create_version(ready_dataset, alice)
    datasets.rename_class(ready_dataset, 0, "red")
    create_version(ready_dataset, alice)  # the first one again, though not the newest
    assert "there is nothing new to snapshot" in browser.get(url).content.decode()
    assert "is called “x”" in browser.post(f"{url}/1/note", {"note": "x"}, follow=True).content.decode()
    assert "has no note any more" in browser.post(f"{url}/1/note", {"note": ""}, follow=True).content.decode()
    assert browser.get(f"{url}/1/note").status_code == 405


def test_list_opens_at_the_page_of_a_version(page_as, alice, ready_dataset):
    DatasetVersion.objects.bulk_create(
        DatasetVersion(dataset=ready_dataset, number=n, content_hash=str(n)) for n in range(1, 61)
    )
    browser, url = page_as(alice), f"/datasets/{ready_dataset.pk}/versions"
    assert 'id="v3"' in browser.get(f"{url}?version=3").content.decode()
    assert 'id="v11"' in browser.get(f"{url}?version=11").content.decode()
    for strange in ("?version=x", "?version=999999999", "?version=0", "?page=99"):
        assert browser.get(url + strange).status_code == 200


def test_reader_sees_versions_and_changes_none(api_as, page_as, bob, carol, versions, ready_dataset, alice):
    create_version(ready_dataset, alice)
    page = f"/datasets/{ready_dataset.pk}/versions"
    assert api_as(carol).patch(f"{versions}/1", {"note": "x"}).status_code == 404
    assert page_as(carol).post(f"{page}/1/note", {"note": "x"}).status_code == 404
    datasets.update_dataset(ready_dataset, is_public=True)
    assert api_as(bob).get(f"{versions}/1").status_code == 200
    assert page_as(bob).get(page).status_code == 200
    assert api_as(bob).patch(f"{versions}/1", {"note": "x"}).status_code == 403
    assert api_as(bob).post(versions).status_code == 403
    assert page_as(bob).post(page).status_code == 403
    assert page_as(bob).post(f"{page}/1/note", {"note": "x"}).status_code == 403
    assert DatasetVersion.objects.get().note == ""


def test_unknown_version_is_not_found(owner, versions):
    assert owner.get(f"{versions}/1").status_code == 404


def test_lists_make_the_same_number_of_queries_for_one_version_and_for_50(
    page_as, owner, alice, versions, ready_dataset
):
    browser = page_as(alice)

    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert browser.get(f"/datasets/{ready_dataset.pk}/versions").status_code == 200
            assert owner.get(versions).status_code == 200
        return len(queries)

    create_version(ready_dataset, alice)
    few = cost()
    DatasetVersion.objects.bulk_create(
        DatasetVersion(dataset=ready_dataset, number=n, content_hash=str(n), created_by=alice) for n in range(2, 51)
    )
    assert cost() == few
