"""The evaluation engine as its callers see it, with ultralytics' own validation as the oracle."""

import gzip
import json
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

from .tiny_weights import NAMES, ROOT, drawn_pixels, engine_environment, tiny_weights

COMMAND = [sys.executable, "-m", "apps.models.engine.evaluate"]
ORACLE = """
import json, sys
from ultralytics import YOLO
found = YOLO(sys.argv[1]).val(data=sys.argv[2], imgsz=160, device="cpu", workers=0, plots=False, project=sys.argv[3])
box = found.box
print("ORACLE " + json.dumps({"map50": box.map50, "map": box.map, "p": box.mp, "r": box.mr, "maps": list(box.maps)}))
"""


PREPARE = """
import sys, torch
from ultralytics import YOLO
model = YOLO(sys.argv[1])
head = model.model.model[-1]
for branch in head.cv3:  # else hundreds of boxes are sure by exactly 1.0, and their order is chance
    branch[-1].weight.data *= 0.3
for branch in head.cv2:  # else most boxes are larger than the image
    branch[-1].bias.data = -0.7 * torch.arange(16.0).repeat(4)
model.save("weights.pt")
print("DONE null")
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Six drawn images, labelled with what the weights find on them, moved and renamed here and there."""
    folder = tmp_path_factory.mktemp("evaluate")
    for kind in ("images", "labels"):
        (folder / kind / "val").mkdir(parents=True)
    for seed in range(6):
        cv2.imwrite(str(folder / "images/val" / f"{seed}.png"), drawn_pixels(seed))
    asked(folder, PREPARE, "DONE ", str(tiny_weights() / "yolov8n.pt"))
    names = json.dumps(NAMES).replace('"', "")
    (folder / "data.yaml").write_text(f"path: {folder}\ntrain: images/val\nval: images/val\nnames: {names}\n")
    (folder / "labels/val/0.txt").write_text("0 0.5 0.5 0.1 0.1")  # else there is nothing to validate on
    lines = lines_of(evaluate(folder, folder, output=str(folder / "first"))[1][-1])
    least = np.quantile([row[1] for line in lines for row in line["found"]], 0.9)
    for line in lines:
        (folder / "labels/val" / line["name"]).with_suffix(".txt").write_text("\n".join(nearly_right(line, least)))
    return folder


def nearly_right(line, least):
    """The surest predictions of an image as labels in YOLO's format, some moved, some of another class."""
    rng = np.random.default_rng(3)
    for class_id, confidence, x1, y1, x2, y2, *_ in line["found"]:
        if confidence < least:
            continue
        width, height = (x2 - x1) / line["width"], (y2 - y1) / line["height"]
        x, y = (x1 + x2) / 2 / line["width"], (y1 + y2) / 2 / line["height"]
        moved = min(max(x + width * float(rng.normal(0, 0.1)), width / 2), 1 - width / 2)
        yield f"{(class_id + (rng.random() < 0.2)) % 3} {moved:.5f} {y:.5f} {width:.5f} {height:.5f}"


def lines_of(finished):
    with gzip.open(finished["file"], "rt") as file:
        return [json.loads(line) for line in file]


def asked(folder, script, mark, *arguments):
    """What a script that may import torch prints as JSON after `mark`."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=folder, env=engine_environment(folder), capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith(mark)).removeprefix(mark))


def evaluate(data, folder, **job):
    """Run one job on the images of `data` to its end; the process and its events."""
    job_file = folder / "job.json"
    asked_for = {"weights": str(data / "weights.pt"), "data": str(data / "data.yaml"), "output": str(folder / "out")}
    asked_for["imgsz"] = 160
    job_file.write_text(json.dumps(asked_for | job))
    done = subprocess.run(
        [*COMMAND, str(job_file)], cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True
    )
    return done, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def measured(data):
    before = {path: path.stat().st_mtime_ns for path in data.rglob("*/val/*")}
    done, events = evaluate(data, data)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in data.rglob("*/val/*")} == before
    return events[-1]


@pytest.fixture(scope="module")
def lines(measured):
    return lines_of(measured)


def test_figures_agree_with_yolo_val(data, measured):
    oracle = asked(data, ORACLE, "ORACLE ", str(data / "weights.pt"), str(data / "data.yaml"), str(data))
    overall = measured["results"]["overall"]
    assert oracle["map50"] > 0.03  # else the comparison says nothing
    assert overall["mAP50"] == pytest.approx(oracle["map50"], abs=1e-4)
    assert overall["mAP50_95"] == pytest.approx(oracle["map"], abs=1e-4)
    assert overall["precision"] == pytest.approx(oracle["p"], abs=1e-4)
    assert overall["recall"] == pytest.approx(oracle["r"], abs=1e-4)
    for row in measured["results"]["per_class"]:
        assert row["mAP50_95"] == pytest.approx(oracle["maps"][row["class_id"]], abs=1e-4)


def test_sizes_together_give_the_validators_own_map(measured):
    overall, every = measured["results"]["overall"], measured["results"]["by_size"]["all"]
    assert every["mAP50"] == pytest.approx(overall["mAP50"], abs=1e-4)
    assert every["mAP50_95"] == pytest.approx(overall["mAP50_95"], abs=1e-4)
    sizes = measured["results"]["by_size"]
    assert sizes["small"]["labels"] + sizes["medium"]["labels"] + sizes["large"]["labels"] == every["labels"]


def test_images_add_up_to_the_confusion_matrix(measured, lines):
    matrix = np.zeros((len(NAMES) + 1, len(NAMES) + 1), int)
    for line in lines:
        for predicted, true, count in line["cells"]:
            matrix[predicted, true] += count
    assert matrix.tolist() == measured["results"]["confusion_matrix"]["matrix"]
    assert matrix[:, :-1].sum() == sum(len(line["labels"]) for line in lines)


def test_a_line_has_labels_and_predictions_in_pixels_of_its_image(data, lines):
    assert sorted(line["name"] for line in lines) == sorted(p.name for p in (data / "images/val").iterdir())
    for line in lines:
        assert (line["width"], line["height"]) == (200, 150)
        boxes = [row[1:5] for row in line["labels"]] + [row[2:6] for row in line["found"]]
        assert all(0 <= x1 <= x2 <= 200 and 0 <= y1 <= y2 <= 150 for x1, y1, x2, y2 in boxes)
        taken = [row[6] for row in line["found"] if row[6] >= 0]
        assert len(taken) == len(set(taken))
        assert all(row[7] >= 0.5 and line["labels"][row[6]][0] == row[0] for row in line["found"] if row[6] >= 0)
        assert all(row[9] >= 0.5 and line["labels"][row[8]][0] != row[0] for row in line["found"] if row[8] >= 0)


def test_curves_are_thinned_to_a_step_of_a_hundredth(measured):
    for name in ("pr", "f1", "precision", "recall"):
        curve = measured["curves"][name]
        assert (len(curve["x"]), curve["x"][0], curve["x"][-1]) == (101, 0, 1)
        assert all(len(row["y"]) == 101 for row in curve["per_class"])


def test_labels_of_classes_that_the_model_lacks_are_left_out(data, lines, tmp_path):
    done, events = evaluate(data, tmp_path, classes={"0": 2})
    assert done.returncode == 0, done.stderr
    rows = events[-1]["results"]["per_class"]
    expected = sum(label[0] == 0 for line in lines for label in line["labels"])
    assert [row["instances"] for row in rows] == [0, 0, expected]


def test_what_cannot_be_measured_ends_in_words(data, tmp_path):
    done, events = evaluate(data, tmp_path, weights=str(tmp_path / "gone.pt"))
    assert (done.returncode, events[-1]["event"]) == (1, "failed")
    assert events[-1]["message"] == "The file gone.pt is not there."
    (tmp_path / "bad.pt").write_bytes(b"no weights")
    done, events = evaluate(data, tmp_path, weights=str(tmp_path / "bad.pt"))
    assert (done.returncode, events[-1]["event"]) == (1, "failed")
    assert events[-1]["message"].startswith("The file does not hold weights")


RTDETR = """
from ultralytics import RTDETR
RTDETR("rtdetr-l.yaml").save("rtdetr.pt")
print("DONE null")
"""
slow = pytest.mark.skipif("SLOW" not in os.environ, reason="weights of 130 MB: set SLOW=1")


@pytest.mark.parametrize("name", ["yolo26n", pytest.param("rtdetr", marks=slow)])
def test_heads_without_nms_and_other_validators_are_measured_alike(data, tmp_path, name):
    if name == "rtdetr":
        asked(tmp_path, RTDETR, "DONE ")
    weights = tmp_path / "rtdetr.pt" if name == "rtdetr" else tiny_weights() / f"{name}.pt"
    done, events = evaluate(data, tmp_path, weights=str(weights), classes={"0": 0, "1": 1, "2": 2})
    assert done.returncode == 0, done.stderr
    results = events[-1]["results"]
    assert results["images"] == 6
    every, overall = results["by_size"]["all"], results["overall"]
    assert every["mAP50_95"] == pytest.approx(overall["mAP50_95"], abs=1e-3)  # many are sure by exactly 1.0
    for line in lines_of(events[-1]):
        assert [row[1] for row in line["found"]] == sorted((row[1] for row in line["found"]), reverse=True)
        assert all(0 <= x <= 200 and 0 <= y <= 150 for row in line["found"] for x, y in (row[2:4], row[4:6]))


ONNX = """
import json, sys
from pathlib import Path
from ultralytics import YOLO
for name, source, how in (("fixed", 1, {}), ("free", 1, {"dynamic": True}), ("nms", 1, {"nms": True, "conf": 0.001}),
                          ("segment", 3, {"dynamic": True})):
    Path(YOLO(sys.argv[source]).export(format="onnx", imgsz=160, **how)).rename(name + ".onnx")
yolo = YOLO("fixed.onnx", task="detect")
found = yolo.val(data=sys.argv[2], imgsz=160, device="cpu", workers=0, plots=False, project=".")
print("ORACLE " + json.dumps({"map50": found.box.map50, "map": found.box.map}))
"""


@pytest.fixture(scope="module")
def exported(data, tmp_path_factory):
    """(folder with ONNX files without metadata, what `val` of ultralytics says of the one of fixed size)."""
    import onnx

    folder = tmp_path_factory.mktemp("onnx")
    arguments = (data / "weights.pt", data / "data.yaml", tiny_weights() / "yolov8n-seg.pt")
    oracle = asked(folder, ONNX, "ORACLE ", *map(str, arguments))
    for path in folder.glob("*.onnx"):
        model = onnx.load(path)
        del model.metadata_props[:]
        onnx.save(model, path)
    return folder, oracle


def evaluate_onnx(data, exported, tmp_path, name, **more):
    weights = str(exported[0] / f"{name}.onnx")
    done, events = evaluate(data, tmp_path, weights=weights, names=list(NAMES.values()), **more)
    assert done.returncode == 0, done.stderr
    return events[-1]


def test_an_onnx_file_has_the_figures_of_yolo_val_with_the_same_file(data, exported, tmp_path):
    overall = evaluate_onnx(data, exported, tmp_path, "fixed")["results"]["overall"]
    assert exported[1]["map50"] > 0.01  # the labels are what the weights find in rectangles, and this is square
    assert overall["mAP50"] == pytest.approx(exported[1]["map50"], abs=1e-4)
    assert overall["mAP50_95"] == pytest.approx(exported[1]["map"], abs=1e-4)


def test_an_onnx_file_of_free_size_has_those_of_the_weights(data, exported, measured, tmp_path):
    found = evaluate_onnx(data, exported, tmp_path, "free")
    assert found["results"]["overall"]["mAP50_95"] == pytest.approx(
        measured["results"]["overall"]["mAP50_95"], abs=2e-3
    )
    assert found["curves"]["f1"]["x"]


def test_final_boxes_are_taken_as_they_are(data, exported, tmp_path):
    found = evaluate_onnx(data, exported, tmp_path, "nms", end2end=True)
    assert found["results"]["overall"]["mAP50"] > 0.01
    assert {row[0] for line in lines_of(found) for row in line["found"]} <= {0, 1, 2}


def test_boxes_of_a_model_that_segments_are_measured_of_weights_and_of_onnx_alike(data, exported, tmp_path):
    (tmp_path / "pt").mkdir()
    done, events = evaluate(data, tmp_path / "pt", weights=str(tiny_weights() / "yolov8n-seg.pt"))
    assert done.returncode == 0, done.stderr
    theirs, ours = lines_of(events[-1]), lines_of(evaluate_onnx(data, exported, tmp_path, "segment"))
    assert sum(len(line["found"]) for line in theirs) > 20
    for one, other in zip(theirs, ours, strict=True):
        assert {row[0] for row in one["found"]} <= {0, 1, 2}
        assert [row[:6] for row in other["found"][:5]] == [
            [row[0], pytest.approx(row[1], abs=1e-3), *(pytest.approx(x, abs=1) for x in row[2:6])]
            for row in one["found"][:5]
        ]
