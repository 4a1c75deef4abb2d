"""The conversion engine as its callers see it, and the proof that an export answers as its weights do."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from apps.models.engine.proof import agreement
from apps.models.services.exports import judge

from .labelled_drawings import SIZE, labelled_drawings
from .tiny_weights import NAMES, ROOT, engine_environment, tiny_weights

SLOW = pytest.mark.skipif("SLOW" not in os.environ, reason="each a conversion more: set SLOW=1")
PROVE = """
import json, sys
from pathlib import Path
from apps.models.engine.convert import keep_quiet
from apps.models.engine.proof import prove
job = json.loads(sys.argv[1])
keep_quiet(Path(job["output"]))
print("PROOF " + json.dumps(prove(job, Path(sys.argv[2]), Path(job["output"]), lambda *a, **k: None)))
"""


@pytest.fixture(scope="module")
def drawings():
    return labelled_drawings()


def wanted(drawings, folder, **job):
    known = {"weights": str(drawings / "weights.pt"), "data": str(drawings / "data.yaml"), "imgsz": SIZE}
    return known | {"output": str(folder / "out"), "name": "cells"} | job


def convert(drawings, folder, **job):
    """Run one job to its end; the process and its events."""
    job_file = folder / "job.json"
    job_file.write_text(json.dumps(wanted(drawings, folder, **job)))
    command = [sys.executable, "-m", "apps.models.engine.convert", str(job_file)]
    done = subprocess.run(command, cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True)
    return done, [json.loads(line) for line in done.stdout.splitlines()]


def converted(drawings, folder, **job):
    done, events = convert(drawings, folder, **job)
    assert done.returncode == 0, done.stderr
    return events


@pytest.fixture(scope="module")
def onnx(drawings, tmp_path_factory):
    return converted(drawings, tmp_path_factory.mktemp("onnx"), format="onnx")


def test_progress_is_told_and_then_the_file(onnx):
    shares = [event["progress"] for event in onnx[:-1]]
    assert shares == sorted(shares)
    assert 0 < shares[0] < shares[-1] < 1
    made = Path(onnx[-1]["output"])
    assert made.name == "cells.onnx"
    assert [path.name for path in made.parent.iterdir()] == ["cells.onnx"]


def test_an_export_is_measured_beside_its_weights_and_answers_the_same(onnx):
    proof = onnx[-1]["proof"]
    assert proof["images"] == 4
    assert proof["weights"]["mAP50"] > 0.5  # else the comparison says nothing
    assert proof["export"]["mAP50_95"] == pytest.approx(proof["weights"]["mAP50_95"], abs=0.002)
    assert proof["boxes"]["found"] == proof["boxes"]["expected"] > 10
    assert proof["weights"]["milliseconds"] > 0 < proof["export"]["milliseconds"]
    assert proof["threads"] > 0
    assert judge("fp32", proof)[0] == "same"


def test_the_file_knows_its_classes_and_nothing_of_this_machine(onnx, drawings):
    data = Path(onnx[-1]["output"]).read_bytes()
    assert all(name.encode() in data for name in NAMES.values())
    for path in (drawings, Path(onnx[-1]["output"]).parent):
        assert str(path).encode() not in data


@SLOW
def test_int8_is_calibrated_on_the_images_and_quantized(drawings, tmp_path):
    finished = converted(drawings, tmp_path, format="openvino", precision="int8")[-1]
    folder = Path(finished["output"])
    assert folder.name == "cells_int8_openvino_model"
    assert {path.suffix for path in folder.iterdir()} == {".xml", ".bin", ".yaml"}
    assert "FakeQuantize" in next(folder.glob("*.xml")).read_text()
    assert not any(str(drawings).encode() in path.read_bytes() for path in folder.iterdir())
    assert 0 < finished["proof"]["export"]["mAP50"] < finished["proof"]["weights"]["mAP50"]  # random weights


def boxes(*rows):
    return {"a.png": np.array(rows, float).reshape(-1, 6)}


@pytest.mark.parametrize(
    ("given", "found", "extra"),
    [
        (boxes([0, 0.9, 10, 10, 50, 50], [1, 0.3, 60, 60, 90, 90]), 2, 0),
        (boxes([0, 0.9, 11, 10, 50, 50], [1, 0.2, 60, 60, 90, 90]), 2, 0),  # hardly moved, hardly less sure
        (boxes([0, 0.9, 20, 10, 60, 50], [1, 0.3, 60, 60, 90, 90]), 1, 1),  # moved
        (boxes([1, 0.9, 10, 10, 50, 50], [1, 0.1, 60, 60, 90, 90]), 0, 1),  # another class; much less sure
        (boxes([0, 0.9, 10, 10, 50, 50], [1, 0.3, 60, 60, 90, 90], [2, 0.5, 0, 0, 9, 9]), 2, 1),
        (boxes(), 0, 0),
        ({}, 0, 0),
    ],
)
def test_boxes_agree_that_are_of_one_class_in_one_place(given, found, extra):
    expected = boxes([0, 0.9, 10, 10, 50, 50], [1, 0.3, 60, 60, 90, 90], [2, 0.1, 0, 0, 50, 9])
    assert agreement(expected, given) == {"conf": 0.25, "expected": 2, "found": found, "extra": extra}


def test_weights_that_are_nowhere_sure_are_compared_where_they_find_anything():
    weak = boxes([0, 0.07, 10, 10, 50, 50])
    assert agreement(weak, weak) == {"conf": 0.05, "expected": 1, "found": 1, "extra": 0}
    assert agreement({}, {}) == {"conf": 0.01, "expected": 0, "found": 0, "extra": 0}


@SLOW
def test_an_export_that_answers_differently_is_marked(drawings, onnx, tmp_path):
    """A file of other weights in the place of the export."""
    job = wanted(drawings, tmp_path, weights=str(drawings / "others.pt"), nms=False, conf=0.25, classes=None)
    (tmp_path / "out").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROVE, json.dumps(job), onnx[-1]["output"]], cwd=ROOT,
        env=engine_environment(tmp_path), capture_output=True, text=True, check=True,
    )  # fmt: skip
    proof = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("PROOF "))[6:])
    verdict, reason = judge("fp32", proof)
    assert verdict == "differs"
    assert "mAP50-95 is" in reason or "boxes" in reason


def proof(weights=0.5, export=0.5, expected=100, found=100, extra=0, masks=None):
    boxes = {"conf": 0.25, "expected": expected, "found": found, "extra": extra}
    measured = {"weights": {"mAP50_95": weights}, "export": {"mAP50_95": export}, "boxes": boxes}
    for side, value in masks or ():
        measured[side]["masks"] = {"mAP50_95": value}
    return measured


@pytest.mark.parametrize(
    ("precision", "measured", "verdict", "words"),
    [
        ("fp32", proof(), "same", "within 0.002"),
        ("fp32", proof(export=0.497), "differs", "0.003 lower"),
        ("fp32", proof(export=0.51), "differs", "0.010 higher"),
        ("fp16", proof(export=0.497), "same", "within 0.005"),
        ("int8", proof(export=0.485, found=20), "same", "within 0.02"),
        ("int8", proof(export=0.47), "differs", "0.030 lower"),
        ("int8", proof(masks=[("weights", 0.4), ("export", 0.39)]), "same", "within 0.02"),
        ("int8", proof(masks=[("weights", 0.4), ("export", 0.37)]), "differs", "mAP50-95 of masks is 0.030 lower"),
        ("fp32", proof(found=90), "differs", "finds 90 of the weights’ 100 boxes"),
        ("fp32", proof(extra=30), "differs", "30 others"),
        ("fp32", proof(weights=0, export=0), "same", "100 boxes"),
        ("int8", proof(weights=0, export=0), "unknown", "too little"),
        ("fp32", proof(weights=0, export=0, expected=0, found=0), "unknown", "too little"),
    ],
)
def test_verdicts(precision, measured, verdict, words):
    said = judge(precision, measured)
    assert said[0] == verdict
    assert words in said[1]


@SLOW
def test_without_a_dataset_it_is_exported_and_not_measured(drawings, tmp_path):
    finished = converted(drawings, tmp_path, format="torchscript", data=None)[-1]
    assert finished["proof"] is None
    assert finished["not_measured"].startswith("there is no dataset")
    with zipfile.ZipFile(finished["output"]) as archive:
        assert any(name.endswith("config.txt") for name in archive.namelist())


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"weights": "nowhere.pt", "format": "onnx"}, "not there"),
        ({"format": ""}, 'lacks "format"'),
        pytest.param({"format": "mnn"}, "package MNN", marks=SLOW),
        ({"format": "onnx", "precision": "int8", "data": None}, "calibrated"),
    ],
)
def test_what_cannot_be_exported_ends_in_words(drawings, tmp_path, job, words):
    done, events = convert(drawings, tmp_path, **job)
    assert (done.returncode, events[-1]["event"]) == (1, "failed")
    assert words in events[-1]["message"]


EVERY_FORMAT = [
    {"format": "onnx", "precision": "fp16"},
    {"format": "onnx", "precision": "int8"},
    {"format": "onnx", "dynamic": True},
    {"format": "openvino"},
    {"format": "openvino", "precision": "fp16"},
    {"format": "torchscript"},
    {"format": "ncnn"},
    {"format": "ncnn", "precision": "fp16"},
]
# Not of the other families: NMS in the graph keeps one class of a box, and most boxes of random weights have several
NMS_INSIDE = [{"format": name, "nms": True, "conf": 0.05} for name in ("onnx", "openvino", "torchscript")]


@SLOW
@pytest.mark.parametrize(
    ("family", "job"),
    [(family, job) for family in ("yolov8n", "yolov10n", "yolo26n") for job in EVERY_FORMAT]
    + [("yolov8n", job) for job in NMS_INSIDE],
    ids=str,
)
def test_every_family_goes_into_every_format_of_this_machine(drawings, tmp_path, family, job):
    weights = drawings / "weights.pt" if family == "yolov8n" else tiny_weights() / f"{family}.pt"
    finished = converted(drawings, tmp_path, weights=str(weights), **job)[-1]
    assert finished["not_measured"] == ""
    verdict, reason = judge(job.get("precision", "fp32"), finished["proof"])
    assert verdict == "same", reason
