"""What a model's card keeps of the training that made it; the card stays when the job goes."""

from apps.models.models import TrainedModel
from apps.training.registry import family_of

FIELDS = {
    "epochs": "epochs", "batch_size": "batch", "img_size": "imgsz", "learning_rate": "lr0", "patience": "patience",
    "seed": "seed",
}  # fmt: skip


def noted_of(job):
    """What `register_model` is told of how the model was made: its licence, card and parent."""
    settings = {name: getattr(job, field) for field, name in FIELDS.items()} | job.arguments
    family = family_of(job.model_type)
    return {
        "licence": family.licence if family else "",
        "parent": TrainedModel.objects.filter(pk=job.weights).first() if job.weights.isdecimal() else None,
        "card": {
            "by": job.user.username, "job": job.name, "started_from": job.started_from,
            "seconds": round(job.training_time), "epochs_done": job.current_epoch,
            "settings": {name: value for name, value in settings.items() if value is not None},
            "machine": {k: job.environment[k] for k in ("device", "versions") if k in job.environment},
        },
    }  # fmt: skip
