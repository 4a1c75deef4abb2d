"""Running one training job: claim it, start the engine, write down what it tells, end in words."""

import json
import logging
import shutil
import signal
import time
import traceback

from django.conf import settings

from apps.annotations.services.versions import create_version, labeled_counts
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core import work
from apps.core.processes import Engine, EngineDied, stopping
from apps.core.work import WorkCancelled, WorkFailed, WorkHandedBack
from apps.models.services import evaluate_on_own_splits, register_model
from apps.training.engine.reasons import explain_exit
from apps.training.machine import about_this_machine
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.services.jobs import TASK, WAITING
from apps.training.services.logtail import LogTail
from apps.training.services.pace import FINAL, Pace, starts_of
from apps.training.services.payload import engine_arguments, trainer_of
from apps.training.services.queue import take, take_next
from apps.training.services.start import starting_weights
from apps.training.services.sweep import clean_folders
from apps.training.services.usage import Sampler
from apps.training.services.warnings import split_warnings

log = logging.getLogger(__name__)
ENGINE = "apps.training.engine.train"
TOLD = ("device", "threads", "parameters", "gflops", "optimizer", "versions", "train_images", "val_images", "batch")
LOOK_SECONDS = 1.0  # how often the job's row is looked at for a cancel, and progress and log are written


def run_training(pk):
    """Claim job `pk` and run it to an end; safe to call twice, and where it was begun before it goes on."""
    job = take(pk)
    if job is not None:
        _run(job)


def run_next():
    """Claim the job whose turn it is and run it to an end; False where none waits or none may start."""
    job = take_next()
    if job is None:
        return False
    _run(job)
    return True


def _run(job):
    with work.Heartbeat(job) as heartbeat:
        try:
            finished = Supervision(job, heartbeat).run()
            _keep_model(job, finished)
        except WorkCancelled:
            _keep_what_was_learned(job)
        except WorkHandedBack:
            work.hand_back(job, count_attempt=False, phase=WAITING)
        except WorkFailed as failure:
            work.end(job, TrainingJob.Status.FAILED, error_message=str(failure), phase="")
        except EngineDied as death:
            _restart_or_fail(job, death)
        except Exception:
            log.exception("training %s", job.pk)
            work.end(
                job, TrainingJob.Status.FAILED, traceback=traceback.format_exc(), phase="",
                error_message=work.UNFORESEEN,
            )  # fmt: skip


class Supervision:
    """One run of the engine for a job."""

    def __init__(self, job, heartbeat):
        self.job, self.heartbeat = job, heartbeat
        self.folder = run_folder(job)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tail = LogTail(job, self.folder / "log.txt")
        self.began, self.time_before = time.monotonic(), job.training_time
        self.finished, self.pending, self.looked = None, {}, 0.0
        self.pace = Pace(job)

    def run(self):
        """Returns the engine's `finished` event; raises WorkFailed, WorkCancelled, WorkHandedBack or EngineDied."""
        kept = self.folder / "finished.json"
        if kept.exists():  # it had finished, and this worker's predecessor died before it wrote the model down
            return json.loads(kept.read_text())
        clean_folders()  # the periodic task may run on another machine
        if self.job.dataset_version is None:
            work.update_running(self.job, phase="Making a version of the dataset")
            version, _ = create_version(self.job.dataset, self.job.user)
            work.update_running(self.job, dataset_version=version)
        self._warn()
        work.update_running(self.job, phase="Preparing the images")
        payload = self._payload()
        work.update_running(self.job, phase="Starting", started_from=self.job.started_from)
        try:
            device = str(payload["args"].get("device", "auto"))
            with (
                Engine(ENGINE, payload, self.folder, self.tail.path) as engine,
                Sampler(self.job, engine.process.pid, self.folder, device),
            ):
                for event in engine.events():
                    self._take(event)
        finally:
            self.tail.flush()
        if self.finished is None:
            raise WorkFailed("The training process ended without a result.")
        draft = kept.with_suffix(".draft")
        draft.write_text(json.dumps(self.finished))
        draft.rename(kept)
        return self.finished

    def _warn(self):
        """Say once, in the log and on the row, what will make the figures look better than the model is."""
        if "warnings" in self.job.environment:
            return
        work.update_running(self.job, phase="Looking for leaks between the splits")
        found = split_warnings(self.job.dataset_version, self._check)
        work.update_running(self.job, environment={**self.job.environment, "warnings": found})
        for warning in found:
            self.tail.note(f"Warning: {warning}")

    def _payload(self):
        job = self.job
        model, job.started_from = starting_weights(job, self.folder)
        images = labeled_counts(job.dataset_version)["train"]
        data = yolo_folder(job.dataset_version)
        return {
            "data": str(data), "run_dir": str(self.folder / "run"), "model": str(model), "pretrained": None,
            "trainer": trainer_of(job), "resume": True, "args": engine_arguments(job, images),
        }  # fmt: skip

    def _take(self, event):
        if event is not None:
            getattr(self, f"on_{event['event']}", lambda event: None)(event)
        if time.monotonic() - self.looked >= LOOK_SECONDS:
            self._look()

    def _check(self, part=None):
        """Stop where someone says so."""
        if self.heartbeat.lost.is_set():
            raise WorkCancelled
        if stopping.is_set():
            raise WorkHandedBack

    def _look(self):
        """Write what changed, and stop where someone says so."""
        self.looked = time.monotonic()
        self._check()
        self.tail.flush()
        spent = self.time_before + time.monotonic() - self.began
        work.update_running(self.job, training_time=round(spent, 1), **self.pending)
        self.pending = {}

    def on_started(self, event):
        about = {name: event.get(name) for name in TOLD} | {"machine": about_this_machine()}
        about["warnings"] = self.job.environment.get("warnings", [])
        about["starts"] = starts_of(self.job, event["start_epoch"])
        self.job.epoch_rows.filter(epoch__gte=event["start_epoch"]).delete()  # they are learned again
        work.update_running(self.job, environment=about, phase="Training", epoch_progress=0)

    def on_batch(self, event):
        self.pending |= self.pace.learning(event)

    def on_validation(self, event):
        self.pending |= self.pace.validating(event)

    def on_epoch(self, event):
        metrics = {k: v for k, v in event.items() if k not in ("event", "time", "epoch", "epochs", "seconds")}
        TrainingEpoch.objects.update_or_create(
            job=self.job,
            epoch=event["epoch"],
            defaults={"metrics": metrics, "seconds": event["seconds"] or 0},
        )
        self.pending = {}
        self.pace.took(metrics)
        best = max(filter(None, (self.job.best_map, event["mAP50_95"])), default=None)
        phase = FINAL if event["epoch"] == self.job.epochs else "Training"
        work.update_running(self.job, current_epoch=event["epoch"], epoch_progress=0, best_map=best, phase=phase)

    def on_finished(self, event):
        self.finished = event
        work.update_running(self.job, phase="Storing the model", epoch_progress=0)

    def on_failed(self, event):
        if event["code"] == "interrupted":  # ended from outside, as by a machine that shuts down
            raise EngineDied(-signal.SIGTERM, "")
        work.update_running(self.job, traceback=event.get("traceback") or "")
        raise WorkFailed(event["message"])


def run_folder(job):
    """Where a job's process writes; local to the trainer's machine."""
    return settings.WORK_DIR / "runs" / str(job.pk)


def _keep_model(job, finished):
    model = _register(job, finished["best"], finished["validation"])
    evaluate_on_own_splits(model)  # before the job ends: whoever is killed here comes back here
    overall = finished["validation"]["overall"]
    ended = work.end(
        job, TrainingJob.Status.COMPLETED, model=model, best_map=overall["mAP50_95"], phase="",
        current_epoch=finished["epochs_done"], epoch_progress=0,
    )  # fmt: skip
    if ended:
        shutil.rmtree(run_folder(job), ignore_errors=True)


def _register(job, weights, metrics):
    return register_model(
        owner=job.user, name=job.name, model_type=job.model_type, weights=weights, task="detect",
        class_names=job.dataset_version.class_names, img_size=job.img_size, metrics=metrics,
        dataset_version=job.dataset_version, training_id=job.pk,
    )  # fmt: skip


def _keep_what_was_learned(job):
    """A cancelled job keeps its best weights as a model; of one that another worker took over nothing is kept here."""
    fresh = TrainingJob.objects.filter(pk=job.pk, status=TrainingJob.Status.CANCELLED).first()
    best = run_folder(job) / "run" / "weights" / "best.pt"
    if fresh is None or not best.is_file():
        return
    row = fresh.epoch_rows.order_by("-epoch").first()
    best_row = next((r for r in fresh.epoch_rows.order_by("-epoch") if r.metrics.get("is_best")), row)
    if best_row is None:
        return
    overall = {k: best_row.metrics.get(k) for k in ("precision", "recall", "mAP50", "mAP50_95")}
    model = _register(fresh, best, {"overall": overall, "best_epoch": best_row.epoch})
    TrainingJob.objects.filter(pk=job.pk).update(model=model)
    evaluate_on_own_splits(model)


def _restart_or_fail(job, death):
    """A killed process goes on from its checkpoint, up to the set number of times."""
    reason = explain_exit(death.code)
    if job.attempts <= settings.TRAINING_MAX_RESTARTS:
        LogTail(job, run_folder(job) / "log.txt").note(f"{reason.message} It goes on from its last checkpoint.")
        work.hand_back(job, phase=WAITING)
        work.enqueue(job, TASK)
        return
    work.end(
        job, TrainingJob.Status.FAILED, error_message=reason.message, traceback=death.tail, phase=""
    )  # fmt: skip
