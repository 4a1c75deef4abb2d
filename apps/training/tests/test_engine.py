"""The training engine as its parent sees it: real processes, real kills, tiny trainings at 32 px."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.training.engine import reasons
from apps.training.engine.events import plain
from apps.training.engine.quiet import usable_cores
from apps.training.engine.train import OWN_ARGS

ROOT = Path(__file__).resolve().parents[3]
# Two spinning threads crawl when other tests compete for the cores.
ONE_THREAD = {"OMP_NUM_THREADS": "1"}
CLASSES = ("box", "Würfel ✓")  # ultralytics wants a font from the network for names beyond ASCII

# Loaded by Python at its start: notes every look at the network instead of letting it through.
NETWORK_WATCH = """
import os, socket
def refuse(*args, **kwargs):
    with open(os.environ["NETWORK_NOTES"], "a") as notes:
        notes.write(repr(args) + "\\n")
    raise OSError("no network in this test")
socket.getaddrinfo = socket.socket.connect = socket.create_connection = refuse
"""

# The engine, killed half-way through writing the given checkpoint for the nth time.
KILLED_WRITING = """
import os, signal, sys
from pathlib import Path
from apps.training.engine import train
name, nth, job = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen, write = [], Path.write_bytes
def write_half(path, data):
    seen.append(path.name)
    if seen.count(name) == nth:
        write(path, data[: len(data) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(path, data)
Path.write_bytes = write_half
train.main(job)
"""

# An epoch that is not the best one, after a run that was killed while it wrote its best.
STALE_PART = """
import sys
from pathlib import Path
from apps.training.engine.trainer import DetectionTrainer, Trainer
trainer = object.__new__(Trainer)
trainer.last, trainer.best = Path(sys.argv[1]) / "last.pt", Path(sys.argv[1]) / "best.pt"
trainer.best.write_bytes(b"best so far")
trainer.best.with_name("best.pt.part").write_bytes(b"ha")
DetectionTrainer.save_model = lambda self: self.last.write_bytes(b"new")
trainer.save_model()
"""


class Engine:
    """An engine process with its events so far; everything it started is killed at the end of the test."""

    def __init__(self, job, folder, command=("-m", "apps.training.engine.train"), **env):
        job_file = folder / "job.json"
        job_file.write_text(json.dumps(job), encoding="utf-8")
        self.log = folder / "log.txt"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *command, str(job_file)],
                cwd=ROOT,
                env={**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), **env},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        self.events = []

    def read(self, until=None):
        """Read events to the end, or to the first one of a kind; every line must be JSON without NaN."""
        for line in self.process.stdout:
            event = json.loads(line, parse_constant=pytest.fail)
            self.events.append(event)
            if event["event"] == until:
                return event
        self.process.wait()
        return self.events[-1] if self.events else None

    def of_kind(self, kind):
        return [event for event in self.events if event["event"] == kind]

    def kill(self):
        if self.process.returncode is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            stream.close()


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Eight images of 32 px with one box each, train and val alike; the path of data.yaml."""
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(0)
    for split in ("train", "val"):
        (folder / "images" / split).mkdir(parents=True)
        (folder / "labels" / split).mkdir(parents=True)
        for i in range(8):
            pixels = rng.integers(0, 90, (32, 32, 3), np.uint8)
            pixels[8:24, 8:24, i % 2] = 250
            Image.fromarray(pixels).save(folder / "images" / split / f"{i}.png")
            (folder / "labels" / split / f"{i}.txt").write_text(f"{i % 2} 0.5 0.5 0.5 0.5\n")
    names = json.dumps(dict(enumerate(CLASSES)), ensure_ascii=False).replace('"0"', "0").replace('"1"', "1")
    text = f"path: {folder}\ntrain: images/train\nval: images/val\nnames: {names}\n"
    (folder / "data.yaml").write_text(text, encoding="utf-8")
    return folder / "data.yaml"


def job_for(dataset, run_dir, epochs=2, **changes):
    args = {"epochs": epochs, "batch": 4, "imgsz": 32, "optimizer": "AdamW", "mosaic": 0.0}
    args |= changes.pop("args", {})
    return {"data": str(dataset), "run_dir": str(run_dir), "model": "yolov8n.yaml", "args": args} | changes


@pytest.fixture
def start(tmp_path):
    engines = []

    def start_engine(job, folder=tmp_path, **options):
        engines.append(Engine(job, folder, **options))
        return engines[-1]

    yield start_engine
    for engine in engines:
        engine.kill()


@pytest.fixture(scope="module")
def finished(dataset, tmp_path_factory):
    """A run that went through, watched: (engine, folder, the dataset's files before and after)."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "sitecustomize.py").write_text(NETWORK_WATCH)
    before = files_below(dataset.parent)
    watched = {"PYTHONPATH": f"{folder}:{ROOT}", "NETWORK_NOTES": str(folder / "network.txt")}
    engine = Engine(job_for(dataset, folder / "run"), folder, **watched)
    engine.read()
    yield engine, folder, before, files_below(dataset.parent)
    engine.kill()


def files_below(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def wait_gone(pid, seconds=5):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


def test_run_tells_started_each_epoch_once_and_finished(finished):
    engine = finished[0]
    assert engine.process.returncode == 0
    assert [event["epoch"] for event in engine.of_kind("epoch")] == [1, 2]
    assert engine.events[0]["event"] == "started"
    assert engine.events[-1]["event"] == "finished"
    assert engine.events[0]["classes"] == list(CLASSES)
    assert engine.events[0]["threads"] == 1
    assert {event["batches"] for event in engine.of_kind("batch")} == {2}


def test_epoch_tells_losses_and_metrics(finished):
    epoch = finished[0].of_kind("epoch")[0]
    assert set(epoch["train_loss"]) == set(epoch["val_loss"]) == {"box", "cls", "dfl"}
    for name in ("precision", "recall", "mAP50", "mAP50_95", "lr", "fitness", "seconds"):
        assert epoch[name] >= 0
    assert epoch["is_best"] is True
    assert len(epoch["learning_rates"]) > 1
    assert epoch["learning_rates"][0] == epoch["lr"]
    assert 0 < epoch["val_seconds"] < epoch["seconds"]


def test_finished_brings_weights_and_the_validation_as_numbers(finished):
    event = finished[0].events[-1]
    assert Path(event["best"]).is_file()
    assert Path(event["last"]).is_file()
    assert (event["epochs_done"], event["stopped_early"]) == (2, False)
    validation = event["validation"]
    assert set(validation["overall"]) == {"mAP50", "mAP50_95", "precision", "recall", "f1"}
    assert [row["class_name"] for row in validation["per_class"]] == list(CLASSES)
    assert [row["instances"] for row in validation["per_class"]] == [4, 4]
    matrix = validation["confusion_matrix"]
    assert matrix["classes"] == [*CLASSES, "background"]
    assert np.array(matrix["matrix"])[:, :2].sum(axis=0).tolist() == [4, 4]
    for name in ("pr", "f1", "precision", "recall"):
        curve = validation["curves"][name]
        assert len(curve["x"]) == len(curve["overall"]) == len(curve["per_class"][1]["y"]) <= 200


def test_run_asks_nothing_of_the_network(finished):
    assert not (finished[1] / "network.txt").exists()


def test_run_writes_only_below_its_folder(finished):
    _, folder, before, after = finished
    assert before == after
    assert {path.name for path in folder.iterdir()} <= {
        "run",
        "job.json",
        "log.txt",
        "sitecustomize.py",
        "__pycache__",
    }


def test_what_ultralytics_prints_goes_to_the_log(finished):
    assert "best.pt" in finished[0].log.read_text(encoding="utf-8")


def test_resume_of_an_ended_run_validates_again_and_finishes(finished, start, dataset):
    job = job_for(dataset, finished[1] / "run", resume=True)
    engine = start(job)
    assert engine.read()["event"] == "finished"
    assert not engine.of_kind("epoch")
    assert engine.events[-1]["validation"]["overall"] == finished[0].events[-1]["validation"]["overall"]


def test_killed_run_goes_on_from_the_next_epoch(start, dataset, tmp_path):
    engine = start(job_for(dataset, tmp_path / "run", epochs=3))
    engine.read(until="epoch")
    engine.kill()
    engine = start(job_for(dataset, tmp_path / "run", epochs=3, resume=True))
    assert engine.read()["event"] == "finished"
    assert (engine.events[0]["start_epoch"], engine.events[0]["resumed"]) == (2, True)
    assert [event["epoch"] for event in engine.of_kind("epoch")] == [2, 3]


@pytest.mark.parametrize("checkpoint", ["last.pt.part", "best.pt.part"])
def test_kill_while_a_checkpoint_is_written_costs_one_epoch(start, dataset, tmp_path, checkpoint):
    script = tmp_path / "killed.py"
    script.write_text(KILLED_WRITING)
    job = job_for(dataset, tmp_path / "run")
    engine = start(job, command=(str(script), checkpoint, "2" if checkpoint == "last.pt.part" else "1"))
    engine.read()
    assert engine.process.returncode == -signal.SIGKILL
    done = len(engine.of_kind("epoch"))
    engine = start(job | {"resume": True})
    assert engine.read()["event"] == "finished"
    assert [event["epoch"] for event in engine.of_kind("epoch")] == list(range(done + 1, 3))


def test_half_written_best_of_a_killed_run_is_never_taken(tmp_path):
    env = os.environ | {"YOLO_CONFIG_DIR": str(tmp_path / "config"), "YOLO_OFFLINE": "true"}
    (tmp_path / "weights").mkdir()
    subprocess.run([sys.executable, "-c", STALE_PART, tmp_path / "weights"], cwd=ROOT, env=env, check=True)
    kept = {path.name: path.read_bytes() for path in (tmp_path / "weights").iterdir()}
    assert kept == {"best.pt": b"best so far", "last.pt": b"new"}


def test_resume_without_a_readable_checkpoint_starts_anew(start, dataset, tmp_path):
    (tmp_path / "run" / "weights").mkdir(parents=True)
    (tmp_path / "run" / "weights" / "last.pt").write_bytes(b"half a file")
    started = start(job_for(dataset, tmp_path / "run", resume=True)).read(until="started")
    assert (started["start_epoch"], started["resumed"]) == (1, False)


def test_two_engines_never_train_in_one_folder(start, dataset, tmp_path):
    (tmp_path / "other").mkdir()
    first = start(job_for(dataset, tmp_path / "run", epochs=500))
    first.read(until="epoch")
    os.killpg(first.process.pid, signal.SIGSTOP)  # neither does it end, nor does it answer
    files = files_below(tmp_path / "run" / "weights")
    command = ("-m", "apps.training.tests.impatient_engine")
    refused = start(job_for(dataset, tmp_path / "run", resume=True), folder=tmp_path / "other", command=command)
    last = refused.read()
    assert (last["event"], last["code"], len(refused.events)) == ("failed", "still_running", 1)
    assert files_below(tmp_path / "run" / "weights") == files
    first.kill()
    after = start(job_for(dataset, tmp_path / "run", resume=True), folder=tmp_path / "other", command=command)
    assert after.read(until="started")["resumed"]


def test_parents_death_ends_the_run(start, dataset, tmp_path):
    engine = start(job_for(dataset, tmp_path / "run", epochs=500))
    engine.read(until="batch")
    engine.process.stdin.close()
    assert engine.process.wait(2) == -signal.SIGKILL


def test_parents_death_ends_the_children_too(tmp_path):
    program = (
        "import subprocess, time; from apps.training.engine import lifeline; lifeline.lead_own_group();"
        "lifeline.die_with_parent();"
        "print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, **pipes) as parent:
        child = int(parent.stdout.readline())
        parent.stdin.close()
        assert parent.wait(5) == -signal.SIGKILL
    assert wait_gone(child)


def test_run_takes_every_core_unless_told_otherwise(start, dataset, tmp_path):
    started = start(job_for(dataset, tmp_path / "run"), OMP_NUM_THREADS="").read(until="started")
    assert started["threads"] == usable_cores()


def test_sigterm_ends_the_run_within_two_seconds(start, dataset, tmp_path):
    engine = start(job_for(dataset, tmp_path / "run", epochs=500))
    engine.read(until="epoch")
    asked = time.monotonic()
    engine.process.terminate()
    last = engine.read()
    assert time.monotonic() - asked < 2
    assert (last["event"], last["code"]) == ("failed", "interrupted")
    assert engine.process.returncode == 128 + signal.SIGTERM


def test_data_without_its_images_fails_in_words(start, dataset, tmp_path):
    broken = tmp_path / "data.yaml"
    broken.write_text(dataset.read_text(encoding="utf-8").replace("images/val", "images/none"), encoding="utf-8")
    engine = start(job_for(broken, tmp_path / "run"))
    last = engine.read()
    assert (last["event"], last["code"]) == ("failed", "bad_data")
    assert last["message"].startswith("The dataset cannot be trained on.")
    assert "Traceback" in last["traceback"]
    assert engine.process.returncode == 1


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"model": "/nowhere/mine.pt"}, "no_weights", "mine.pt"),
        ({"data": "/nowhere/data.yaml"}, "bad_data", "data.yaml"),
        ({"args": {"plots": True}}, "bad_arguments", "plots"),
        ({"args": {"cache": "disk"}}, "bad_arguments", "cache"),
        ({"weights": "x"}, "bad_job", "weights"),
    ],
)
def test_job_that_cannot_work_is_refused_at_once(start, dataset, tmp_path, changes, code, word):
    last = start(job_for(dataset, tmp_path / "run", **changes)).read()
    assert (last["event"], last["code"]) == ("failed", code)
    assert word in last["message"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "out_of_memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            "out_of_memory",
        ),
        (MemoryError(), "out_of_memory"),
        (
            RuntimeError("unable to write to file </torch_1>: No space left on device (28): /dev/shm"),
            "out_of_memory",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "disk_full"),
        (RuntimeError("PytorchStreamWriter failed writing file data/3: file write failed"), "disk_full"),
        (RuntimeError("Training failed: NaN persisted for 4 epochs"), "nan_loss"),
        (FloatingPointError("NaN/Inf in the weights after the first epoch"), "nan_loss"),
        (ValueError("Invalid CUDA 'device=0' requested. Use 'device=cpu'"), "no_device"),
        (RuntimeError("Dataset 'x.yaml' error ❌ 'names' length 2 and 'nc: 3' must match."), "bad_data"),
        (ValueError("train: No labels found in labels/train.cache"), "bad_data"),
        (SyntaxError("'epohcs' is not a valid YOLO argument."), "bad_arguments"),
        (TypeError("'epochs=x' is of invalid type str. Valid 'epochs' types are int"), "bad_arguments"),
        (NotImplementedError("Optimizer 'Lion' not found in list of available optimizers"), "bad_arguments"),
        (FileNotFoundError("'yolov99n.yaml' does not exist"), "bad_arguments"),
        (RuntimeError("PytorchStreamReader failed reading zip archive"), "no_weights"),
        (KeyError("whatever"), "unknown"),
    ],
)
def test_errors_of_libraries_become_reasons(error, code):
    reason = reasons.find_reason(error)
    assert reason.code == code
    assert "\x1b" not in reason.message
    assert len(reason.message) > 20


def test_reason_is_found_behind_the_error_that_was_raised_from_it():
    error = RuntimeError("Dataset 'x.yaml' error")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert reasons.find_reason(error).code == "disk_full"


def test_process_killed_without_a_word_is_explained_by_its_exit_code():
    assert reasons.explain_exit(-signal.SIGKILL).code == "killed"
    assert "SIGSEGV" in reasons.explain_exit(-signal.SIGSEGV).message
    assert reasons.explain_exit(3).code == "unknown"


def test_numbers_that_json_does_not_know_become_null():
    value = {"a": float("nan"), "b": np.float32("inf"), "c": np.arange(2), 3: Path("/x")}
    assert plain(value) == {"a": None, "b": None, "c": [0, 1], "3": "/x"}


def test_engine_keeps_its_own_arguments_to_itself():
    assert {"data", "model", "save_dir", "plots", "resume"} <= OWN_ARGS


def test_pictures_and_looks_are_told_and_change_nothing_of_what_is_learned(start, dataset, tmp_path):
    shown = {"images": ["3", "0", "none"], "colors": ["#e69f00", "#56b4e9"]}
    args = {"seed": 1, "mosaic": 1.0, "close_mosaic": 1, "mixup": 0.5, "degrees": 20.0}
    plain_run = start(job_for(dataset, tmp_path / "plain", args=args))
    assert plain_run.read()["event"] == "finished"
    assert not plain_run.of_kind("looks") + plain_run.of_kind("picture")
    engine = start(job_for(dataset, tmp_path / "shown", args=args, pictures=shown))
    assert engine.read()["event"] == "finished"
    told = [[event[name] for name in ("train_loss", "val_loss", "fitness")] for event in engine.of_kind("epoch")]
    assert told == [[e[name] for name in ("train_loss", "val_loss", "fitness")] for e in plain_run.of_kind("epoch")]
    drawn = engine.of_kind("picture")
    assert [(event["kind"], event["number"], event["epoch"]) for event in drawn] == [
        ("batch", 1, 1), ("batch", 2, 1), ("closed", 1, 2),
    ]  # fmt: skip
    assert {Image.open(event["file"]).size for event in drawn} == {(4 * 244 - 4, 240)}
    looks = engine.of_kind("looks")
    assert [event["epoch"] for event in looks] == [1, 2]
    assert all(len(event["images"]) == 3 and event["images"][2] is None for event in looks)
    assert all(isinstance(boxes, list) for event in looks for boxes in event["images"][:2])
    names = [event["event"] for event in engine.events]
    assert names.index("looks") < names.index("epoch")


FOUND = """
import sys, torch
from types import SimpleNamespace
from apps.training.engine.pictures import _found
from ultralytics.models.yolo.detect import DetectionValidator
from ultralytics.models.rtdetr.val import RTDETRValidator
boxes = torch.tensor([[10.0, 26.0, 50.0, 46.0], [-9.0, 16.0, 32.0, 48.0], [5.0, 20.0, 5.0, 20.0], [0, 0, 64, 64]])
prediction = {"bboxes": boxes, "conf": torch.tensor([0.3, 0.9, 0.8, 0.01]), "cls": torch.tensor([1.0, 0.0, 1.0, 1.0])}
truth = {"imgsz": (64, 64), "ori_shape": (100, 200), "ratio_pad": ((0.32, 0.32), (0, 16))}
for kind in (DetectionValidator, RTDETRValidator):
    print(_found(object.__new__(kind), prediction, truth))
"""


def test_what_was_found_is_told_within_the_image_the_surest_first():
    env = os.environ | {"YOLO_OFFLINE": "true"}
    answer = subprocess.run(
        [sys.executable, "-c", FOUND], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    )
    lines = [line for line in answer.stdout.splitlines() if line.startswith("[[")]
    assert lines == [str([[0, 0.9, 0.25, 0.5, 0.5, 1.0], [1, 0.3, 0.46875, 0.625, 0.625, 0.625]])] * 2
