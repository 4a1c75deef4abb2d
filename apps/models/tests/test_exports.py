"""Exporting a model: who may, what is refused and why, what a job leaves, and the doors to its file."""

import hashlib
import io
import json
import zipfile

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.core import jobs, work
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.models import export_formats, services
from apps.models.export_formats import ExportFormat
from apps.models.models import ModelExport
from apps.models.services import exports

from .labelled_drawings import labelled_drawings

FIGURES = {"mAP50": 0.9, "mAP50_95": 0.7, "milliseconds": 20.5}
PROOF = {
    "images": 2, "conf": None, "weights": FIGURES, "export": FIGURES | {"mAP50_95": 0.66, "milliseconds": 8.1},
    "boxes": {"conf": 0.25, "expected": 40, "found": 30, "extra": 2},
}  # fmt: skip


@pytest.fixture(autouse=True)
def sent(monkeypatch):
    found = []
    monkeypatch.setattr("celery.current_app.send_task", lambda name, args=(), **kw: found.append((name, *args)))
    return found


@pytest.fixture
def made(trained_model, alice):
    """An export with a file whose answers differ."""
    row = services.start_export(trained_model, alice, format="onnx")
    Job.objects.filter(pk=row.job_id).update(status="completed")
    row.file.name = default_storage.save(f"models/exports/{row.pk}/x.onnx", ContentFile(b"0123456789"))
    row.num_bytes, row.sha256, row.weights_sha256 = 10, "ab" * 32, trained_model.sha256
    row.figures, row.exported_at = PROOF, timezone.now()
    row.verdict, row.reason = exports.judge("fp32", PROOF)
    row.save()
    return ModelExport.objects.select_related("model", "job").get(pk=row.pk)


def urls(model, row=None, more=""):
    base = f"/api/v1/models/{model.pk}/exports"
    return f"{base}/{row.pk}{more}" if row else base


def test_export_is_started_and_one_under_way_is_answered(api_as, alice, trained_model):
    asked = {"format": "onnx", "precision": "fp16", "img_size": 96}
    answer = api_as(alice).post(urls(trained_model), asked, format="json")
    body = answer.json()
    assert (answer.status_code, body["status"]) == (202, "pending")
    assert api_as(alice).post(urls(trained_model), asked | {"again": True}, format="json").json()["id"] == body["id"]
    row = ModelExport.objects.get()
    assert (row.pk, row.format, row.precision, row.img_size) == (body["export_id"], "onnx", "fp16", 96)
    assert api_as(alice).post(urls(trained_model), {"format": "onnx"}, format="json").json()["id"] != body["id"]


@pytest.mark.parametrize(
    ("asked", "field", "words"),
    [
        ({}, "format", "required"),
        ({"format": "onx"}, "format", "Accepted here: torchscript, onnx, openvino"),
        ({"format": "x" * 50}, "format", "20"),
        ({"format": "rknn"}, "format", "vendor"),
        ({"format": "imx"}, "format", "Accepted here"),
        ({"format": "onnx", "precision": "fp8"}, "precision", "fp8"),
        ({"format": "ncnn", "precision": "int8"}, "precision", "Accepted here: fp32, fp16"),
        ({"format": "ncnn", "dynamic": True}, "dynamic", "no such option"),
        ({"format": "onnx", "dynamic": True, "nms": True}, "nms", "choose one"),
        ({"format": "onnx", "img_size": 100}, "img_size", "96 or 128"),
        ({"format": "onnx", "img_size": 2**40}, "img_size", "4096"),
        ({"format": "onnx", "img_size": "big"}, "img_size", "integer"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_words(api_as, alice, trained_model, asked, field, words):
    answer = api_as(alice).post(urls(trained_model), asked, format="json")
    assert (answer.status_code, list(answer.json())) == (400, [field])
    assert words in answer.json()[field][0]
    assert not Job.objects.exists()
    assert not ModelExport.objects.exists()


def test_int8_needs_the_images_that_the_model_learned_from(api_as, alice, trained_model):
    type(trained_model).objects.update(dataset_version=None)
    answer = api_as(alice).post(urls(trained_model), {"format": "onnx", "precision": "int8"}, format="json")
    assert "calibrated" in answer.json()["precision"][0]


def test_an_onnx_file_is_not_exported_again(api_as, page_as, alice, trained_model):
    type(trained_model).objects.update(format="onnx")
    answer = api_as(alice).post(urls(trained_model), {"format": "openvino"}, format="json")
    assert "ONNX file already" in answer.json()["format"][0]
    page = page_as(alice).get(f"/models/{trained_model.pk}/exports").content.decode()
    assert "<form" not in page
    assert "ONNX file already" in page


def test_readers_download_and_only_the_owner_exports_or_deletes(api_as, page_as, alice, bob, carol, made):
    model, page = made.model, f"/models/{made.model_id}/exports"
    doors = (urls(model), urls(model, made), urls(model, made, "/file"), f"{urls(model)}/formats")
    for door in (*doors, page):
        assert api_as(carol).get(door).status_code == 404 if door in doors else True
    assert page_as(carol).get(page).status_code == 404
    assert page_as(carol).get(f"{page}/{made.pk}/file").status_code == 404
    assert api_as(carol).post(urls(model), {"format": "onnx"}, format="json").status_code == 404
    assert api_as(carol).delete(urls(model, made)).status_code == 404
    services.update_model(model, is_public=True)
    for door in doors:
        assert api_as(bob).get(door).status_code == 200
    assert b"".join(page_as(bob).get(f"{page}/{made.pk}/file").streaming_content) == b"0123456789"
    assert api_as(bob).post(urls(model), {"format": "onnx"}, format="json").status_code == 403
    assert api_as(bob).delete(urls(model, made)).status_code == 403
    for door in ("start", f"{made.pk}/again", f"{made.pk}/delete"):
        assert page_as(bob).post(f"{page}/{door}", {"format": "onnx"}).status_code == 403
        assert page_as(carol if not model.is_public else bob).get(f"{page}/{door}").status_code == 405
    assert ModelExport.objects.count() == 1


def test_an_export_of_another_model_is_not_found_under_this_one(api_as, alice, made, tmp_path):
    weights = tmp_path / "other.pt"
    weights.write_bytes(b"others")
    other = services.register_model(owner=alice, name="Other", model_type="yolov8n", weights=weights, class_names=["a"])
    assert api_as(alice).get(urls(other, made)).status_code == 404
    assert api_as(alice).delete(urls(other, made)).status_code == 404


def test_a_part_of_the_file_can_be_asked_for(api_as, alice, made):
    answer = api_as(alice).get(urls(made.model, made, "/file"), headers={"range": "bytes=2-4"})
    assert (answer.status_code, b"".join(answer.streaming_content)) == (206, b"234")
    assert answer["ETag"] == f'"{made.sha256}"'
    whole = api_as(alice).get(urls(made.model, made, "/file"))
    assert 'filename="Cells-v1-v1-onnx-fp32-64.onnx"' in whole["Content-Disposition"]
    default_storage.delete(made.file.name)
    assert api_as(alice).get(urls(made.model, made, "/file")).status_code == 404


def test_what_it_answers_is_said_by_the_api_and_on_the_page(api_as, page_as, alice, made):
    body = api_as(alice).get(urls(made.model)).json()[0]
    assert (body["verdict"], body["difference"], body["weights_changed"]) == ("differs", -0.04, False)
    assert body["figures"]["export"]["mAP50_95"] == 0.66
    assert body["url"] == urls(made.model, made, "/file")
    page = page_as(alice).get(f"/models/{made.model_id}/exports").content.decode()
    for words in ("answers differently", "mAP50-95 is 0.040 lower", "−0.040", "0.660", "8.1 ms", "20.5 ms", "RKNN"):
        assert words in page
    assert "/exports" in page_as(alice).get(f"/models/{made.model_id}/").content.decode()


def test_an_export_is_made_again_when_the_weights_changed(api_as, page_as, alice, made, sent):
    same = api_as(alice).post(urls(made.model), {"format": "onnx"}, format="json").json()
    assert (same["id"], same["status"]) == (made.job_id, "completed")
    page = page_as(alice).post(f"/models/{made.model_id}/exports/start", {
        "format": "onnx", "precision": "fp32", "img_size": 64,
    }, headers={"HX-Request": "true"})  # fmt: skip
    assert "there already" in page.content.decode()
    type(made.model).objects.update(sha256="cd" * 32)
    assert "of earlier weights" in page_as(alice).get(f"/models/{made.model_id}/exports").content.decode()
    assert api_as(alice).get(urls(made.model, made)).json()["weights_changed"]
    page_as(alice).post(f"/models/{made.model_id}/exports/{made.pk}/again")
    made.refresh_from_db()
    assert (made.job.status, bool(made.file)) == ("pending", True)


def test_the_list_costs_the_same_for_one_export_and_for_ten(page_as, alice, made, django_assert_num_queries):
    browser, url = page_as(alice), f"/models/{made.model_id}/exports"
    with django_assert_num_queries(4):
        browser.get(url)
    for size in range(128, 128 + 9 * 32, 32):
        services.start_export(made.model, alice, format="onnx", img_size=size)
    with django_assert_num_queries(4):
        assert browser.get(url).content.decode().count('role="progressbar"') == 9


def test_deleting_takes_the_file_and_ends_the_job(api_as, alice, made, django_capture_on_commit_callbacks):
    row = services.start_export(made.model, alice, format="onnx", again=True)
    with django_capture_on_commit_callbacks(execute=True):
        assert api_as(alice).delete(urls(made.model, made)).status_code == 204
    row.job.refresh_from_db()
    assert row.job.status == "cancelled"
    assert not default_storage.exists(made.file.name)
    assert not ModelExport.objects.exists()


def test_the_model_takes_its_exports_along(made, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        services.delete_model(made.model)
    assert not default_storage.exists(made.file.name)


class FakeReport:
    """Lets `job` go on, and calls `then` when it is about to store."""

    def __init__(self, then=lambda: None):
        self.then = then

    def __call__(self, progress, message=""):
        if message == "Storing":
            self.then()

    def check(self):
        pass


@pytest.fixture
def engine_makes(monkeypatch):
    """`engine_makes(files)`: the engine is not started, these are what it made."""

    def makes(files):
        def convert(row, folder, report):
            for name, data in files.items():
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(data)
            return {"output": str(folder / next(iter(files)).split("/")[0]), "seconds": 1.0, "proof": PROOF,
                    "not_measured": ""}  # fmt: skip

        monkeypatch.setattr(exports, "_convert", convert)

    return makes


def test_a_folder_is_stored_as_a_zip_of_the_same_bytes_each_time(alice, trained_model, engine_makes):
    engine_makes({"cells_ncnn_model/model.bin": b"b", "cells_ncnn_model/metadata.yaml": b"y"})
    row = services.start_export(trained_model, alice, format="ncnn")
    hashes, names = set(), set()
    for _ in range(2):
        services.run_export(row.job, FakeReport())
        row.refresh_from_db()
        hashes.add(row.sha256)
        names.add(row.file.name)
        with zipfile.ZipFile(row.file.open("rb")) as archive:
            assert archive.namelist() == ["cells_ncnn_model/metadata.yaml", "cells_ncnn_model/model.bin"]
    assert len(hashes) == len(names) == 1


def test_made_again_the_file_of_before_goes(made, engine_makes):
    engine_makes({"cells.onnx": b"new"})
    services.run_export(made.job, FakeReport())
    assert not default_storage.exists(made.file.name)
    made.refresh_from_db()
    assert made.file.open("rb").read() == b"new"


def test_an_export_that_is_deleted_meanwhile_leaves_no_file(made, engine_makes):
    engine_makes({"cells.onnx": b"new"})
    pk = made.pk
    with pytest.raises(WorkFailed, match="gone"):
        services.run_export(made.job, FakeReport(lambda: services.delete_export(made)))
    assert not default_storage.exists(f"models/exports/{pk}/{hashlib.sha256(b'new').hexdigest()[:12]}.onnx")
    with pytest.raises(WorkFailed, match="gone"):
        services.run_export(made.job, FakeReport())


def test_a_worker_that_lacks_what_the_door_had_says_so(made, monkeypatch):
    monkeypatch.setattr(
        exports,
        "export_formats",
        lambda: {"onnx": ExportFormat("onnx", "ONNX", ".onnx", "needs onnx: pip install onnx")},
    )
    with pytest.raises(WorkFailed, match="needs onnx"):
        services.run_export(made.job, FakeReport())


def test_formats_are_those_of_ultralytics_and_each_has_a_reason_or_can_be_made():
    formats = export_formats.export_formats()
    assert {"onnx", "openvino", "torchscript", "engine", "coreml", "ncnn", "rknn"} <= set(formats)
    for row in formats.values():
        assert row.can != bool(row.why_not)
        assert row.can == bool(row.precisions)
    assert set(formats) == set(export_formats.NEEDS)  # a newer ultralytics has more: say what they need
    assert formats["onnx"].precisions == ("fp32", "fp16", "int8")


def test_a_machine_is_told_what_it_lacks(monkeypatch):
    monkeypatch.setattr(export_formats, "has_gpu", lambda: False)
    look = export_formats._on_this_machine
    assert look("TensorRT", "engine", ".engine").why_not == "needs an NVIDIA GPU, and this machine has none."
    assert look("New", "new", ".new").why_not.startswith("is new in Ultralytics")
    monkeypatch.setattr(export_formats, "has_gpu", lambda: True)
    assert "fp16" in look("TorchScript", "torchscript", ".torchscript").precisions
    versions = {"tensorrt": "10.1", "onnx": "3.0", "onnxruntime": "1.30", "onnxslim": "0.1.98"}

    def version(name):
        if name not in versions:
            raise export_formats.metadata.PackageNotFoundError
        return versions[name]

    monkeypatch.setattr(export_formats.metadata, "version", version)
    assert look("ONNX", "onnx", ".onnx").why_not.startswith("needs onnx>=1.12.0,<2.0.0, where 3.0 is installed")
    versions["onnx"] = "1.20"
    assert look("TensorRT", "engine", ".engine").precisions == ("fp32", "fp16")
    assert look("OpenVINO", "openvino", "_").why_not == "needs openvino>=2024.0.0: pip install 'openvino>=2024.0.0'"
    versions["openvino"] = "2026.1"
    assert look("OpenVINO", "openvino", "_").missing == {"int8": "needs nncf>=2.14.0: pip install 'nncf>=2.14.0'"}


def test_a_real_export_runs_as_a_job_and_is_measured(alice):
    """The whole road, on a dataset of the platform: nothing of it is pretended."""
    from apps.annotations.services.labels import save_labels
    from apps.annotations.services.versions import create_version
    from apps.datasets import services as datasets
    from conftest import upload

    drawings = labelled_drawings()
    dataset = datasets.create_dataset(alice, "Drawings", class_names=["disc", "square", "cross"])
    for split in ("train", "val"):
        for path in sorted((drawings / "images" / split).iterdir()):
            row = datasets.add_images(dataset, [upload(f"{split}-{path.name}", path.read_bytes())])["created"][0]
            row.dataset = dataset
            text = (drawings / "labels" / split / f"{path.stem}.txt").read_text()
            save_labels(row, 0, [as_label(line) for line in text.splitlines()], alice)
            datasets.set_split(dataset, dataset.images.filter(pk=row.pk), split)
    dataset.refresh_from_db()
    model = services.register_model(
        owner=alice, name="Drawn / shapes", model_type="yolov8n", weights=drawings / "weights.pt", img_size=96,
        class_names=dataset.class_names, dataset_version=create_version(dataset, alice)[0],
    )  # fmt: skip
    row = services.start_export(model, alice, format="openvino")
    jobs.run_job(row.job.pk, services.run_export)
    jobs.run_job(row.job.pk, services.run_export)  # the same message again does nothing
    row = ModelExport.objects.select_related("job").get(pk=row.pk)
    assert (row.job.status, row.job.error_message, row.job.attempts) == ("completed", "", 1)
    assert (row.verdict, row.weights_sha256) == ("same", model.sha256), row.reason
    assert row.figures["images"] == 4
    assert row.figures["weights"]["mAP50"] > 0.3
    with zipfile.ZipFile(io.BytesIO(row.file.open("rb").read())) as archive:
        assert "Drawn---shapes-v1_openvino_model/metadata.yaml" in archive.namelist()


def as_label(line):
    class_id, *numbers = line.split()
    x, y, width, height = map(float, numbers)
    left, right, top, bottom = (
        max(x - width / 2, 0),
        min(x + width / 2, 1),
        max(y - height / 2, 0),
        min(y + height / 2, 1),
    )
    return {
        "class_id": int(class_id), "x_center": (left + right) / 2, "y_center": (top + bottom) / 2,
        "width": right - left, "height": bottom - top,
    }  # fmt: skip


def test_a_cancelled_job_stops_the_engine_and_leaves_the_row_without_file(alice, trained_model):
    row = services.start_export(trained_model, alice, format="onnx")
    work.cancel(row.job)
    jobs.run_job(row.job.pk, services.run_export)
    row = ModelExport.objects.select_related("job").get()
    assert (row.job.status, row.is_made, row.is_running) == ("cancelled", False, False)


def test_weights_that_are_none_fail_in_words(alice, trained_model):
    row = services.start_export(trained_model, alice, format="onnx")
    jobs.run_job(row.job.pk, services.run_export)
    row.job.refresh_from_db()
    assert row.job.status == "failed"
    assert "no weights" in row.job.error_message
    assert json.dumps(row.job.result) == "{}"


def test_an_export_made_before_any_evaluation_says_what_to_do_once_there_is_one(
    api_as, page_as, alice, trained_model, made
):
    version = trained_model.dataset_version
    type(trained_model).objects.update(dataset_version=None)
    verdict, reason = exports.judge("fp32", None, "there is no dataset that it learned from or was evaluated on")
    ModelExport.objects.update(figures={}, verdict=verdict, reason=reason)
    api, page = api_as(alice), page_as(alice)
    at = f"/models/{trained_model.pk}/exports"
    assert "there is no dataset" in api.get(urls(trained_model, made)).json()["reason"]
    assert "there is no dataset" in page.get(at).content.decode()
    again = {"format": "onnx"}
    assert api.post(urls(trained_model), again, format="json").json()["id"] == made.job_id  # nothing new to be known
    trained_model.evaluations.create(dataset_version=version, split="val", evaluated_at=timezone.now())
    assert "Export it again" in api.get(urls(trained_model, made)).json()["reason"]
    assert "Export it again" in page.get(at).content.decode()
    assert api.post(urls(trained_model), again, format="json").json()["id"] != made.job_id


def test_what_the_engine_says_without_a_dataset_is_known_here():
    from apps.models.engine.proof import NotMeasured, prove

    with pytest.raises(NotMeasured, match=exports.NO_DATASET):
        prove({"data": None}, None, None, None)
