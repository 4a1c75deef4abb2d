"""Models that came as ONNX: with each kind of head they answer as ultralytics does with the same file."""

import json
import subprocess
import sys

import cv2
import onnx
import pytest

from apps.annotations.services.versions import create_version
from apps.core.models import Job
from apps.inference import services
from apps.inference.runtime import compare_many, load
from apps.inference.services.onnx_files import describe
from apps.models.services import register_model
from apps.models.services.checks import check_weights
from apps.models.tests.tiny_weights import NAMES, ROOT, drawn_pixels, engine_environment, tiny_weights

pytestmark = pytest.mark.once  # about graphs and what they answer; test_deployments.py deploys on every database
HEADS = {"raw": [1, 7, 525], "nms": [1, 300, 6], "end2end": [1, 300, 6], "segment": [1, 39, 525]}


class Report:
    def __call__(self, progress, message=""):
        pass

    def check(self):
        pass


@pytest.fixture(scope="module")
def onnx_files(tmp_path_factory):
    """(folder with an ONNX file for each of HEADS and images, {head: [[rows] for each image] of ultralytics})."""
    folder = tmp_path_factory.mktemp("onnx")
    for number, (width, height) in enumerate(((200, 150), (150, 200), (64, 64), (301, 57))):
        cv2.imwrite(str(folder / f"{number}.png"), drawn_pixels(number, width, height))
    done = subprocess.run(
        [sys.executable, "-m", "apps.inference.tests.onnx_heads", str(tiny_weights()), str(folder), *HEADS],
        cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "answers.json").read_text())


@pytest.fixture
def uploaded(onnx_files, alice):
    """`uploaded(head)`: alice's model of one of the files."""

    def upload(head):
        return register_model(
            owner=alice, name=f"Made elsewhere, {head}", model_type="onnx", weights=onnx_files[0] / f"{head}.onnx",
            format="onnx", origin="uploaded", class_names=list(NAMES.values()), img_size=160, metrics={},
        )  # fmt: skip

    return upload


@pytest.mark.parametrize("program", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("head", HEADS)
def test_answers_are_those_of_ultralytics_with_the_same_file(onnx_files, tmp_path, uploaded, db, head, program):
    folder, answers = onnx_files
    (tmp_path / "check").mkdir()
    path = tmp_path / "check" / "model.onnx"
    path.write_bytes((folder / f"{head}.onnx").read_bytes())
    found = check_weights(path, "onnx", [], Report())
    assert found["output"] == HEADS[head]
    (path.parent / "model.json").write_text(json.dumps(describe(uploaded(head), found, 160)))
    runtime = load(path.parent, program=program)
    pictures = sorted(folder.glob("*.png"))
    ours = [runtime.predict(picture, conf=0.05).boxes for picture in pictures]
    parity = compare_many(((seen(t), seen(o)) for t, o in zip(answers[head], ours, strict=True)), conf=0.06)
    assert parity.expected > 20
    assert parity.share >= 0.99
    assert parity.extra <= parity.expected * 0.01


def seen(rows):
    """Without the boxes of the gray around the picture: clipped to it they have no area, and match nothing."""
    return [row for row in rows if row[4] - row[2] > 1 and row[5] - row[3] > 1]


@pytest.fixture
def deploy(alice, run_tasks_at_once, django_capture_on_commit_callbacks):
    def deploy(model, version=None):
        with django_capture_on_commit_callbacks(execute=True):
            services.deploy_model(model, alice, version)
        model.refresh_from_db()
        return Job.objects.filter(kind="deploy").latest("pk")

    return deploy


def test_onnx_is_deployed_with_the_quicker_program_and_measured_on_the_dataset_that_was_chosen(
    uploaded, deploy, ready_dataset, alice, api_as, page_as
):
    model = uploaded("raw")
    version, _ = create_version(ready_dataset, alice)
    page = page_as(alice).get(f"/models/{model.pk}/deployment").content.decode()
    assert f'<option value="{version.pk}">' in page
    job = deploy(model, version)
    assert (model.is_deployed, job.error_message) == (True, "")
    kept = model.serving
    assert (kept["format"], kept["compared"]) == ("onnx", "onnxruntime")
    times = {way["runtime"]: way["milliseconds"] for way in kept["tried"] if way["precision"] == "f32"}
    assert set(times) == {"openvino", "onnxruntime"}
    assert [way["why_not"] for way in kept["tried"]].count("") == 1
    assert kept["boxes_found"] >= 0.95 * kept["boxes_expected"]
    from conftest import upload

    asked = {"image": upload("a.jpg", seed=5), "model": model.name, "conf": 0.01}
    answer = api_as(alice).post("/api/v1/predictions/infer", asked, format="multipart")
    assert answer.status_code == 200
    services.runtimes.drop(model.pk)
    page = page_as(alice).get(f"/deployments/{model.deployments.get().pk}").content.decode()
    assert "What else was timed" in page
    assert "without the weights that it was made of" in page


def test_classes_of_the_dataset_that_have_its_names_are_measured(uploaded, deploy, ready_dataset, alice):
    from apps.models.models import TrainedModel

    model = uploaded("end2end")
    TrainedModel.objects.filter(pk=model.pk).update(class_names=["red", "white", "cross"])
    model.refresh_from_db()
    version, _ = create_version(ready_dataset, alice)
    deploy(model, version)
    measured = model.serving["measured"]
    assert (measured["version_id"], measured["split"], measured["images"], measured["labels"]) == (
        version.pk, "val", 2, 2,
    )  # fmt: skip
    assert 0 <= measured["mAP50_95"] <= measured["mAP50"] <= 1
    services.runtimes.drop(model.pk)


def test_without_a_dataset_the_page_says_that_nothing_was_compared(uploaded, deploy, alice, page_as):
    model = uploaded("nms")
    assert deploy(model).error_message == ""
    assert (model.is_deployed, model.serving["compared"], model.serving["precision"]) == (True, "nothing", "f32")
    assert "Nothing could be compared" in page_as(alice).get(f"/models/{model.pk}/deployment").content.decode()
    services.runtimes.drop(model.pk)


def test_a_head_that_does_not_fit_is_refused_with_its_shape_and_those_that_are_accepted(uploaded, deploy):
    from apps.models.models import TrainedModel

    model = uploaded("raw")
    TrainedModel.objects.filter(pk=model.pk).update(class_names=["one", "two"])
    graph = onnx.load_model_from_string(model.file.open("rb").read())
    del graph.metadata_props[:]
    with model.file.storage.open(model.file.name, "wb") as file:
        file.write(graph.SerializeToString())
    model.refresh_from_db()
    message = deploy(model).error_message
    assert "[1, 7, 525]" in message
    assert "[1, 6, n]" in message
    assert not model.is_deployed


def test_a_graph_with_a_loop_is_refused(uploaded, deploy, tmp_path):
    model = uploaded("raw")
    graph = onnx.load_model_from_string(model.file.open("rb").read())
    yes = onnx.helper.make_tensor_value_info("chosen", onnx.TensorProto.FLOAT, [1])
    body = onnx.helper.make_graph(
        [onnx.helper.make_node("Constant", [], ["chosen"], value_floats=[1.0])], "body", [], [yes]
    )
    graph.graph.node.append(onnx.helper.make_node("Constant", [], ["yes"], value=onnx.helper.make_tensor(
        "v", onnx.TensorProto.BOOL, [1], [True])))  # fmt: skip
    graph.graph.node.append(onnx.helper.make_node("If", ["yes"], ["unused"], then_branch=body, else_branch=body))
    with model.file.storage.open(model.file.name, "wb") as file:
        file.write(graph.SerializeToString())
    assert "Its graph has If" in deploy(model).error_message
