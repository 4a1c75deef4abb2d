"""Looking before it goes in: what an inspection finds, where classes and splits go, who may, and taking it back."""

import base64
import json

import pytest

from apps.annotations.models import Annotation
from apps.core.models import Job, Upload
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage
from conftest import upload

from .archives import coco, packed, photo, voc, voc_xml, yolo

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}


@pytest.fixture
def sent(run_jobs, owner, dataset):
    """`sent(files, **fields)`: the import over the API into `dataset`; the job as it ended."""

    def send(files, into=dataset, **fields):
        fields = {name: json.dumps(value) if name == "classes" else value for name, value in fields.items()}
        with run_jobs():
            answer = owner.post(
                f"/api/v1/datasets/{into.pk}/import", {"file": packed(files), **fields}, format="multipart"
            )
        assert answer.status_code == 202, answer.content
        return Job.objects.get(pk=answer.json()["id"])

    return send


@pytest.fixture
def inspected(run_jobs, owner, dataset):
    """`inspected(files)`: an inspection for `dataset`; the job as it ended."""

    def look(files, **fields):
        with run_jobs():
            answer = owner.post(
                f"/api/v1/datasets/{dataset.pk}/inspect", {"file": packed(files), **fields}, format="multipart"
            )
        return Job.objects.get(pk=answer.json()["id"])

    return look


def labels(dataset):
    """`{filename: [class names]}`"""
    dataset.refresh_from_db()
    names = dict(zip(dataset.class_keys, dataset.class_names, strict=True))
    return {
        image.filename: [names[row.class_key] for row in image.annotations.all()]
        for image in dataset.images.prefetch_related("annotations")
    }


# --- what is found ------------------------------------------------------------------------------------------
def test_inspection_finds_what_is_there_and_writes_nothing(inspected, dataset):
    lost = voc_xml(("red", 0, 0, 9, 9), filename="lost.png")
    job = inspected(voc() | {"VOC/Annotations/lost.xml": lost, "more.zip": b"PK"})
    found = job.result
    assert (job.status, found["format"], found["images"], found["boxes"], found["labelled"]) == (
        "completed", "voc", 3, 3, 2,
    )  # fmt: skip
    assert found["classes"] == [{"name": "red", "boxes": 2, "images": 2}, {"name": "white", "boxes": 1, "images": 1}]
    assert found["splits"] == {"train": 1, "val": 1, "": 1}
    assert {kind["kind"]: kind["count"] for kind in found["problems"]} == {"label_without_image": 1, "skipped_file": 1}
    assert found["problems"][0]["examples"][0]["file"]
    assert (DatasetImage.objects.count(), Dataset.objects.get().class_names) == (0, ["red", "white"])


def test_samples_are_one_picture_with_the_boxes_of_each(inspected, page_as, alice):
    job = inspected(voc())
    samples = {sample["filename"]: sample for sample in job.result["samples"]}
    assert set(samples) == {"a.png", "b.png"}
    assert samples["a.png"]["boxes"] == [[0, 20.0, 10.0, 40.0, 20.0]]
    answer = page_as(alice).get(f"/jobs/{job.pk}/file")
    assert answer["Content-Type"] == "image/jpeg"
    page = page_as(alice).get(job.result["page_url"]).content.decode()
    assert page.count("<rect") == 3


def test_samples_pass_over_broken_pictures_and_hostile_names(inspected, page_as, alice):
    label = voc_xml(("r&lt;b&gt;d", 0, 0, 9, 9))
    files = {f"{n}.png": b"broken" for n in range(3)} | {f"{n}.xml": label for n in range(3)}
    job = inspected(files)
    assert (job.status, job.result["samples"]) == ("completed", [])
    page = page_as(alice).get(job.result["page_url"]).content.decode()
    assert "r&lt;b&gt;d" in page
    assert "r<b>d" not in page


def test_useless_archive_is_refused_in_words_and_can_be_read_as_something_else(inspected, run_jobs, page_as, alice):
    job = inspected(yolo(), format="coco")
    assert job.status == "failed"
    browser = page_as(alice)
    url = f"/datasets/{job.params['dataset_id']}/import/{job.pk}"
    assert job.error_message in browser.get(url).content.decode().replace("&#x27;", "'")
    with run_jobs():
        again = browser.post(f"{url}/again", {"format": "yolo"})["Location"]
    assert "Import 3 images" in browser.get(again).content.decode()


# --- where classes go ---------------------------------------------------------------------------------------
def test_classes_go_where_they_are_sent(sent, dataset):
    job = sent(voc(), classes={"red": {"to": 1}, "white": {"new": "pale  one"}})
    assert job.status == "completed"
    assert labels(dataset) == {"a.png": ["white"], "b.png": ["pale one", "white"], "c.png": []}
    assert dataset.class_names == ["red", "white", "pale one"]


def test_boxes_of_a_class_that_is_left_out_are_left_out_and_said(sent, dataset):
    job = sent(voc(), classes={"red": None})
    assert labels(dataset) == {"a.png": [], "b.png": ["white"], "c.png": []}
    assert dataset.images.get(filename="a.png").is_labeled
    assert (job.result["boxes"], job.result["report"]["total"]) == (1, 2)
    assert {p["kind"] for p in job.result["problems"]} == {"class_left_out"}
    assert "“red”" in job.result["problems"][0]["reason"]


def test_former_name_of_a_class_is_the_class(sent, dataset):
    datasets.rename_class(dataset, 0, "erythrocyte")
    job = sent(voc())
    assert labels(dataset)["a.png"] == ["erythrocyte"]
    assert dataset.class_names == ["erythrocyte", "white"]
    assert [p["kind"] for p in job.result["problems"]] == ["former_name"]


def test_former_name_is_no_match_where_the_archive_has_the_name_of_today_too(sent, dataset):
    datasets.rename_class(dataset, 1, "other")
    datasets.rename_class(dataset, 0, "white")
    sent(voc())
    assert labels(dataset) == {"a.png": ["red"], "b.png": ["white", "red"], "c.png": []}
    assert dataset.class_names == ["white", "other", "red"]


def test_class_ids_of_the_mapping_are_those_of_the_moment_it_was_sent(run_jobs, owner, dataset):
    with run_jobs():
        fields = {"file": packed(voc()), "classes": json.dumps({"red": {"to": 1}})}
        owner.post(f"/api/v1/datasets/{dataset.pk}/import", fields, format="multipart")
        datasets.reorder_classes(dataset, [1, 0])
    assert labels(dataset)["a.png"] == ["white"]


def test_category_ids_become_the_permanent_numbers_where_they_are_free(run_jobs, owner):
    with run_jobs():
        owner.post("/api/v1/datasets/import", {"file": packed(coco()), "name": "Coco"}, format="multipart")
    dataset = Dataset.objects.get()
    assert dict(zip(dataset.class_names, dataset.class_keys, strict=True)) == {"white": 4, "red": 6}


@pytest.mark.parametrize(
    ("classes", "words"),
    [
        ([], "An object"),
        ({"red": {"to": 7}}, "not one of this dataset (0 to 1)"),
        ({"red": {"to": True}}, "not one of this dataset"),
        ({"red": {"to": "0"}}, "not one of this dataset"),
        ({"red": {"key": 0}}, "maps to"),
        ({"red": {"new": ""}}, "1 to 100"),
        ({"red": {"new": "a\u0000"}}, "1 to 100"),
        ({"red": 3}, "maps to"),
    ],
)
def test_bad_mapping_is_400_in_words(owner, dataset, classes, words):
    fields = {"file": packed(voc()), "classes": json.dumps(classes)}
    answer = owner.post(f"/api/v1/datasets/{dataset.pk}/import", fields, format="multipart")
    assert (answer.status_code, set(answer.json())) == (400, {"classes"})
    assert words in answer.json()["classes"][0]
    assert Job.objects.count() == 0


def test_mapping_of_a_class_that_the_archive_lacks_is_refused_in_words(sent):
    job = sent(voc(), classes={"blue": None})
    assert (job.status, job.error_message) == (
        "failed", "The archive has no class “blue”. Its classes: “red”, “white”.",
    )  # fmt: skip


def test_class_deleted_before_the_import_runs_is_said(run_jobs, owner, dataset):
    with run_jobs():
        fields = {"file": packed(voc()), "classes": json.dumps({"red": {"to": 1}})}
        answer = owner.post(f"/api/v1/datasets/{dataset.pk}/import", fields, format="multipart")
        datasets.drop_class(dataset, 1)
    job = Job.objects.get(pk=answer.json()["id"])
    assert (job.status, "was deleted meanwhile" in job.error_message) == ("failed", True)


# --- splits -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("splits", "expected", "mine"),
    [
        ("fill", {"a.png": "train", "c.png": ""}, "test"),
        ("take", {"a.png": "train", "c.png": ""}, "val"),
        ("ignore", {"a.png": "", "c.png": ""}, "test"),
        ("test", {"a.png": "test", "c.png": "test"}, "test"),
        ("train", {"a.png": "train", "c.png": "train"}, "train"),
    ],
)
def test_splits_go_as_they_are_chosen(sent, dataset, splits, expected, mine):
    datasets.add_images(dataset, [upload("mine.png", photo(2))])
    datasets.set_split(dataset, dataset.images.all(), "test")
    job = sent(voc(), splits=splits)
    found = dict(dataset.images.values_list("filename", "split"))
    assert found == expected | {"mine.png": mine}
    changed = [problem["kind"] for problem in job.result["problems"] if problem["kind"] == "split_changed"]
    assert len(changed) == (mine != "test")
    dataset.refresh_from_db()
    counts = {split: sum(value == split for value in found.values()) for split in ("train", "val", "test", "")}
    assert dataset.split_counts == counts


def test_unknown_splits_are_400(owner, dataset):
    answer = owner.post(
        f"/api/v1/datasets/{dataset.pk}/import", {"file": packed(voc()), "splits": "all"}, format="multipart"
    )
    assert (answer.status_code, set(answer.json())) == (400, {"splits"})


# --- the page -----------------------------------------------------------------------------------------------
def test_page_proposes_and_takes_what_the_person_says(inspected, run_jobs, page_as, alice, dataset):
    job = inspected(voc() | {"VOC/Annotations/c.xml": voc_xml(("blue", 0, 0, 9, 9), filename="c.png")})
    browser, url = page_as(alice), job.result["page_url"]
    form = browser.get(url).context["form"]
    assert [(row["name"], row["to"]) for row in form.rows] == [("blue", "new"), ("red", "0"), ("white", "1")]
    plan = {"splits": "ignore", "class-0": "new", "name-0": "navy", "class-1": "1", "class-2": "none"}
    with run_jobs():
        assert browser.post(url, plan).status_code == 302
    assert labels(dataset) == {"a.png": ["white"], "b.png": ["white"], "c.png": ["navy"]}
    assert dataset.split_counts[""] == 3


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"class-0": "99"}, "not here any more"),
        ({"class-0": "<b>"}, "not here any more"),
        ({"class-0": "new", "name-0": " "}, "1 to 100"),
        ({"class-0": "new", "name-0": "x" * 101}, "1 to 100"),
        ({"splits": "x"}, "Select a valid choice"),
    ],
)
def test_bad_plan_is_said_on_the_page_and_nothing_starts(inspected, page_as, alice, plan, words):
    job = inspected(voc())
    answer = page_as(alice).post(job.result["page_url"], {"splits": "fill"} | plan)
    assert answer.status_code == 400
    assert words in answer.content.decode()
    assert Job.objects.count() == 1


def test_new_dataset_is_named_and_its_task_proposed_by_the_content(run_jobs, page_as, alice):
    browser = page_as(alice)
    with run_jobs():
        url = browser.post("/datasets/import", {"file": packed(voc(), "blood_cells.tar.gz")})["Location"]
    page = browser.get(url)
    assert (page.context["form"]["name"].value(), page.context["form"]["task"].value()) == ("blood cells", "detect")
    assert browser.post(url, {"splits": "fill", "task": "detect", "name": ""}).status_code == 400
    assert Dataset.objects.count() == 0


# --- uploads in pieces --------------------------------------------------------------------------------------
def uploaded(api, data, name="cells.zip", upto=None):
    metadata = f"filename {base64.b64encode(name.encode()).decode()}"
    headers = TUS | {"HTTP_UPLOAD_LENGTH": str(len(data)), "HTTP_UPLOAD_METADATA": metadata}
    url = api.post("/api/v1/uploads", content_type=None, **headers)["Location"]
    headers = TUS | {"HTTP_UPLOAD_OFFSET": "0"}
    api.generic("PATCH", url, data[:upto], content_type="application/offset+octet-stream", **headers)
    return url.rsplit("/", 1)[-1]


def test_finished_upload_is_inspected_and_imported_by_its_id(run_jobs, owner, dataset):
    upload_id = uploaded(owner, packed(voc()).read())
    with run_jobs():
        looked = owner.post(f"/api/v1/datasets/{dataset.pk}/inspect", {"upload": upload_id})
    assert looked.status_code == 202
    with run_jobs():
        body = {"upload": upload_id, "classes": {"red": None}, "splits": "val"}
        answer = owner.post(f"/api/v1/datasets/{dataset.pk}/import", body)
    assert answer.status_code == 202
    assert labels(dataset) == {"a.png": [], "b.png": ["white"], "c.png": []}
    assert set(dataset.images.values_list("source", "split")) == {("cells.zip", "val")}


def test_unfinished_or_foreign_upload_is_refused_in_words(owner, api_as, bob, dataset):
    half = uploaded(owner, packed(voc()).read(), upto=100)
    foreign = uploaded(api_as(bob), packed(voc()).read())
    for upload_id, words in ((half, "send the rest first"), (foreign, "no such upload"), ("x", "valid UUID")):
        answer = owner.post(f"/api/v1/datasets/{dataset.pk}/import", {"upload": upload_id})
        assert (answer.status_code, set(answer.json())) == (400, {"upload"})
        assert words in answer.json()["upload"][0]
    assert Job.objects.count() == 0


def test_page_takes_the_id_of_an_upload_instead_of_the_file(run_jobs, owner, page_as, alice, dataset):
    upload_id = uploaded(owner, packed(voc()).read())
    browser = page_as(alice)
    with run_jobs():
        url = browser.post(f"/datasets/{dataset.pk}/import", {"upload": upload_id})["Location"]
    assert "cells.zip" in browser.get(url).content.decode()
    Upload.objects.all().delete()
    answer = browser.post(f"/datasets/{dataset.pk}/import", {"upload": upload_id})
    assert (answer.status_code, "expired" in answer.content.decode()) == (400, True)


# --- who may, and back --------------------------------------------------------------------------------------
@pytest.mark.parametrize("call", ["import", "inspect"])
def test_outsiders_and_readers_cannot_import(call, dataset, api_as, page_as, bob, carol):
    datasets.update_dataset(dataset, is_public=True)
    for person, api, page in ((bob, 403, 403), (None, 401, 302)):
        data = {"file": packed(voc())}
        url = f"/api/v1/datasets/{dataset.pk}/{call}"
        assert api_as(person).post(url, data, format="multipart").status_code == api
        assert page_as(person).post(f"/datasets/{dataset.pk}/import", {"file": packed(voc())}).status_code == page
    datasets.update_dataset(dataset, is_public=False)
    answer = api_as(carol).post(f"/api/v1/datasets/{dataset.pk}/{call}", {"file": packed(voc())}, format="multipart")
    assert answer.status_code == 404
    assert Job.objects.count() == 0


def test_preview_is_of_who_uploaded_it(inspected, page_as, dataset, bob, alice):
    job = inspected(voc())
    datasets.update_dataset(dataset, is_public=True)
    url = job.result["page_url"]
    assert page_as(alice).get(url).status_code == 200
    assert page_as(bob).get(url).status_code == 403
    other = datasets.create_dataset(bob, "Bob's")
    for wrong in (f"/datasets/{other.pk}/import/{job.pk}", f"/datasets/import/{job.pk}"):
        assert page_as(bob).get(wrong).status_code == 404
        assert page_as(bob).post(f"{wrong}/again", {"format": "voc"}).status_code == 404


def test_import_is_undone_and_what_was_there_before_stays(sent, owner, dataset, page_as, alice):
    datasets.add_images(dataset, [upload("mine.png", photo(2))])
    job = sent(voc())
    assert labels(dataset) == {"mine.png": ["white", "red"], "a.png": ["red"], "c.png": []}
    page = page_as(alice).get(job.result["more_url"]).content.decode()
    assert "2 images of this import are in" in page
    assert owner.post(f"/api/v1/datasets/{dataset.pk}/imports/{job.pk}/undo").json() == {"images": 2}
    assert labels(dataset) == {"mine.png": ["white", "red"]}
    assert (dataset.num_images, dataset.num_boxes) == (1, 2)
    assert Annotation.objects.of(dataset).count() == 2
    assert "No image of this import" in page_as(alice).get(job.result["more_url"]).content.decode()


def test_undo_is_the_editors_and_not_while_it_runs(sent, dataset, page_as, api_as, bob, carol, owner, alice):
    job = sent(voc())
    datasets.update_dataset(dataset, is_public=True)
    api, page = f"/api/v1/datasets/{dataset.pk}/imports/{job.pk}/undo", f"/datasets/{dataset.pk}/import/{job.pk}/undo"
    assert api_as(bob).post(api).status_code == page_as(bob).post(page).status_code == 403
    datasets.update_dataset(dataset, is_public=False)
    assert api_as(carol).post(api).status_code == page_as(carol).post(page).status_code == 404
    assert page_as(carol).get(job.result["more_url"]).status_code == 404
    Job.objects.update(status="running")
    assert owner.post(api).status_code == 409
    page_as(alice).post(page)
    assert dataset.images.count() == 3
    other = datasets.create_dataset(alice, "Other")
    assert owner.post(f"/api/v1/datasets/{other.pk}/imports/{job.pk}/undo").status_code == 404
