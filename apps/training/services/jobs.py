"""Starting, cancelling and resuming training jobs."""

from django.db import transaction
from django.db.models import Count, Q

from apps.annotations.services.versions import create_version
from apps.core import work
from apps.core.work import enqueue_on_commit
from apps.models.access import visible_to as models_visible_to
from apps.training.models import TrainingJob
from apps.training.registry import argument_problems

TASK = "apps.training.tasks.train"
WAITING = "Waiting for a trainer"
WEIGHTS = ("auto", "pretrained", "scratch")


class TrainingRefused(ValueError):
    """This cannot be trained; `problems` maps fields ("detail" for none) to reasons."""

    def __init__(self, problems):
        self.problems = problems
        super().__init__(" ".join(problems.values()))


def readiness_problems(dataset):
    """Why a dataset cannot be trained on as it is now; empty where it can."""
    counts = dataset.images.aggregate(
        train=Count("pk", filter=Q(split="train", is_labeled=True)),
        boxes=Count("pk", filter=Q(split="train", num_boxes__gt=0)),
        val=Count("pk", filter=Q(split="val", is_labeled=True)),
    )
    problems = []
    if not dataset.class_names:
        problems.append("It has no class. Add at least one.")
    if not counts["train"]:
        problems.append("No labelled image is in the train split. Label some and assign the splits.")
    elif not counts["boxes"]:
        problems.append("No image of the train split has a box: there is nothing to learn.")
    if not counts["val"]:
        problems.append("No labelled image is in the validation split, so nothing could be measured.")
    return problems


def create_job(user, dataset, **settings):
    """Snapshot the dataset and queue a training on it; raises TrainingRefused before anything is made."""
    problems = readiness_problems(dataset)
    if problems:
        raise TrainingRefused({"dataset_id": " ".join(problems)})
    wrong = argument_problems(settings.get("arguments") or {})
    if wrong:
        raise TrainingRefused(wrong)
    _check_weights(user, settings)
    version, _ = create_version(dataset, user)
    settings["name"] = settings.get("name") or f"{dataset.name} {settings['model_type']}"[:120]
    with transaction.atomic():
        job = TrainingJob.objects.create(user=user, dataset=dataset, dataset_version=version, phase=WAITING, **settings)
        enqueue_on_commit(job, TASK)
    return job


def _check_weights(user, settings):
    weights = settings.setdefault("weights", "auto")
    if weights in WEIGHTS:
        return
    model = models_visible_to(user).filter(pk=weights).first() if weights.isdecimal() else None
    if model is None:
        raise TrainingRefused(
            {"weights": "Accepted: auto, pretrained, scratch, or the id of a model that you can see."}
        )
    settings["model_type"] = model.model_type


def cancel_job(job):
    """Cancel; the supervisor ends the process within seconds and keeps the best weights. True where it was active."""
    return work.cancel(job)


def resume_job(job):
    """Queue an ended job again, to go on from its last checkpoint; raises TrainingRefused where it cannot."""
    again = TrainingJob.objects.filter(pk=job.pk, status__in=["failed", "cancelled"]).update(
        status="pending", attempts=0, enqueued_at=None, completed_at=None, error_message="", traceback="", run_token="",
        phase=WAITING,
    )  # fmt: skip
    if not again:
        raise TrainingRefused({"detail": "Only a failed or cancelled job can be resumed."})
    job.refresh_from_db(fields=["status"])
    enqueue_on_commit(job, TASK)
