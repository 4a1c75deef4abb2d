"""int8 that nobody asked for: tried at a deploy, and taken where it is quicker and as good as the weights."""

from types import SimpleNamespace

import pytest

from apps.annotations.services.versions import create_version
from apps.core.work import WorkCancelled, WorkFailed
from apps.inference import services
from apps.inference.runtime import Box, Prediction
from apps.inference.services import building, exporting, proving, quantizing
from apps.inference.services.choices import Choice
from apps.inference.services.proving import Way
from apps.inference.services.quantizing import Ground, Unasked, not_near
from apps.models.models import TrainedModel
from conftest import upload

FOUND = [Box(0, 0.9, 10, 10, 50, 50)]


def silent(*args):
    """A report that nobody reads."""


silent.check = silent


def judged(int8=0.5, weights=0.5, labels=500, masks=None):
    return {"int8": int8, "weights": weights, "labels": labels, "images": 60, "masks": masks}


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        (judged(0.5019), ""),
        (judged(0.4981), ""),
        (judged(0.4979), "Its mAP50-95 is 0.4979, that of the weights 0.5000: more than 0.002 apart."),
        (judged(0.5021), "Its mAP50-95 is 0.5021, that of the weights 0.5000: more than 0.002 apart."),
        (judged(labels=99), "It takes 100 labels to prove it, and there are 99."),
        (judged(masks={"int8": 0.4, "weights": 0.41}), "mAP50-95 of masks is 0.4000"),
        (judged(masks={"int8": 0.4, "weights": 0.4}), ""),
        (judged(masks={"why_not": "…"}), "Its masks could not be judged"),
    ],
)
def test_as_good_is_near_the_weights_to_either_side_on_labels_enough(figures, words):
    assert words in not_near(figures)
    assert bool(not_near(figures)) == bool(words)


@pytest.fixture
def unasked(monkeypatch):
    """`unasked(seconds, found, judge)`: the Unasked, tried so beside another way of 10 ms, and whether it is taken."""

    def tried(seconds=0.005, found=FOUND, judge=judged):
        monkeypatch.setattr(quantizing, "_ground_unasked", lambda *args: (Ground(None, "val", [], []), ""))
        monkeypatch.setattr(quantizing, "judge_int8", lambda *args: judge())
        one = Unasked(SimpleNamespace(), None, "int8")
        one.way.seconds, one.way.answers, one.way.imgsz = [seconds], [Prediction(100, 100, list(found))], 64
        other = Way("openvino", "openvino", seconds=[0.01])
        return one, one.is_better_than(other, [FOUND], [], silent)

    return tried


def test_quicker_and_as_good_is_taken(unasked):
    one, is_better = unasked()
    assert (is_better, one.way.error, one.judged) == (True, "", judged())


@pytest.mark.parametrize(
    ("tried", "words"),
    [
        ({"seconds": 0.0098}, "slower"),
        ({"found": []}, "It finds 0 of 1 boxes only."),
        ({"judge": lambda: judged(0.4)}, "more than 0.002 apart"),
    ],
)
def test_what_is_slower_or_answers_differently_is_not_taken_and_says_why(unasked, tried, words):
    one, is_better = unasked(**tried)
    assert not is_better
    assert words in one.way.error


def test_what_cannot_be_judged_is_not_taken_and_who_cancels_is_heard(unasked):
    def fail(error):
        raise error

    one, is_better = unasked(judge=lambda: fail(WorkFailed("There are no labels.")))
    assert (is_better, one.way.error) == (False, "There are no labels.")
    with pytest.raises(WorkCancelled):
        unasked(judge=lambda: fail(WorkCancelled()))


def test_too_few_images_are_counted_and_it_is_not_even_made(model):
    one = Unasked(model, None, "int8")
    assert (one.ground, one.to_try()) == (None, [])
    assert one.way.error == "It takes 50 images with 100 labels in a split to prove it, and there are 2 with 2."


def test_the_gates_images_come_first_and_others_where_these_are_too_few(model, ready_dataset, alice, monkeypatch):
    monkeypatch.setattr(quantizing, "LEAST_IMAGES", 2)
    monkeypatch.setattr(quantizing, "LEAST_LABELS", 2)
    own = model.dataset_version
    ready_dataset.images.filter(pk=ready_dataset.images.filter(split="train").first().pk).update(split="val")
    gate, _ = create_version(ready_dataset, alice)
    assert Unasked(model, (gate, "val"), "int8").ground.version == gate
    assert len(Unasked(model, (gate, "val"), "int8").ground.paths) == 3
    assert Unasked(model, (gate, "test"), "int8").ground.version == own


@pytest.mark.parametrize(
    ("setting", "choice", "is_tried"),
    [
        ("auto", Choice(), True),
        ("auto", Choice(img_size=96), True),
        ("auto", Choice(runtime="openvino"), True),
        ("auto", Choice(runtime="onnxruntime"), False),
        ("auto", Choice(precision="bf16"), False),
        ("auto", Choice(precision="f32"), False),
        ("bf16", Choice(), False),
        ("f32", Choice(), False),
    ],
)
def test_it_is_tried_where_the_precision_is_left_to_the_platform(settings, setting, choice, is_tried):
    settings.SERVING_PRECISION = setting
    assert choice.tries_int8 == is_tried


def test_an_engine_that_dies_over_int8_is_asked_again_without(monkeypatch):
    asked = []

    def export(model, folder, images, report, choice, formats, conf=None):
        asked.append(formats)
        if exporting.INT8 in formats:
            raise WorkFailed("The program was killed.")
        return {"also": {}}

    monkeypatch.setattr(exporting, "export", export)
    monkeypatch.setattr(quantizing, "_ground_unasked", lambda *args: (Ground(None, "val", [1], ["a.png"]), ""))
    one = Unasked(SimpleNamespace(), None, "int8")
    _, images, _ = exporting.export_to_serve(None, None, ["b.png"], silent, Choice(), one)
    assert (asked[1:], images) == ([["openvino", "onnx"]], ["b.png"])
    assert (one.way.error, one.to_try()) == ("The program was killed.", [])


def test_a_job_does_not_tell_on_which_dataset_a_build_was_measured():
    kept = {"runtime": "openvino", "int8": {"version": "Secret v1"}, "measured": {"version": "Secret v1"}}
    assert building.told_of(kept) == {"runtime": "openvino"}


@pytest.mark.once
def test_weights_are_quantized_proven_and_answer_unasked(model, alice, api_as, monkeypatch):
    for name, value in {"LEAST_IMAGES": 1, "LEAST_LABELS": 1, "WORTH_IT": 100, "NEAR": 1}.items():
        monkeypatch.setattr(quantizing, name, value)
    monkeypatch.setitem(proving.LEAST_AGREEMENT, "int8", 0)
    TrainedModel.objects.filter(pk=model.pk).update(class_names=[*model.dataset_version.class_names, "cross"])
    model.refresh_from_db()
    told = []

    def report(share, words=""):
        told.append(words)

    report.check = silent
    kept = building.build(model, report)
    assert (kept["precision"], kept["runtime"], kept["compared"]) == ("int8", "openvino", "labels"), kept["tried"]
    assert (kept["int8"]["images"], kept["int8"]["labels"], kept["int8"]["split"]) == (2, 2, "val")
    assert any(words.startswith("Quantizing to int8 with 4 training images") for words in told)
    rows = {(row["runtime"], row["precision"]): row for row in kept["tried"]}
    assert rows["openvino", "int8"]["why_not"] == ""
    assert rows["openvino", "f32"]["agreement"] >= 0.95
    services.deploy_model(model, alice)
    try:
        assert services.runtime_of(model).precision == "int8"
        image = upload("a.jpg", seed=5)
        asked = api_as(alice).post(
            "/api/v1/predictions/infer", {"image": image, "model_id": model.pk}, format="multipart"
        )
        assert asked.status_code == 200
    finally:
        services.runtimes.drop(model.pk)
    monkeypatch.setattr(quantizing, "NEAR", -1)
    kept = building.build(model, report)
    assert kept["precision"] in ("f32", "bf16")
    assert kept["compared"] == "weights"
    assert kept["int8"]["images"] == 2
    assert "apart" in next(row["why_not"] for row in kept["tried"] if row["precision"] == "int8")
