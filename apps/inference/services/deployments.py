"""Deployments: made, changed, deleted. What answers behind one changes through `switching` alone."""

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import Http404
from django.utils import timezone

from apps.annotations.models import DatasetVersion
from apps.annotations.services.versions import labeled_counts
from apps.core import audit
from apps.core.access import holder
from apps.inference.models import Deployment, Switch
from apps.models import services as models


class DeploymentRefused(ValueError):
    """This cannot be kept; `field` is to blame and the message says what is accepted."""

    def __init__(self, field, message):
        self.field = field
        super().__init__(message)


class DeploymentGone(Http404):
    """It was deleted meanwhile: every door answers as for one that never was."""


def lock_deployment(deployment, *others):
    """The deployment as it is now, its row locked after the lines of its model and of `others`, inside a transaction.

    Raises DeploymentGone. All that changes a deployment or what answers begins so: docs/decisions/069.
    """
    rows = Deployment.objects.select_related("build", "model__line", "previous__line", "previous_build")
    rows, known = rows.select_for_update(of=("self",), no_key=True).filter(pk=deployment.pk), deployment
    while True:
        before = transaction.savepoint()
        models.lock_lines(known.model, *others)
        now = rows.first()
        if now is None:
            raise DeploymentGone("This deployment was deleted meanwhile.")
        if now.model is None or now.model.line_id in {model.line_id for model in (known.model, *others) if model}:
            transaction.savepoint_commit(before)
            return now
        transaction.savepoint_rollback(before)  # a model of another line was brought meanwhile: that line comes first
        known = now


def gate_of(model):
    """(dataset version, split) that other versions are judged on where `model` is live; (None, "val") where none is.

    What it learned from or was evaluated on; of a model that was made elsewhere what it was measured on when deployed.
    """
    measured = (model.serving or {}).get("measured") or {}
    for version in (models.version_to_prove_on(model), _version(measured.get("version_id"))):
        if version and (split := split_to_judge_on(version)):
            return version, split
    return None, "val"


def _version(pk):
    return pk and DatasetVersion.objects.select_related("dataset").filter(pk=pk).first()


def ground_of(deployment, *models_known):
    """(dataset version, split) to build and judge on: its gate's, else of the first model that has one; or None."""
    if deployment.gate_version:
        return deployment.gate_version, deployment.gate_split
    grounds = (gate_of(model) for model in models_known if model)
    return next((ground for ground in grounds if ground[0]), None)


def has_ground(deployment):
    """Whether there are labelled images to judge on: of its gate, else those of the model that answers."""
    chosen = deployment.gate_version
    return split_to_judge_on(chosen) is not None if chosen else ground_of(deployment, deployment.model) is not None


def gate_on(version):
    """The values of a deployment whose gate judges on this version, or of one that nothing is chosen for (None)."""
    return {"gate_version": version, "gate_split": split_to_judge_on(version) or "val"} if version else {}


def split_to_judge_on(version):
    """The split of a version whose labels others are judged by: test where it has labels, else val; None without."""
    counts = labeled_counts(version)
    return next((split for split in ("test", "val") if counts.get(split)), None)


def create_deployment(user, name, **values):
    """A deployment that nothing answers for yet (`switching.start_switch` brings the model); raises DeploymentRefused.

    `values`: team_id, description, is_public, defaults, gate_version, gate_split, max_fall.
    """
    try:
        with transaction.atomic():
            return Deployment.objects.create(owner=user, name=name, **values)
    except IntegrityError:
        raise _name_taken(name, values.get("team_id")) from None


@transaction.atomic
def update_deployment(deployment, actor=None, **values):
    """Have `actor` change what its owner may: name, notes, who sees it, whether it answers, defaults, the gate.

    Raises DeploymentRefused or DeploymentGone, and then nothing is changed.
    """
    model = lock_deployment(deployment).model
    _record_changes(actor, deployment, audit.changes(deployment, values))
    if values.get("is_active") and model and not model.is_deployed:
        try:
            models.mark_deployed(model, model.serving_file.name, model.serving, timezone.now())
        except models.NotDeployable as reason:
            raise DeploymentRefused("is_active", str(reason)) from None
    for field, value in values.items():
        setattr(deployment, field, value)
    try:
        with transaction.atomic():
            deployment.save(update_fields=[*values, "updated_at"])
            if "is_active" in values:
                models.follow_deployments(model)
    except IntegrityError:
        raise _name_taken(values["name"], deployment.team_id) from None
    return deployment


def _record_changes(actor, deployment, changed):
    """Pausing is a deed of its own in the audit log."""
    if "is_active" in changed:
        verb = "resumed" if changed.pop("is_active")[1] else "paused"
        audit.record(actor, verb, deployment, deployment.team_id)
    audit.record_changes(actor, deployment, changed, deployment.team_id)


def _name_taken(name, team_id):
    who = "The team has" if team_id else "You have"
    return DeploymentRefused("name", f"{who} another deployment “{name}”. Choose a name that is free.")


@transaction.atomic
def delete_deployment(deployment, actor=None):
    """The name goes, with its history. The model behind it is undeployed, unless another name has it.

    Of two who delete it at once the second finds it done.
    """
    try:
        deployment = lock_deployment(deployment)
    except DeploymentGone:
        return
    model = deployment.model
    audit.record(actor, "deleted", deployment, deployment.team_id)
    deployment.delete()
    if model is not None and not model.deployments.exists():
        models.mark_undeployed(model)
    models.follow_deployments(model)


@transaction.atomic
def answer_under_name(model, user, version=None):
    """A model that was deployed answers for the name of its line, where nothing does; what was paused goes on.

    `version`: the dataset version that was chosen to look at it on. Later versions of the model are judged on it.
    """
    deployment, is_new = Deployment.objects.get_or_create(
        **holder(model),
        name=model.line.name,
        defaults={"owner_id": model.owner_id, "is_public": model.is_public},
    )
    if deployment.model_id is None:
        bring_first(deployment, model, user, version=version)
    elif version:
        here = Deployment.objects.filter(pk=deployment.pk, model=model, gate_version=None)
        here.update(**gate_on(version), updated_at=timezone.now())
    if not is_new:
        Deployment.objects.filter(model=model, is_active=False).update(is_active=True, updated_at=timezone.now())
    models.follow_deployments(model)
    return deployment


def bring_first(deployment, model, user, switch=None, version=None):
    """The first model of a deployment, with the images that later ones are judged on: there is nothing to judge it by.

    `switch` is the row of a switch that waits for it; else one is made for the history. False where another came first.
    """
    now = timezone.now()
    values = {"model": model, "build": switch and switch.new_build_id, "updated_at": now}
    if deployment.gate_version_id is None:
        own, split = gate_of(model)
        values |= gate_on(version) or {"gate_version": own, "gate_split": split}
    brought = Deployment.objects.filter(pk=deployment.pk, model=None).update(**values)
    if brought:
        models.follow_deployments(model)
        done = {"state": Switch.State.DONE, "switched_at": now}
        by = user or (switch and switch.by)
        audit.record(by, "switched a deployment", deployment, deployment.team_id, now=str(model))
        if switch is None:
            Switch.objects.create(deployment=deployment, new=model, by=user, **done)
        else:
            Switch.objects.filter(pk=switch.pk).update(**done)
        deployment.refresh_from_db()
    return bool(brought)


def part_from_others(line):
    """A line of models has changed hands: deployments let go of a version before, or a shadow, that is others' now."""
    rows = Deployment.objects.filter(Q(model__line=line) | Q(previous__line=line) | Q(shadow__line=line))
    for one in rows.select_related("previous", "shadow").order_by("pk"):
        strange = [
            name for name in ("previous", "shadow") if (model := getattr(one, name)) and holder(model) != holder(one)
        ]
        if strange:
            Deployment.objects.filter(pk=one.pk).update(**dict.fromkeys(strange), updated_at=timezone.now())
