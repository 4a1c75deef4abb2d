"""Running one training job: claim it, start the engine, write down what it tells, end in words."""

import json
import logging
import signal
import time
import traceback

from django.conf import settings
from django.db import DatabaseError, transaction

from apps.annotations.services.versions import create_version, labeled_counts
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core import work
from apps.core.processes import Engine, EngineDied, stopping
from apps.core.work import WorkCancelled, WorkFailed, WorkHandedBack
from apps.training.engine.reasons import KILLED_FOR_MEMORY, STILL_RUNNING, explain_exit, find_reason
from apps.training.machine import about_this_machine
from apps.training.models import TrainingEpoch, TrainingJob
from apps.training.services import checkpoints
from apps.training.services.folders import run_folder
from apps.training.services.jobs import TASK, WAITING
from apps.training.services.keeping import keep_best_weights, keep_due_weights, keep_model
from apps.training.services.logtail import LogTail
from apps.training.services.oom import OomWatch
from apps.training.services.pace import FINAL, Pace, starts_of
from apps.training.services.payload import engine_arguments, trainer_of
from apps.training.services.pictures import engine_pictures, forget_looks, keep_look, keep_picture
from apps.training.services.queue import take, take_next
from apps.training.services.start import starting_weights
from apps.training.services.stray import end_stray_engine
from apps.training.services.sweep import clean_folders
from apps.training.services.telling import tell_failed
from apps.training.services.usage import Sampler
from apps.training.services.warnings import skipped_in_words, split_warnings

log = logging.getLogger(__name__)
ENGINE = "apps.training.engine.train"
TOLD = ("device", "threads", "parameters", "gflops", "optimizer", "versions", "train_images", "val_images", "batch")
FORESEEN = ("disk_full", "out_of_memory")  # what stops the supervisor itself, and has words of its own
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
            keep_model(job, finished)
        except WorkCancelled:
            keep_best_weights(job)
        except WorkHandedBack:
            _hand_back_uncounted(job)
        except WorkFailed as failure:
            _fail(job, str(failure), getattr(failure, "code", ""))
        except StillRunning:
            end_stray_engine(run_folder(job))
            _hand_back_uncounted(job)
        except EngineDied as death:
            _restart_or_fail(job, death)
        except Exception as error:
            log.exception("training %s", job.pk)
            if work.database_is_away(error):
                return  # the sweep gives it back, and it goes on from its checkpoint
            reason = find_reason(error)
            known = reason.code in FORESEEN
            _fail(job, reason.message if known else work.UNFORESEEN, reason.code, traceback.format_exc())


class EngineFailed(WorkFailed):
    """The engine said why it failed: `code` is its reason's."""

    def __init__(self, code, message):
        self.code = code
        super().__init__(message)


class StillRunning(Exception):
    """Another engine trains in the job's folder."""


class Supervision:
    """One run of the engine for a job."""

    def __init__(self, job, heartbeat):
        self.job, self.heartbeat = job, heartbeat
        self.folder = run_folder(job)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tail = LogTail(job, self.folder / "log.txt")
        self.began, self.time_before = time.monotonic(), job.training_time
        self.finished, self.pending, self.looked = None, {}, 0.0
        self.pace, self.oom, self.progressed = Pace(job), OomWatch(), False
        self.checkpoints = checkpoints.Keeper(job)

    def run(self):
        """Returns the engine's `finished` event; raises WorkFailed, WorkCancelled, WorkHandedBack or EngineDied."""
        kept = self.folder / "finished.json"
        if kept.exists():  # it had finished, and this worker's predecessor died before it wrote the model down
            return json.loads(kept.read_text())
        clean_folders()  # the periodic tasks may run on another machine
        keep_due_weights()
        if self.job.dataset_version is None:
            work.update_running(self.job, phase="Making a version of the dataset")
            version, _ = create_version(self.job.dataset, self.job.user)
            work.update_running(self.job, dataset_version=version)
        self._warn()
        fetched = checkpoints.fetch(self.job)
        if fetched is not None:
            self.tail.note(f"The checkpoint of epoch {fetched} came from the store: it was trained on another machine.")
        work.update_running(self.job, phase="Preparing the images")
        payload = self._payload()
        work.update_running(self.job, phase="Starting", started_from=self.job.started_from)
        try:
            device = str(payload["args"].get("device", "auto"))
            with (
                self.checkpoints,
                Engine(ENGINE, payload, self.folder, self.tail.path) as engine,
                Sampler(self.job, engine.process.pid, self.folder, device),
            ):
                for event in engine.events():
                    self._take(event)
        except EngineDied as death:
            death.out_of_memory, death.progressed = self.oom.killed(), self.progressed
            raise
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
            "trainer": trainer_of(job), "resume": True, "seconds": self._seconds_left(),
            "args": engine_arguments(job, images),
            "pictures": engine_pictures(job),
        }  # fmt: skip

    def _spent(self):
        """Seconds of training so far, over all starts."""
        return round(self.time_before + time.monotonic() - self.began, 1)

    def _seconds_left(self):
        return None if self.job.time_limit is None else max(self.job.time_limit - self._spent(), 0)

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
            self.checkpoints.flush()
            raise WorkHandedBack

    def _look(self):
        """Write what changed, and stop where someone says so."""
        self.looked = time.monotonic()
        self._check()
        self.tail.flush()
        self.oom.look()
        work.update_running(self.job, training_time=self._spent(), **self.pending)
        self.pending = {}

    def on_started(self, event):
        about = {name: event.get(name) for name in TOLD} | {"machine": about_this_machine()}
        about["warnings"] = self.job.environment.get("warnings", [])
        about["starts"] = starts_of(self.job, event["start_epoch"])
        best = {}
        if (self.job.best_epoch or 0) >= event["start_epoch"]:
            best = {"best_epoch": None, "best_map": None}  # that checkpoint could not be read
        with transaction.atomic():  # the row first: who has lost it writes nothing
            work.update_running(self.job, environment=about, phase="Training", epoch_progress=0, **best)
            self.job.epoch_rows.filter(epoch__gte=event["start_epoch"]).delete()  # they are learned again
            forget_looks(self.job, event["start_epoch"])

    def on_skipped(self, event):
        self._notice(skipped_in_words(self.job.dataset_version, event["images"]))

    def on_smaller_batch(self, event):
        self._notice(
            f"The memory was too small for {event['was']} images a step: the training goes on with {event['batch']}.",
            batch=event["batch"],
        )

    def _notice(self, text, **about):
        """Say something on the job's page and in its log that the person should know, but that ends nothing."""
        notices = [*self.job.environment.get("notices", []), text]
        work.update_running(self.job, environment={**self.job.environment, **about, "notices": notices})
        self.tail.note(f"Warning: {text}")

    def on_batch(self, event):
        self.pending |= self.pace.learning(event)

    def on_validation(self, event):
        self.pending |= self.pace.validating(event)

    def on_picture(self, event):
        self._try_to_show(lambda: keep_picture(self.job, event))

    def on_looks(self, event):
        self._try_to_show(lambda: keep_look(self.job, event["epoch"], event["images"]))

    def _try_to_show(self, keep):
        """What is only looked at never costs the training: where it cannot be stored, the log says so."""
        try:
            keep()
        except Exception as error:
            log.exception("a picture of training %s", self.job.pk)
            self.tail.note(f"A picture could not be stored ({type(error).__name__}); the training goes on without it.")

    def on_epoch(self, event):
        metrics = {k: v for k, v in event.items() if k not in ("event", "time", "epoch", "epochs", "seconds")}
        self.pending = {}
        self.pace.took(metrics)
        best = {"best_map": max(filter(None, (self.job.best_map, event["mAP50_95"])), default=None)}
        if event["is_best"]:
            best["best_epoch"] = event["epoch"]
        phase = FINAL if event["epoch"] == self.job.epochs else "Training"
        values = {"current_epoch": event["epoch"], "epoch_progress": 0, "phase": phase, **best}
        with transaction.atomic():  # the row first: who has lost it writes nothing
            work.update_running(self.job, fruitless_starts=0, **values)
            TrainingEpoch.objects.update_or_create(
                job=self.job,
                epoch=event["epoch"],
                defaults={"metrics": metrics, "seconds": event["seconds"] or 0},
            )
        self.progressed = True
        self.checkpoints.epoch_done(event["epoch"])

    def on_finished(self, event):
        self.finished = event
        work.update_running(self.job, phase="Storing the model", epoch_progress=0)

    def on_failed(self, event):
        if event["code"] == "interrupted":  # ended from outside, as by a machine that shuts down
            raise EngineDied(-signal.SIGTERM, "")
        if event["code"] == STILL_RUNNING.code:
            raise StillRunning
        work.update_running(self.job, traceback=event.get("traceback") or "")
        raise EngineFailed(event["code"], event["message"])


def _hand_back_uncounted(job):
    work.hand_back(job, count_attempt=False, phase=WAITING, fruitless_starts=max(job.fruitless_starts - 1, 0))


def _restart_or_fail(job, death):
    """A killed process goes on from its checkpoint, up to the set number of times without an epoch in between.

    One that ran out of memory, and on its next start did so again before an epoch was done, would never end.
    """
    reason = explain_exit(death.code, bool(getattr(death, "out_of_memory", False)))
    hopeless = reason == KILLED_FOR_MEMORY and job.attempts > 1 and not getattr(death, "progressed", False)
    if job.fruitless_starts <= settings.TRAINING_MAX_RESTARTS and not hopeless:
        LogTail(job, run_folder(job) / "log.txt").note(f"{reason.message} It goes on from its last checkpoint.")
        work.hand_back(job, phase=WAITING)
        work.enqueue(job, TASK)
        return
    _fail(job, reason.message, reason.code, death.tail)


def _fail(job, message, code, details=None):
    """End a job in words; where not even that can be written, as on a full disk, the sweep takes it up later."""
    values = {} if details is None else {"traceback": details}
    try:
        with transaction.atomic():
            if work.end(job, TrainingJob.Status.FAILED, error_message=message, ended_by=code[:20], phase="", **values):
                tell_failed(job)
    except DatabaseError:
        log.exception("training %s failed (%s), and that could not be written", job.pk, message)
