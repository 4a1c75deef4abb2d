"""Storing, changing and deleting trained models."""

import hashlib
import shutil
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404

from apps.core import audit
from apps.core.work import WorkFailed
from apps.datasets.services.files import forget_files
from apps.models.models import ServingBuild, TrainedModel
from apps.models.services.lines import drop_empty_line, next_version, rename_line
from apps.models.services.stages import GONE, NotDeployable, is_there, lock_lines, set_stage, set_tags

FILE_NAMES = {"pt": "best.pt", "onnx": "model.onnx"}


def register_model(*, owner, name, model_type, weights, training_id=None, upload_job=None, team_id=None, **known):
    """Store weights (a path) and what is known of them, as the next version of the owner's, or team's, line of a name.

    The same training, or the same upload, again replaces what it made before, under the number that it has.
    """
    path = Path(weights)
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        stored = f"models/{sha256[:2]}/{sha256}/{FILE_NAMES[known.get('format', 'pt')]}"
        if not default_storage.exists(stored):
            file.seek(0)
            default_storage.save(stored, File(file))
    values = {
        "model_type": model_type, "file": stored, "sha256": sha256,
        "num_bytes": path.stat().st_size, "num_classes": len(known["class_names"]), **known,
    }  # fmt: skip
    key = {"training_id": training_id} if training_id is not None else {"upload_job": upload_job}
    try:
        return _store(key, owner, team_id, name, values)
    except IntegrityError:  # another worker stored the same just now
        if set(key.values()) == {None}:
            raise
        return _store(key, owner, team_id, name, values)


def copy_weights(model, path):
    """Write a model's file to `path` on this machine; raises WorkFailed where the store has lost it."""
    try:
        with model.file.open("rb") as file, Path(path).open("wb") as out:
            shutil.copyfileobj(file, out)
    except FileNotFoundError:
        raise WorkFailed("The model's weights are not in the store any more.") from None


@transaction.atomic
def _store(key, owner, team_id, name, values):
    made = None if set(key.values()) == {None} else TrainedModel.objects.filter(**key).first()
    if made is None:
        line, number = next_version(owner, name, team_id)
        return TrainedModel.objects.create(owner=owner, team_id=team_id, line=line, number=number, **key, **values)
    for field, value in values.items():
        setattr(made, field, value)
    made.save()
    return made


class ModelGone(Http404):
    """It was deleted meanwhile: every door answers as for one that never was."""


@transaction.atomic
def update_model(model, actor=None, *, name=None, stage=None, tags=None, **values):
    """Have `actor` change what its owner may: name (of the whole line), stage, tags, notes, licence, who can see it.

    Raises NameTaken, StageRefused or ModelGone, and then nothing is changed.
    """
    lock_lines(model)
    if not is_there(model):
        raise ModelGone(GONE)
    audit.record_changes(actor, model, _changes(model, name, stage, tags, values), model.team_id)
    if name is not None:
        rename_line(model.line, name)
    if stage is not None:
        set_stage(model, stage)
    if tags is not None:
        set_tags(model, tags)
    for field, value in values.items():
        setattr(model, field, value)
    model.save(update_fields=[*values, "updated_at"])
    return model


def _changes(model, name, stage, tags, values):
    """`{field: [before, after]}`, for the audit log."""
    found = audit.changes(model, values | ({} if stage is None else {"stage": stage}))
    if name is not None:
        found |= audit.changes(model.line, {"name": name})
    before = sorted(model.tags.values_list("name", flat=True)) if tags is not None else []
    return found | ({"tags": [before, sorted(tags)]} if before != sorted(tags or ()) else {})


def release_model(pk, mark):
    """The training of a model goes on and will make another: this version stands for itself, `mark` on its card."""
    model = TrainedModel.objects.filter(pk=pk).first()
    if model is not None:
        model.card, model.training_id = {**model.card, "kept_at": mark}, None
        model.save(update_fields=["card", "training_id", "updated_at"])


class DeleteRefused(ValueError):
    """The model is needed; the message says by what, and what to do."""


@transaction.atomic
def delete_model(model, actor=None):
    """Delete a model, and when that is for good those of its files that no other model has.

    Raises DeleteRefused for a deployed one.
    """
    lock_lines(model)
    names = [model.file.name, model.serving_file.name]
    measured = list(model.evaluations.exclude(images="").values_list("images", flat=True))
    measured += model.exports.exclude(file="").values_list("file", flat=True)
    names += model.builds.values_list("file", flat=True)
    line = model.line
    if TrainedModel.objects.select_for_update().filter(pk=model.pk, is_deployed=True).exists():
        raise DeleteRefused(f"“{model.title}” is deployed: programs call it. Undeploy it first, then delete it.")
    audit.record(actor, "deleted", model, model.team_id)
    model.delete()
    drop_empty_line(line)
    forget_files(measured)
    transaction.on_commit(lambda: [delete_unused(name) for name in names if name], robust=True)


def delete_unused(name):
    """Delete a file of weights or of a build, unless a model has it: models of the same weights share theirs."""
    used = TrainedModel.objects.filter(Q(file=name) | Q(serving_file=name)).exists()
    if not used and not ServingBuild.objects.filter(file=name).exists():
        default_storage.delete(name)


def keep_serving(model, serving_file, serving):
    """A proven export is there; whether it serves is another matter. Raises NotDeployable where it was archived."""
    rows = TrainedModel.objects.filter(pk=model.pk).exclude(stage=TrainedModel.Stage.ARCHIVED)
    if not rows.update(serving_file=serving_file, serving=serving):
        raise NotDeployable("This model was archived or deleted meanwhile.")
    model.refresh_from_db(fields=["serving_file", "serving"])


def mark_deployed(model, serving_file, serving, deployed_at):
    """A proven export serves from now on; raises NotDeployable where the model was archived meanwhile."""
    rows = TrainedModel.objects.filter(pk=model.pk).exclude(stage=TrainedModel.Stage.ARCHIVED)
    if not rows.update(is_deployed=True, serving_file=serving_file, serving=serving, deployed_at=deployed_at):
        archived = "This model was archived meanwhile. Make it a candidate again, then deploy it."
        raise NotDeployable(archived if is_there(model) else GONE)
    model.refresh_from_db()


def mark_undeployed(model):
    """No endpoint any more; the export stays, so that deploying again is quick."""
    TrainedModel.objects.filter(pk=model.pk).update(is_deployed=False)
    model.is_deployed = False
