"""The export engine as its callers see it: a process, a job file, JSON lines, a folder."""

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

from .tiny_weights import NAMES, ROOT, drawn_pixels, engine_environment, tiny_weights

COMMAND = [sys.executable, "-m", "apps.models.engine.export"]


def export(folder: Path, **job) -> tuple[subprocess.CompletedProcess, list[dict]]:
    """Run one job to its end; the process and its events."""
    job_file = folder / "job.json"
    job_file.write_text(json.dumps({"output": str(folder / "out"), "imgsz": 160} | job))
    done = subprocess.run(
        [*COMMAND, str(job_file)], cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True
    )
    return done, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """One good export with two check images: its folder and its events."""
    folder = tmp_path_factory.mktemp("export")
    pictures = []
    for seed in range(2):
        pictures.append(str(folder / f"{seed}.png"))
        cv2.imwrite(pictures[-1], drawn_pixels(seed))
    done, events = export(folder, weights=str(tiny_weights() / "yolov8n.pt"), check_images=pictures)
    assert done.returncode == 0, done.stderr
    return folder, events


def test_export_tells_progress_and_then_finishes(exported):
    _, events = exported
    assert [event["event"] for event in events[:-1]] == ["progress"] * (len(events) - 1)
    shares = [event["progress"] for event in events[:-1]]
    assert shares == sorted(shares)
    assert all(0 <= share <= 1 for share in shares)
    assert events[-1]["event"] == "finished"


def test_finished_names_every_file_with_its_size_and_hash(exported):
    folder, events = exported
    told = {file["name"]: file for file in events[-1]["files"]}
    assert set(told) == {path.name for path in (folder / "out").iterdir()} >= {"model.xml", "model.bin", "model.json"}
    for name, file in told.items():
        data = (folder / "out" / name).read_bytes()
        assert (file["size"], file["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())


def test_metadata_holds_what_the_runtime_must_know(exported):
    folder, events = exported
    metadata = events[-1]["metadata"]
    assert metadata == json.loads((folder / "out" / "model.json").read_text())
    assert metadata["names"] == list(NAMES.values())
    assert (metadata["stride"], metadata["imgsz"], metadata["end2end"]) == (32, 160, False)
    assert (metadata["task"], metadata["format"], metadata["precision"]) == ("detect", "openvino", "f32")


def test_weights_answer_on_the_check_images(exported):
    _, events = exported
    images = events[-1]["reference"]["images"]
    assert [(image["width"], image["height"]) for image in images] == [(200, 150)] * 2
    for image in images:
        assert len(image["boxes"]) > 5
        for class_id, confidence, x1, y1, x2, y2 in image["boxes"]:
            assert class_id in NAMES
            assert 0.05 < confidence <= 1
            assert 0 <= x1 <= x2 <= 200
            assert 0 <= y1 <= y2 <= 150


def test_export_leaves_nothing_beside_its_output(exported):
    folder, _ = exported
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_export_replaces_an_earlier_one(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old.bin").write_bytes(b"old")
    done, events = export(tmp_path, weights=str(tiny_weights() / "yolo11n.pt"))
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "out" / "old.bin").exists()
    assert (tmp_path / "out" / "model.xml").exists()
    assert events[-1]["reference"]["images"] == []


def test_file_that_holds_no_weights_fails_in_words_and_keeps_the_earlier_export(tmp_path):
    weights = tmp_path / "best.pt"
    weights.write_bytes(b"these are not weights")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "model.xml").write_text("earlier")
    done, events = export(tmp_path, weights=str(weights))
    assert done.returncode == 1
    assert events[-1]["event"] == "failed"
    assert "does not hold weights" in events[-1]["message"]
    assert "Traceback" in events[-1]["traceback"]
    assert (tmp_path / "out" / "model.xml").read_text() == "earlier"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize(
    ("job", "words"),
    [
        ({"weights": "nowhere.pt"}, "are not there"),
        ({"weights": ""}, 'lacks "weights"'),
        ({"weights": "x.pt", "format": "tensorrt"}, "is not known"),
        ({"weights": "x.pt", "precision": "f8"}, "is not known"),
        ({"weights": "x.pt", "imgsz": 7}, "from 32 to 8192"),
    ],
)
def test_job_that_cannot_be_done_is_refused_in_words(tmp_path, job, words):
    done, events = export(tmp_path, **job)
    assert done.returncode == 1
    assert [event["event"] for event in events] == ["failed"]
    assert words in events[0]["message"]


def test_export_ends_when_its_parent_dies(tmp_path):
    job_file = tmp_path / "job.json"
    shutil.copy(tiny_weights() / "yolov8n.pt", tmp_path / "best.pt")
    job = {"weights": str(tmp_path / "best.pt"), "output": str(tmp_path / "out"), "imgsz": 160}
    job_file.write_text(json.dumps(job))
    process = subprocess.Popen(
        [*COMMAND, str(job_file)],
        cwd=ROOT,
        env=engine_environment(tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert json.loads(process.stdout.readline())["event"] == "progress"
        process.stdin.close()
        started = time.monotonic()
        assert process.wait(timeout=10) == -signal.SIGKILL
        assert time.monotonic() - started < 3
        assert not (tmp_path / "out").exists()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.stdout.close()
