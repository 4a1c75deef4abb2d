"""Several GPUs without a GPU: torch's real launcher with the command that the engine gives it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from apps.training.engine import ranks
from apps.training.tests.test_engine import wait_gone

ROOT = Path(__file__).resolve().parents[3]
PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}


@pytest.fixture
def launched(tmp_path):
    """`launched(command)`: a process with its lifeline, gone at the end of the test."""
    started = []

    def launch(command):
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
        started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, start_new_session=True, **PIPES))
        return started[-1]

    yield launch
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.stdin.close()  # ends what the launcher started
        process.stdout.close()
        process.wait()


def job_file(tmp_path):
    path = tmp_path / "job.json"
    (tmp_path / "data.yaml").write_text("")
    job = {"data": str(tmp_path / "data.yaml"), "run_dir": str(tmp_path / "run"), "model": "yolov8n.yaml"}
    path.write_text(json.dumps(job | {"args": {"device": "0,1", "batch": 4, "epochs": 1}}))
    return str(path)


def test_of_two_processes_the_first_alone_tells_why_the_training_failed(launched, tmp_path):
    process = launched([sys.executable, "-m", ranks.MODULE, job_file(tmp_path)])
    events = [json.loads(line) for line in process.stdout]
    assert [(event["event"], event["code"]) for event in events] == [("failed", "no_device")]
    assert process.wait(60)


def test_no_rank_outlives_the_launcher_and_the_supervision(launched, tmp_path, monkeypatch):
    monkeypatch.setattr(ranks, "MODULE", "apps.training.tests.rank")
    process = launched(ranks.launch_command(job_file(tmp_path)))
    told = sorted((json.loads(process.stdout.readline()) for _ in range(2)), key=lambda rank: rank["rank"])
    assert [(rank["rank"], rank["of"]) for rank in told] == [(0, 2), (1, 2)]
    os.killpg(process.pid, signal.SIGKILL)  # each rank leads a group of its own
    process.stdin.close()
    assert all(wait_gone(rank["pid"], 30) for rank in told)
