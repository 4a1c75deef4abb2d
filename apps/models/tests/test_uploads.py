"""Weights made elsewhere on their way in: the sealed processes, the job, and its doors."""

import os
import shutil
import subprocess
import sys
import textwrap

import onnx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.models.models import TrainedModel
from apps.models.services.checks import NamesAsked, check_weights
from apps.models.services.uploads import run_upload

from .checkpoints import archive, call, pickled, text
from .real_weights import real_files
from .tiny_weights import FAMILIES, NAMES, ROOT, tiny_weights

SMALLEST = (
    "yolov8n",
    "yolov9t",
    "yolov10n",
    "yolo11n",
    "yolo12n",
    "yolo26n",
    "rtdetr-l",
    "yolov3-tiny",
    "yolov5n",
    "yolov6n",
    "yolov8n-ghost",
    "yolov8n-p2",
    "yolov8n-p6",
    "yolov8n-rtdetr",
    "yolo11n-seg",
    "yolo12n-seg",
    "rtdetr-resnet50",
)  # of every family of Ultralytics that detects or segments
ALWAYS = ("yolov8n", "yolo11n", "yolo26n", "yolov5n")
slow = pytest.mark.skipif("SLOW" not in os.environ, reason="all families: set SLOW=1")
SYSTEM = archive(pickled(call("posix", "system", text("touch /tmp/pwned"))))


class Report:
    """A job's reporter that only listens."""

    def __call__(self, progress, message=""):
        assert 0 <= progress <= 1

    def check(self):
        pass


def check(folder, source, class_names=()):
    path = folder / f"weights{source.suffix}"
    shutil.copy(source, path)
    return check_weights(path, source.suffix[1:], list(class_names), Report())


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in ALWAYS else [slow]) for n in SMALLEST])
def test_real_checkpoint_of_a_family_passes_and_is_described(tmp_path, name):
    is_tiny = name in FAMILIES
    source = (tiny_weights() if is_tiny else real_files(tmp_path, f"{name}.pt")) / f"{name}.pt"
    (tmp_path / "sealed").mkdir()
    found = check(tmp_path / "sealed", source)
    assert (found["architecture"], found["task"]) == (name, "segment" if name.endswith("-seg") else "detect")
    assert found["stride"] == (64 if name.endswith("-p6") else 32)
    assert found["class_names"] == list(NAMES.values()) or not is_tiny
    assert found["parameters"] > 1_000_000
    assert found["licence"] == "AGPL-3.0"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    names = ("last.pt", "activation.pt", "layer.pt", "names.pt", "model.onnx", "old.pt")
    return real_files(tmp_path_factory.mktemp("real"), *names)


@pytest.mark.parametrize("name", ["last.pt", "old.pt"])
def test_checkpoint_of_the_middle_of_a_training_or_of_a_first_release_passes(tmp_path, files, name):
    assert check(tmp_path, files / name)["architecture"] == "yolov8n"


@pytest.mark.parametrize(
    ("name", "words"),
    [("activation.pt", "activation"), ("layer.pt", "“torch_safe_load”"), ("names.pt", "1 names for 3 classes")],
)
def test_what_a_later_training_would_run_or_trip_over_is_refused(tmp_path, files, name, words):
    with pytest.raises(WorkFailed, match=words):
        check(tmp_path, files / name)
    assert not os.path.exists("/tmp/pwned")


def test_hostile_pickle_is_refused_by_the_sealed_process_before_anything_is_loaded(tmp_path):
    (tmp_path / "evil.pt").write_bytes(SYSTEM)
    (tmp_path / "sealed").mkdir()
    with pytest.raises(WorkFailed, match=r"Refused: “posix\.system” is not among the names"):
        check(tmp_path / "sealed", tmp_path / "evil.pt")
    assert not os.path.exists("/tmp/pwned")


def test_walls_hold(tmp_path):
    """No network, no process, no writing outside the folder, no reading of what is not Python's, no signals."""
    (tmp_path / "own").mkdir()
    (tmp_path / "secret").write_text("secret")
    program = f"""
        import os, socket, sys
        sys.path.insert(0, {str(ROOT)!r})
        from apps.models.engine.sandbox import lock_in
        lock_in({str(tmp_path / "own")!r}, 512, 20)
        attempts = {{
            "socket": lambda: socket.socket(), "local socket": lambda: socket.socket(socket.AF_UNIX),
            "fork": os.fork, "exec": lambda: os.execv("/bin/true", ["true"]),
            "write": lambda: open({str(tmp_path / "x")!r}, "w"), "read": lambda: open({str(tmp_path / "secret")!r}),
            "change": lambda: open({str(tmp_path / "secret")!r}, "a"), "delete": lambda: os.unlink("../secret"),
            "move": lambda: os.rename("../secret", "mine"), "link": lambda: os.link("../secret", "mine"),
            "mode": lambda: os.chmod("../secret", 0o777), "passwords": lambda: open("/etc/passwd"),
            "the environment of the parent": lambda: open(f"/proc/{{os.getppid()}}/environ"),
            "signal": lambda: os.kill(os.getppid(), 0), "list": lambda: os.listdir({str(tmp_path)!r}),
            "memory": lambda: bytearray(2**30), "long file": lambda: open("long", "wb").write(bytes(2**25)),
        }}
        for what, attempt in attempts.items():
            try:
                attempt()
                print("passed:", what)
            except (OSError, MemoryError):
                pass
        open("mine", "w").write("mine")
        print("done")
    """
    command = [sys.executable, "-I", "-S", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, env={}, stdin=subprocess.DEVNULL)
    assert (done.stdout, done.returncode) == ("done\n", 0), done.stderr
    assert (tmp_path / "own" / "mine").read_text() == "mine"
    assert (tmp_path / "secret").read_text() == "secret"


@pytest.fixture(scope="module")
def onnx_file(files):
    return files / "model.onnx"


def test_onnx_of_ultralytics_is_described(tmp_path, onnx_file):
    found = check(tmp_path, onnx_file)
    assert (found["class_names"], found["img_size"]) == (list(NAMES.values()), 64)
    assert (found["input"], found["output"][:2], found["end2end"]) == ([1, 3, 64, 64], [1, 7], False)


def changed(onnx_file, folder, change):
    model = onnx.load(onnx_file)
    change(model)
    path = folder / "changed.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def no_names(model):
    del model.metadata_props[:]


def test_onnx_without_names_takes_those_that_are_given(tmp_path, onnx_file):
    source = changed(onnx_file, tmp_path, no_names)
    with pytest.raises(NamesAsked, match="does not say the names of its classes, of which it has 3") as asked:
        check(tmp_path, source)
    assert asked.value.count == 3
    with pytest.raises(NamesAsked, match="2 class names were given, and it has 3 classes"):
        check(tmp_path, source, ["a", "b"])
    with pytest.raises(NamesAsked, match="printable"):
        check(tmp_path, source, ["a", "b", "\x07"])
    assert check(tmp_path, source, ["a", "b", "c"])["class_names"] == ["a", "b", "c"]


def external(model):
    tensor = model.graph.initializer[0]
    tensor.data_location = onnx.TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"


def foreign(model):
    model.graph.node[0].domain = "com.example"
    model.opset_import.append(onnx.helper.make_opsetid("com.example", 1))


def broken(model):
    model.graph.node[0].input[0] = "nobody"


def classifier(model):
    next(entry for entry in model.metadata_props if entry.key == "task").value = "classify"


@pytest.mark.parametrize(
    ("change", "words"),
    [(external, "another file"), (foreign, "com.example"), (broken, "checker"), (classifier, "classify")],
)
def test_onnx_is_refused_in_words(tmp_path, onnx_file, change, words):
    with pytest.raises(WorkFailed, match=words):
        check(tmp_path, changed(onnx_file, tmp_path, change))


def test_file_that_is_no_onnx_is_refused(tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"PK\3\4 not a model")
    with pytest.raises(WorkFailed, match="no ONNX file"):
        check(tmp_path, tmp_path / "x.onnx")


def send(api, data, filename="best.pt", **more):
    return api.post("/api/v1/models/upload", {"file": SimpleUploadedFile(filename, data), **more}, format="multipart")


@pytest.fixture
def done(run_tasks_at_once, django_capture_on_commit_callbacks):
    """`done(call)`: its answer, when the job that it started has run."""

    def run(ask):
        with django_capture_on_commit_callbacks(execute=True):
            answer = ask()
        return answer, Job.objects.order_by("pk").last()

    return run


def test_upload_becomes_a_version_that_can_begin_a_training(api_as, alice, done, ready_dataset):
    data = (tiny_weights() / "yolov8n.pt").read_bytes()
    api = api_as(alice)
    answer, job = done(lambda: send(api, data, name="Discs", tags=["bought"], description="from the shop"))
    assert answer.status_code == 202
    assert (job.status, job.error_message) == ("completed", "")
    model = TrainedModel.objects.get(pk=job.result["model_id"])
    assert (model.title, model.origin, model.model_type) == ("Discs v1", "uploaded", "yolov8n")
    found = api.get(f"/api/v1/models/{model.pk}").json()
    assert (found["tags"], found["licence"], found["class_names"]) == (["bought"], "AGPL-3.0", list(NAMES.values()))
    assert "ultralytics.nn.tasks.DetectionModel" in found["card"]["checked"]["names"]
    assert b"".join(api.get(f"/api/v1/models/{model.pk}/download").streaming_content) == data
    wanted = {"dataset_id": ready_dataset.pk, "model_type": "yolo11n", "weights": str(model.pk), "epochs": 1}
    assert api.post("/api/v1/training", wanted, format="json").json()["model_type"] == "yolov8n"
    assert run_upload(job, Report())["model_id"] == model.pk  # a job that runs twice makes one version
    assert TrainedModel.objects.count() == 1


def test_uploaded_onnx_is_kept_and_evaluated_but_not_trained_on(api_as, page_as, alice, done, onnx_file, ready_dataset):
    from apps.annotations.services.versions import create_version

    api = api_as(alice)
    _, job = done(lambda: send(api, onnx_file.read_bytes(), "model.onnx"))
    assert (job.status, job.error_message) == ("completed", "")
    pk = job.result["model_id"]
    assert api.get(f"/api/v1/models/{pk}").json()["files"][0]["name"] == "model.onnx"
    version, _ = create_version(ready_dataset, alice)
    TrainedModel.objects.filter(pk=pk).update(class_names=["red", "white", "cross"])
    asked = {"dataset_id": ready_dataset.pk, "version": version.number}
    answer, job = done(lambda: api.post(f"/api/v1/models/{pk}/evaluations", asked, format="json"))
    assert (answer.status_code, job.status, job.error_message) == (202, "completed", "")
    found = api.get(f"/api/v1/models/{pk}/evaluations/{answer.json()['evaluation_id']}").json()
    assert [row["class_name"] for row in found["results"]["per_class"]] == ["red", "white", "cross"]
    wanted = {"dataset_id": ready_dataset.pk, "model_type": "yolo11n", "weights": str(pk), "epochs": 1}
    assert api.post("/api/v1/training", wanted, format="json").status_code == 400
    assert page_as(alice).get(f"/models/{pk}/").status_code == 200


def test_hostile_upload_fails_with_the_name_and_leaves_no_model(api_as, alice, done):
    _, job = done(lambda: send(api_as(alice), SYSTEM))
    assert job.status == "failed"
    assert "posix.system" in job.error_message
    assert not TrainedModel.objects.exists()


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({}, "file"),
        ({"file": SimpleUploadedFile("weights.zip", b"x")}, "file"),
        ({"upload": "2f0d3f0e-9d5b-4d5c-8a39-0a5e1b6c7d8e"}, "upload"),
        ({"upload": "x"}, "upload"),
        ({"file": SimpleUploadedFile("a.pt", b"x"), "tags": ["a,b"]}, "tags"),
        ({"file": SimpleUploadedFile("a.pt", b"x"), "name": "n" * 121}, "name"),
    ],
)
def test_upload_that_cannot_be_taken_is_refused_with_the_field(api_as, alice, sent, field):
    answer = api_as(alice).post("/api/v1/models", sent, format="multipart")
    assert answer.status_code == 400
    assert field in answer.json()
    assert not Job.objects.exists()


def test_nobody_uploads_without_signing_in(api_as, client):
    assert send(api_as(), b"x").status_code in (401, 403)
    assert client.post("/models/upload").status_code == 302


def test_page_takes_a_file_and_leads_to_its_job(page_as, alice, done):
    page = page_as(alice)
    assert 'enctype="multipart/form-data"' in page.get("/models/upload?name=Discs").content.decode()
    assert "Choose a file." in page.post("/models/upload", {}).content.decode()
    assert "Accepted" in page.post("/models/upload", {"file": SimpleUploadedFile("a.zip", b"x")}).content.decode()
    values = {"file": SimpleUploadedFile("a.pt", SYSTEM), "name": "Discs", "class_names": "a\nb\n"}
    answer, job = done(lambda: page.post("/models/upload", values))
    assert answer["Location"] == f"/jobs/{job.pk}/"
    assert job.params["class_names"] == ["a", "b"]
    assert "posix.system" in page.get(answer["Location"]).content.decode()


@pytest.fixture
def nameless(tmp_path, onnx_file):
    """The bytes of an ONNX file that does not say the names of its three classes."""
    return changed(onnx_file, tmp_path, no_names).read_bytes()


def test_page_of_an_upload_without_class_names_asks_for_them_and_checks_the_same_file_again(
    page_as, alice, bob, done, nameless
):
    page = page_as(alice)
    sent = {"file": SimpleUploadedFile("cells.onnx", nameless), "name": "Cells"}
    answer, job = done(lambda: page.post("/models/upload", sent))
    assert (job.status, job.result["asks"], job.result["num_classes"]) == ("failed", "class_names", 3)
    assert job.message == "The names of its classes are wanted"
    at = job.result["more_url"]
    assert f'hx-get="{at}"' in page.get(answer["Location"]).content.decode()
    asked = page.get(at).content.decode()
    assert "Names of its 3 classes" in asked
    assert page_as(bob).get(at).status_code == 404
    refused = page.post(at, {"class_names": "red\nwhite"})
    assert (refused.status_code, "Give 3 names" in refused.content.decode()) == (400, True)
    assert "red\nwhite</textarea>" in refused.content.decode()
    answer, job = done(lambda: page.post(at, {"class_names": "red\nwhite\ncross"}))
    assert (answer["Location"], job.status) == (f"/jobs/{job.pk}/", "completed")
    model = TrainedModel.objects.get()
    assert (model.class_names, model.name) == (["red", "white", "cross"], "Cells")
    assert "Check it again" not in page.get(at).content.decode()


def test_api_takes_the_names_that_an_upload_asks_for(api_as, alice, bob, done, nameless):
    api = api_as(alice)
    _, job = done(lambda: send(api, nameless, "cells.onnx"))
    at = f"/api/v1/models/upload/{job.pk}/class-names"
    assert api_as(bob).post(at, {"class_names": ["a", "b", "c"]}, format="json").status_code == 404
    refused = api.post(at, {"class_names": ["a"]}, format="json")
    assert (refused.status_code, refused.json()) == (
        400, {"class_names": ["Give 3 names, one for each class, in the model's order; these are 1."]},
    )  # fmt: skip
    answer, job = done(lambda: api.post(at, {"class_names": ["a", "b", "c"]}, format="json"))
    assert (answer.status_code, job.status) == (202, "completed")
    assert TrainedModel.objects.get().class_names == ["a", "b", "c"]
    assert api.post(at, {"class_names": ["a", "b", "c"]}, format="json").status_code == 400


@pytest.mark.parametrize("given", ["a,b, c", "a\nb\nc\n", ["a", "b", "c"]])
def test_class_names_in_a_form_are_a_list_or_one_text(api_as, alice, done, nameless, given):
    _, job = done(lambda: send(api_as(alice), nameless, "cells.onnx", class_names=given))
    assert (job.status, job.params["class_names"]) == ("completed", ["a", "b", "c"])


def test_names_cannot_be_given_once_the_file_is_past_its_time(page_as, alice, done, nameless):
    _, job = done(lambda: send_page(page_as(alice), nameless))
    Job.objects.update(upload="")
    answer = page_as(alice).post(job.result["more_url"], {"class_names": "a,b,c"})
    assert "The file is past its time" in answer.content.decode()
    job.refresh_from_db()
    assert (job.status, job.result["asks"]) == ("failed", "class_names")


def send_page(page, data):
    return page.post("/models/upload", {"file": SimpleUploadedFile("cells.onnx", data), "name": "Cells"})
