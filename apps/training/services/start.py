"""What a training starts from."""

from apps.core.work import WorkFailed
from apps.models.models import TrainedModel
from apps.models.services import copy_weights
from apps.training.weights import NoWeights, pretrained_weights


def starting_weights(job, folder):
    """(what to give the engine as model, how to say it) for a job's `weights`; raises WorkFailed."""
    if job.weights == "scratch":
        return f"{job.model_type}.yaml", "nothing (random weights)"
    if job.weights in ("auto", "pretrained"):
        return _pretrained(job)
    return _from_model(job, folder)


def _pretrained(job):
    try:
        return pretrained_weights(job.model_type), f"pretrained {job.model_type}.pt"
    except NoWeights as missing:
        if job.weights == "pretrained":
            raise WorkFailed(str(missing)) from None
        return f"{job.model_type}.yaml", "nothing (pretrained weights were not to be had)"


def _from_model(job, folder):
    model = TrainedModel.objects.select_related("line").filter(pk=job.weights).first()
    if model is None:
        raise WorkFailed("The model that this should start from is gone.")
    path = folder / "start.pt"
    copy_weights(model, path)
    return path, f"the model “{model.title}”"[:60]
