"""What a training leaves: its model."""

import json
import logging
import shutil
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.core import work
from apps.core.processes import Engine, EngineDied
from apps.core.work import WorkCancelled, WorkFailed
from apps.models.services import evaluate_on_own_splits, register_model
from apps.training.models import TrainingJob
from apps.training.services import checkpoints
from apps.training.services.card import noted_of
from apps.training.services.folders import best_weights, run_folder
from apps.training.services.telling import tell_finished

log = logging.getLogger(__name__)
ENGINE = "apps.training.engine.strip"


def keep_model(job, finished):
    """Store the model of a run that finished and end its job, both or neither; raises WorkCancelled.

    Whoever is killed before comes back here, and finds nothing done.
    """
    overall = finished["validation"]["overall"]
    with transaction.atomic():
        model = _register(job, finished["best"], finished["validation"])
        evaluate_on_own_splits(model)
        ended = work.end(
            job, TrainingJob.Status.COMPLETED, model=model, best_map=overall["mAP50_95"], phase="", epoch_progress=0,
            current_epoch=finished["epochs_done"], best_epoch=job.best_epoch or finished["best_epoch"],
            ended_by=finished["ended_by"],
        )  # fmt: skip
        if not ended:
            raise WorkCancelled
        tell_finished(job)
    shutil.rmtree(run_folder(job), ignore_errors=True)
    checkpoints.drop(job)


def keep_due_weights():
    """Make models of the best weights of cancelled jobs whose supervisor died, or that were paused; returns how many.

    Only those that lie on this machine or in the store. Harmless to run twice at once.
    """
    silent = Q(run_token="") | Q(heartbeat_at=None)
    silent |= Q(heartbeat_at__lt=timezone.now() - timedelta(seconds=settings.JOB_STALE_SECONDS))
    jobs = [job for job in _due().filter(silent)[:20] if _is_within_reach(job) and _take(job)]
    return sum(keep_best_weights(job) for job in jobs)


def _is_within_reach(job):
    return run_folder(job).is_dir() or job.checkpoint_epoch is not None


def keep_best_weights(job):
    """Make the best weights of a cancelled job its model where that is due; True where this call did it."""
    due = _due().filter(pk=job.pk)
    best = best_weights(job)
    if not due.exists():
        return False
    checkpoints.fetch(job)
    if not best.is_file():  # cancelled before its first epoch was done
        due.update(weights_due=False)
        return False
    with tempfile.TemporaryDirectory(dir=run_folder(job), prefix="keep-") as place:
        try:
            told = _strip(best, Path(place))
        except EngineDied as death:
            log.warning("the weights of training %s wait: stripping them %s", job.pk, death)
            return False
        except WorkFailed as failure:
            due.update(weights_due=False, error_message=f"Its best weights could not become a model. {failure}")
            return False
        return _keep_cancelled(job, told)


def _keep_cancelled(job, told):
    metrics = {"overall": told["overall"], "best_epoch": told["epoch"]}
    finished = run_folder(job) / "finished.json"
    if finished.is_file():  # it was cancelled when all was done but storing the model
        metrics = json.loads(finished.read_text())["validation"]
    with transaction.atomic():
        fresh = _due().select_for_update().filter(pk=job.pk).first()
        if fresh is None:  # resumed in the meantime, or another was quicker
            return False
        model = _register(fresh, told["weights"], metrics)
        evaluate_on_own_splits(model)
        best = {"best_epoch": told["epoch"] or fresh.best_epoch, "best_map": metrics["overall"]["mAP50_95"]}
        _due().filter(pk=job.pk).update(model=model, weights_due=False, **best)
    return True


def _due():
    return TrainingJob.objects.filter(status=TrainingJob.Status.CANCELLED, weights_due=True)


def _take(job):
    """Take a due job from a supervisor that is silent; True where nobody else did."""
    token = uuid.uuid4().hex
    mine = _due().filter(pk=job.pk, run_token=job.run_token, heartbeat_at=job.heartbeat_at)
    return bool(mine.update(run_token=token, heartbeat_at=timezone.now()))


def _strip(weights, place):
    """What the engine tells of a checkpoint whose weights it writes to `place`; raises WorkFailed or EngineDied."""
    told = None
    with Engine(ENGINE, {"weights": str(weights), "out": str(place / "best.pt")}, place, place / "log.txt") as engine:
        for event in engine.events():
            told = event or told
    if told is None:
        raise EngineDied(0, "")
    if told["event"] == "failed":
        raise WorkFailed(told["message"])
    return told


def _register(job, weights, metrics):
    whose = TrainingJob.objects.select_related("user").get(pk=job.pk)  # as it is now: it may have changed hands
    return register_model(
        owner=whose.user, team_id=whose.team_id, name=job.name, model_type=job.model_type, weights=weights,
        task="detect", class_names=job.dataset_version.class_names, img_size=job.img_size, metrics=metrics,
        dataset_version=job.dataset_version, training_id=job.pk, **noted_of(job),
    )  # fmt: skip
