"""How runs end that cannot go on: real engine processes with too little of something. And how they end in time."""

import io
import math
import shutil
import subprocess

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from apps.training import services
from apps.training.models import TrainingJob
from apps.training.services import run

from .test_engine import Engine, dataset, job_for, start  # noqa: F401
from .test_run import TINY, nothing_is_sent, shapes  # noqa: F401

# ruff: noqa: F811 (pytest takes the fixtures of other modules by name)

# The engine, whose time is over in the middle of its second epoch, however fast the machine is.
LATE = """
import sys
from apps.training.engine import train
from apps.training.engine.trainer import Survivor
Survivor._is_too_late = lambda self: self.epoch == 1 and self._batches == 1
sys.exit(train.main(sys.argv[1]))
"""

# The engine with a learning rate beyond what it accepts.
STEEP = """
import sys
from apps.training.engine import train
from apps.training.engine.trainer import DetectionTrainer, Survivor
Survivor.build_optimizer = lambda self, **kw: DetectionTrainer.build_optimizer(self, **kw | {"lr": 1e6})
sys.exit(train.main(sys.argv[1]))
"""

# The engine, which from its first batch on gets no more memory from the system.
NO_MEMORY = """
import resource, sys
from pathlib import Path
from apps.training.engine import train
from apps.training.engine.trainer import Survivor
def no_more(self):
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
    self.ballast = [bytes(1 << 20) for _ in range(1 << 20)]
Survivor._tell_batch = no_more
sys.exit(train.main(sys.argv[1]))
"""


def cut_off(data):
    """The first half of a JPEG's bytes."""
    return data[: len(data) // 2]


def jpeg(seed):
    out = io.BytesIO()
    Image.effect_noise((32, 32), 60 + seed).convert("RGB").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture(scope="module")
def broken_off(dataset, tmp_path_factory):
    """A run that ended by its time limit in its second epoch, on a dataset with half a JPEG: (engine, its job)."""
    folder = tmp_path_factory.mktemp("broken-off")
    shutil.copytree(dataset.parent, folder / "data")
    data = folder / "data" / "data.yaml"
    data.write_text(dataset.read_text(encoding="utf-8").replace(str(dataset.parent), str(data.parent)), "utf-8")
    (data.parent / "images" / "train" / "half.jpg").write_bytes(cut_off(jpeg(1)))
    (data.parent / "labels" / "train" / "half.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (folder / "late.py").write_text(LATE)
    job = job_for(data, folder / "run", epochs=9)
    engine = Engine(job, folder, command=(str(folder / "late.py"),))
    engine.read()
    yield engine, job
    engine.kill()


def test_a_run_whose_time_is_over_ends_with_the_checkpoint_that_exists(broken_off):
    engine = broken_off[0]
    last = engine.events[-1]
    assert [event["epoch"] for event in engine.of_kind("epoch")] == [1]
    assert (last["event"], last["ended_by"], last["epochs_done"], last["best_epoch"]) == (
        "finished",
        "time_limit",
        1,
        1,
    )
    assert set(last["validation"]["overall"]) >= {"mAP50", "mAP50_95"}


def test_half_a_jpeg_is_left_out_and_told_with_its_name(broken_off):
    engine = broken_off[0]
    (event,) = engine.of_kind("skipped")
    ((path, reason),) = event["images"].items()
    assert path.endswith("/half.jpg")
    assert "truncated" in reason.lower()
    assert engine.of_kind("started")[0]["train_images"] == 8


def test_a_run_that_was_killed_after_its_time_was_over_only_validates(broken_off, start):
    engine = start(broken_off[1] | {"resume": True, "seconds": 0})
    last = engine.read()
    assert (last["event"], last["ended_by"], last["epochs_done"]) == ("finished", "time_limit", 1)
    assert not engine.of_kind("epoch")


def test_a_checkpoint_is_stripped_to_its_weights_and_says_which_epoch_it_is_of(broken_off, start, tmp_path):
    weights, out = f"{broken_off[1]['run_dir']}/weights/last.pt", tmp_path / "stripped.pt"
    command = ("-m", "apps.training.engine.strip")
    told = start({"weights": weights, "out": str(out)}, command=command).read()
    assert (told["event"], told["epoch"], told["weights"]) == ("finished", 1, str(out))
    assert set(told["overall"]) == {"precision", "recall", "mAP50", "mAP50_95"}
    assert out.stat().st_size < 8_000_000
    out.write_bytes(b"half a file")
    refused = start({"weights": str(out), "out": str(tmp_path / "no.pt")}, command=command).read()
    assert (refused["event"], refused["code"]) == ("failed", "no_weights")


def test_a_time_limit_below_one_epoch_fails_in_words(start, dataset, tmp_path):
    last = start(job_for(dataset, tmp_path / "run", seconds=0)).read()
    assert (last["event"], last["code"]) == ("failed", "time_limit")
    assert "before the first epoch was done" in last["message"]


def test_a_learning_rate_that_is_far_too_high_ends_in_words(start, dataset, tmp_path):
    (tmp_path / "steep.py").write_text(STEEP)
    job = job_for(dataset, tmp_path / "run", epochs=6, args={"optimizer": "SGD", "warmup_epochs": 0, "nbs": 4})
    last = start(job, command=(str(tmp_path / "steep.py"),)).read()
    assert (last["event"], last["code"]) == ("failed", "nan_loss")
    assert "lower learning rate" in last["message"]


def test_a_machine_that_gives_no_more_memory_ends_it_in_words(start, dataset, tmp_path):
    (tmp_path / "no_memory.py").write_text(NO_MEMORY)
    engine = start(job_for(dataset, tmp_path / "run"), command=(str(tmp_path / "no_memory.py"),))
    last = engine.read()
    assert (last["event"], last["code"]) == ("failed", "out_of_memory")
    assert "smaller batch" in last["message"]
    assert engine.process.returncode == 1


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own with room for half a checkpoint; only root can have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_a_full_disk_ends_the_job_in_words_and_keeps_its_log(alice, shapes, small_disk, settings):
    settings.WORK_DIR = small_disk
    job = services.create_job(alice, shapes, **TINY)
    services.run_training(job.pk)
    job.refresh_from_db()
    assert (job.status, job.ended_by) == ("failed", "disk_full"), job.traceback
    assert "Free some space" in job.error_message
    assert "train:" in job.logs
    assert job.can_be_resumed
    assert not list(small_disk.rglob("*.part"))  # what was begun is given back


@pytest.mark.once
@pytest.mark.django_db(transaction=True)
def test_damaged_images_are_left_out_and_named_on_the_job(alice, shapes, api_as):
    job = services.create_job(alice, shapes, **TINY | {"epochs": 1, "batch_size": 5})
    image = shapes.images.filter(split="train").first()
    with image.file.open("rb") as file:
        data = file.read()
    default_storage.save(image.file.name, ContentFile(cut_off(data)))
    services.run_training(job.pk)
    job.refresh_from_db()
    (warning,) = job.warnings
    assert f"1 image cannot be read and is left out: {image.filename} (" in warning
    assert warning in job.logs
    assert api_as(alice).get(f"/api/v1/training/{job.pk}").json()["warnings"] == [warning]
    assert (job.status, job.ended_by, job.best_epoch) == ("completed", "epochs", 1)


@pytest.mark.django_db(transaction=True)
def test_the_best_weights_of_a_cancelled_job_become_a_model_though_its_trainer_died(
    alice, shapes, settings, monkeypatch
):
    job = services.create_job(alice, shapes, **TINY | {"epochs": 1})
    with monkeypatch.context() as patch:
        patch.setattr(run, "keep_model", lambda job, finished: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            services.run_training(job.pk)
    folder = settings.WORK_DIR / "runs" / str(job.pk)
    (folder / "finished.json").unlink()
    weights = folder / "run" / "weights"
    shutil.copy(weights / "last.pt", weights / "best.pt")  # with its optimizer, as in the middle of a run
    assert (weights / "best.pt").stat().st_size > 10_000_000
    services.cancel_job(job)  # and now its trainer is dead
    services.sweep_training()
    assert TrainingJob.objects.get(pk=job.pk).model is None  # it may be at it: its heart has just been heard
    TrainingJob.objects.filter(pk=job.pk).update(heartbeat_at=None)
    services.sweep_training()
    job.refresh_from_db()
    assert (job.status, job.weights_due, job.best_epoch) == ("cancelled", False, 1)
    assert job.model.file.size < 8_000_000
    assert (job.model.training_id, job.model.metrics["best_epoch"]) == (job.pk, 1)
    assert math.isfinite(job.model.metrics["overall"]["mAP50_95"])
    services.sweep_training()
    assert folder.exists()  # it can be resumed
