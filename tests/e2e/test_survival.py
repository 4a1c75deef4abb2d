"""The platform under kills: real processes, real signals."""

import os
import signal
import time

import pytest
import requests

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("platform")]
TINY = {"model_type": "yolov8n", "weights": "scratch", "batch_size": 16, "img_size": 32, "patience": 0}


@pytest.fixture
def start_training(platform):
    """`start_training(epochs)`: a small training of that length on the sample; what the test leaves is cancelled.

    Else a test that fails would have all that follow, and its own second try, wait behind three hundred epochs.
    """
    begun = []

    def start(epochs):
        begun.append(queue_training(platform, epochs))
        return begun[-1]

    yield start
    for pk in begun:
        platform.api("POST", f"training/{pk}/cancel", json={"keep": False})


def queue_training(platform, epochs):
    dataset = platform.api("GET", "datasets?search=Sample").json()["results"][0]
    answer = platform.api("POST", "training", json=TINY | {"dataset_id": dataset["id"], "epochs": epochs})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def wait_for(ask, seconds=120):
    """The first truthy answer of `ask()`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.2)
    raise AssertionError(f"nothing within {seconds} s")


def job_of(platform, pk):
    return platform.api("GET", f"training/{pk}").json()


def reached(platform, pk, epoch):
    """The job once `epoch` is done."""

    def ask():
        job = job_of(platform, pk)
        assert job["status"] in ("pending", "running"), job
        return job["current_epoch"] >= epoch and job

    return wait_for(ask)


def processes_with(text):
    """Process ids whose command line has `text`."""
    found = []
    for entry in filter(str.isdecimal, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if text in command:
            found.append(int(entry))
    return found


def engine_of(platform, pk):
    return processes_with(f"{platform.data_dir}/work/runs/{pk}/job.json")


def test_a_killed_training_process_goes_on_from_its_checkpoint(platform, start_training):
    pk = start_training(epochs=6)
    before = reached(platform, pk, 2)["current_epoch"]
    (engine,) = engine_of(platform, pk)
    os.kill(engine, signal.SIGKILL)
    killed_at = time.monotonic()
    wait_for(lambda: job_of(platform, pk)["attempts"] == 2 and engine_of(platform, pk), 60)
    assert time.monotonic() - killed_at < 60
    assert requests.get(f"{platform.url}/healthz", timeout=5).status_code == 200
    done = wait_for(lambda: (job := job_of(platform, pk))["status"] == "completed" and job)
    epochs = platform.api("GET", f"training/{pk}/metrics").json()
    assert [row["epoch"] for row in epochs] == [1, 2, 3, 4, 5, 6]
    log = platform.api("GET", f"training/{pk}/logs").json()["text"]
    assert "killed from outside" in log
    assert done["model_id"]
    assert before >= 2


def test_cancelling_ends_the_process_within_five_seconds_and_keeps_the_best_weights(platform, start_training):
    pk = start_training(epochs=300)
    reached(platform, pk, 1)
    assert engine_of(platform, pk)
    cancelled_at = time.monotonic()
    assert platform.api("POST", f"training/{pk}/cancel").json()["status"] == "cancelled"
    wait_for(lambda: not engine_of(platform, pk), 5)
    assert time.monotonic() - cancelled_at < 5
    job = wait_for(lambda: (job := job_of(platform, pk))["model_id"] and job)
    model = platform.api("GET", f"models/{job['model_id']}").json()
    assert model["training_id"] == pk
    assert job["status"] == "cancelled"


def test_a_paused_training_leaves_no_process_and_goes_on_with_the_next_epoch(platform, start_training):
    pk = start_training(epochs=300)
    reached(platform, pk, 1)
    paused_at = time.monotonic()
    paused = platform.api("POST", f"training/{pk}/pause").json()
    wait_for(lambda: not engine_of(platform, pk), 5)
    assert time.monotonic() - paused_at < 5
    assert (paused["status"], paused["attempts"]) == ("paused", 1)
    done = job_of(platform, pk)["current_epoch"]
    assert f"goes on with epoch {done + 1}" in paused["stopped"]
    resumed = platform.api("POST", f"training/{pk}/resume").json()["status"]
    assert resumed in ("pending", "running")  # an idle trainer is as quick as the answer
    reached(platform, pk, done + 1)
    assert job_of(platform, pk)["environment"]["starts"][-1]["epoch"] > done  # or later: news of the last may be lost
    assert platform.api("POST", f"training/{pk}/cancel", json={"keep": False}).json()["model_id"] is None
    wait_for(lambda: not engine_of(platform, pk), 5)


@pytest.fixture
def busy_worker(platform):
    """A worker that takes nothing new, as one that has two batches of hours."""
    worker = platform.children()["worker"]
    os.kill(worker, signal.SIGSTOP)
    yield
    os.kill(worker, signal.SIGCONT)


def test_a_killed_trainer_is_started_again_and_the_job_goes_on(platform, start_training, busy_worker):
    pk = start_training(epochs=8)
    reached(platform, pk, 2)
    trainer = next(pid for pid in processes_with("-Q training") if belongs_to(platform, pid))
    os.kill(trainer, signal.SIGKILL)
    wait_for(lambda: not engine_of(platform, pk), 10)  # the engine dies with its trainer
    job = wait_for(lambda: (job := job_of(platform, pk))["status"] == "completed" and job, 240)
    assert job["attempts"] == 2


def belongs_to(platform, pid):
    with open(f"/proc/{pid}/environ", "rb") as file:
        return f"DATA_DIR={platform.data_dir}\0".encode() in file.read()


def test_stopping_leaves_no_process_and_starting_again_finds_everything(tmp_path):
    from tests.e2e.conftest import RunningPlatform

    running = RunningPlatform(tmp_path / "own", WEIGHTS_DOWNLOAD="false")
    running.start()
    pk = queue_training(running, epochs=300)
    reached(running, pk, 1)
    password = running.password
    assert running.stop() == 0
    left = [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if still_there(running, pid)]
    assert left == []
    running.start()
    try:
        assert running.password == password
        assert "already in use" not in running.log()
        reached(running, pk, 2)  # it was handed back, and goes on by itself
        assert job_of(running, pk)["attempts"] == 1
        assert running.api("GET", "datasets?search=Sample").json()["count"] == 1
    finally:
        running.stop()


def still_there(running, pid):
    try:
        return belongs_to(running, pid)
    except OSError:
        return False


def test_the_web_process_imports_no_torch_and_stays_small(platform):
    import re

    servers = [pid for pid in processes_with("gunicorn yolotrainer.wsgi") if belongs_to(platform, pid)]
    for path in ("/", "/datasets/", "/training/", "/models/", "/api/docs/", "/api/v1/schema"):
        requests.get(platform.url + path, timeout=30)
    workers = [pid for pid in servers if parent(pid) in servers]
    assert workers
    for pid in workers:
        with open(f"/proc/{pid}/maps") as file:
            assert not re.search(r"libtorch|/torch/", file.read())


def parent(pid):
    with open(f"/proc/{pid}/stat") as file:
        return int(file.read().rsplit(")", 1)[1].split()[1])


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({"PORT": "busy"}, "is in use"),
        ({"PORT": "99999"}, "is not a port number"),
        ({"DATA_DIR": "/proc/nowhere"}, "cannot be used"),
        ({"MAX_IMAGE_MB": "many"}, "a whole number"),
    ],
)
def test_what_stops_the_start_is_said_in_one_line(platform, tmp_path, environment, words):
    import subprocess
    import sys

    from tests.e2e.conftest import BASE_DIR

    environment = {"DATA_DIR": str(tmp_path), "PORT": str(platform.port + 1)} | environment
    if environment["PORT"] == "busy":
        environment["PORT"] = str(platform.port)
    ran = subprocess.run(
        [sys.executable, "-m", "yolotrainer.supervisor"], cwd=BASE_DIR, env=os.environ | environment,
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode != 0
    said = (ran.stdout + ran.stderr).strip().splitlines()
    assert len(said) == 1
    assert words in said[0]
