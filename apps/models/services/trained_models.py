"""Storing, changing and deleting trained models."""

import hashlib
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction

from apps.models.models import TrainedModel


def register_model(*, owner, name, model_type, weights, training_id=None, **known):
    """Store weights (a path) and what is known of them; the same training again replaces its model's weights."""
    path = Path(weights)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        stored = f"models/{sha256[:2]}/{sha256}/best.pt"
        if not default_storage.exists(stored):
            file.seek(0)
            default_storage.save(stored, File(file))
    values = {
        "owner": owner, "name": name, "model_type": model_type, "file": stored, "sha256": sha256,
        "num_bytes": path.stat().st_size, "num_classes": len(known["class_names"]), **known,
    }  # fmt: skip
    with transaction.atomic():
        if training_id is None:
            return TrainedModel.objects.create(**values)
        return TrainedModel.objects.update_or_create(training_id=training_id, defaults=values)[0]


def update_model(model, **values):
    """Change name, description or who can see it."""
    for field, value in values.items():
        setattr(model, field, value)
    model.save(update_fields=[*values, "updated_at"])
    return model


def release_model(pk, mark):
    """The training of a model goes on and will make another: this one stands for itself, with `mark` in its name."""
    model = TrainedModel.objects.filter(pk=pk).first()
    if model is not None:
        model.name, model.training_id = f"{model.name[:100]} ({mark})", None
        model.save(update_fields=["name", "training_id", "updated_at"])


def delete_model(model):
    """Delete a model and those of its files that no other model has."""
    names = [model.file.name, model.serving_file.name]
    measured = list(model.evaluations.exclude(images="").values_list("images", flat=True))
    model.delete()
    for name in measured:
        default_storage.delete(name)
    for name in filter(None, names):
        if (
            not TrainedModel.objects.filter(file=name).exists()
            and not TrainedModel.objects.filter(serving_file=name).exists()
        ):
            default_storage.delete(name)


def mark_deployed(model, serving_file, serving, deployed_at):
    """A proven export serves from now on."""
    TrainedModel.objects.filter(pk=model.pk).update(
        is_deployed=True, serving_file=serving_file, serving=serving, deployed_at=deployed_at
    )
    model.refresh_from_db()


def mark_undeployed(model):
    """No endpoint any more; the export stays, so that deploying again is quick."""
    TrainedModel.objects.filter(pk=model.pk).update(is_deployed=False)
    model.is_deployed = False
