"""Each family learns here: one epoch on tiny images through the engine, and on from the weights that came out.

Two families are tried in every run of the suite; with SLOW=1 in the environment, all are.
"""

import json
import os
import signal
import subprocess
import sys

import pytest

from apps.training.engine import ranks
from apps.training.registry import FAMILIES

from .test_engine import ROOT, dataset, job_for, start  # noqa: F401

SMALLEST = {f"{family.prefix}{family.sizes[0]}": family.trainer for family in FAMILIES}
ALWAYS = ("yolo12n", "rtdetr-l")
slow = pytest.mark.skipif("SLOW" not in os.environ, reason="all families: set SLOW=1")
EACH = [pytest.param(name, marks=[] if name in ALWAYS else [slow]) for name in SMALLEST]


@pytest.mark.parametrize("name", EACH)
def test_a_family_trains_and_its_weights_are_a_start_for_other_classes(start, dataset, tmp_path, name):  # noqa: F811
    wanted = {"epochs": 1, "amp": False}
    first = job_for(dataset, tmp_path / "run", model=f"{name}.yaml", trainer=SMALLEST[name], args=wanted)
    engine = start(first)
    finished = engine.read()
    assert finished["event"] == "finished", finished
    (epoch,) = engine.of_kind("epoch")
    assert len(epoch["train_loss"]) == len(epoch["val_loss"]) == 3
    matrix = finished["validation"]["confusion_matrix"]["matrix"]
    assert sum(row[0] + row[1] for row in matrix) == 8

    one_class = dataset.parent / "one.yaml"
    one_class.write_text(dataset.read_text().replace("names:", "single:") + "names: {0: a, 1: b, 2: c}\n")
    second = start(job_for(one_class, tmp_path / "again", model=finished["best"], trainer=SMALLEST[name], args=wanted))
    told = second.read(until="started")
    assert told["event"] == "started", told
    assert told["classes"] == ["a", "b", "c"]
    assert "Transferred" in second.log.read_text(encoding="utf-8")
    if SMALLEST[name] == "rtdetr":
        assert "cannot be deployed here" in deployment(finished["best"], tmp_path)["message"]


def deployment(weights, folder):
    """The last event of an export of these weights for serving."""
    job = {"weights": weights, "output": str(folder / "out"), "imgsz": 64}
    (folder / "export.json").write_text(json.dumps(job))
    command = [sys.executable, "-m", "apps.models.engine.export", str(folder / "export.json")]
    env = os.environ | {"YOLO_CONFIG_DIR": str(folder / "config")}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


@slow
def test_a_killed_rtdetr_goes_on_from_its_checkpoint(start, dataset, tmp_path):  # noqa: F811
    job = job_for(dataset, tmp_path / "run", model="rtdetr-l.yaml", trainer="rtdetr", args={"amp": False})
    engine = start(job)
    engine.read(until="epoch")
    engine.kill()
    assert engine.process.returncode == -signal.SIGKILL
    told = start(job | {"resume": True}).read(until="started")
    assert (told["start_epoch"], told["resumed"]) == (2, True)


def test_an_unknown_trainer_is_refused(start, dataset, tmp_path):  # noqa: F811
    last = start(job_for(dataset, tmp_path / "run", trainer="frcnn")).read()
    assert (last["event"], last["code"]) == ("failed", "bad_job")


# --- several GPUs: only the command can be tested where there is none --------------------------------------------
@pytest.fixture
def job_file(tmp_path):
    def write(text):
        (tmp_path / "job.json").write_text(text)
        return str(tmp_path / "job.json")

    return write


def test_several_gpus_get_a_process_each_with_the_same_job(job_file):
    path = job_file('{"args": {"device": "0,2,3"}}')
    command = ranks.launch_command(path)
    assert command[1:3] == ["-m", "torch.distributed.run"]
    assert command[command.index("--nproc_per_node") + 1] == "3"
    assert command[-3:] == ["-m", "apps.training.engine.train", path]


@pytest.mark.parametrize(
    "text", ['{"args": {"device": "0"}}', '{"args": {"device": "cpu"}}', '{"args": {}}', "nonsense"]
)
def test_one_device_is_trained_on_by_the_engine_itself(job_file, text):
    assert ranks.launch_command(job_file(text)) is None


def test_a_process_of_several_does_not_start_more_and_only_the_first_tells(job_file, monkeypatch):
    path = job_file('{"args": {"device": "0,1"}}')
    assert ranks.is_first()
    for rank, first in (("0", True), ("1", False)):
        monkeypatch.setenv("LOCAL_RANK", rank)
        monkeypatch.setenv("RANK", rank)
        assert ranks.launch_command(path) is None
        assert ranks.is_first() is first
