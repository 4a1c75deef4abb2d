"""Starting training jobs."""

from itertools import count

from django.conf import settings as django_settings
from django.db import transaction

from apps.annotations.services.versions import create_version, is_large
from apps.core.access import team_for
from apps.core.templatetags.ui import duration
from apps.core.work import enqueue_on_commit
from apps.models.access import startable_by
from apps.training.machine import trainer_machine
from apps.training.models import TrainingJob
from apps.training.registry import architectures
from apps.training.services.outlook import images_of, outlook

TASK = "apps.training.tasks.train"
WAITING = "Waiting for a trainer"
NAME_LENGTH = TrainingJob._meta.get_field("name").max_length
WEIGHTS = ("auto", "pretrained", "scratch")


class TrainingRefused(ValueError):
    """This cannot be trained; `problems` maps fields ("detail" for none) to reasons."""

    def __init__(self, problems):
        self.problems = problems
        super().__init__(" ".join(problems.values()))


def readiness_problems(dataset, version=None):
    """Why a dataset, as it is now or as a version has it, cannot be trained on; empty where it can."""
    counts = images_of(dataset, version)
    problems = []
    if not (version or dataset).class_names:
        problems.append("It has no class. Add at least one.")
    if not counts["train"]:
        problems.append("No labelled image is in the train split. Label some and assign the splits.")
    elif not counts["train_boxes"]:
        problems.append("No image of the train split has a box: there is nothing to learn.")
    if not counts["val"]:
        problems.append("No labelled image is in the validation split, so nothing could be measured.")
    return problems


def create_job(user, dataset, dataset_version=None, **settings):
    """Queue a training on a version of the dataset, by its number, or on a snapshot of what is there now.

    Raises TrainingRefused before anything is made.
    """
    version = _version(dataset, dataset_version)
    problems = readiness_problems(dataset, version)
    if problems:
        raise TrainingRefused({"dataset_id": " ".join(problems)})
    _check_weights(user, settings)
    settings["usual_epoch_seconds"] = _check_outlook(dataset, version, settings).time.usual
    settings["time_limit"] = _time_limit(settings.get("time_limit"))
    if version is None and not is_large(dataset):  # else the trainer makes it: too long for a request
        version, _ = create_version(dataset, user)
    with transaction.atomic():
        team_id = team_for(user, dataset)
        settings["name"] = settings.get("name") or _free_name(user, _default_name(user, team_id, dataset, settings))
        job = TrainingJob.objects.create(
            user=user,
            team_id=team_id,
            dataset=dataset,
            dataset_version=version,
            phase=WAITING,
            **settings,
        )
        enqueue_on_commit(job, TASK)
    return job


def _default_name(user, team_id, dataset, settings):
    """With the dataset's name only where it belongs to the same person or team: another's may one day be hidden from
    who sees the job."""
    is_own = dataset.team_id == team_id and (team_id or dataset.owner_id == user.pk)
    return f"{dataset.name} {settings['model_type']}" if is_own else settings["model_type"]


def _free_name(user, wanted):
    """`wanted`, or with the first number from 2 behind it under which this person has no job."""
    wanted = wanted[:NAME_LENGTH]
    taken = set(user.training_jobs.filter(name__startswith=wanted[: NAME_LENGTH - 8]).values_list("name", flat=True))
    numbered = (f"{wanted[: NAME_LENGTH - len(str(n)) - 1]} {n}" for n in count(2))
    return wanted if wanted not in taken else next(name for name in numbered if name not in taken)


def _version(dataset, number):
    if number is None:
        return None
    version = dataset.versions.filter(number=number).first()
    if version is None:
        raise TrainingRefused({"dataset_version": f"This dataset has no version {number}."})
    return version


def _check_weights(user, settings):
    weights = settings.setdefault("weights", "auto")
    if weights in WEIGHTS:
        return
    model = startable_by(user).filter(pk=weights).first() if weights.isdecimal() else None
    if model is None:
        raise TrainingRefused(
            {"weights": "Accepted: auto, pretrained, scratch, or the id of a model of .pt weights that you can see."}
        )
    settings["model_type"] = model.model_type


def _time_limit(seconds):
    """The time limit of a job, in seconds or None: what was asked for, or the platform's own; none is above that."""
    most = django_settings.TRAINING_MAX_HOURS * 3600
    if not most:
        return seconds
    if seconds and seconds > most:
        raise TrainingRefused({"time_limit": f"At most {duration(most)} here."})
    return seconds or int(most)


def _check_outlook(dataset, version, settings):
    """Refuse what would fail after an hour: arguments, devices, memory. Returns the Outlook."""
    architecture = architectures().get(settings["model_type"])
    if architecture is None:
        raise TrainingRefused({"model_type": f"“{settings['model_type']}” cannot be trained here."})
    expected = outlook(architecture, images_of(dataset, version), trainer_machine(), **settings)
    if expected.problems:
        raise TrainingRefused(expected.problems)
    return expected
