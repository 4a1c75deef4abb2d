"""The stage of a model (candidate, live, archived) and its tags."""

from django.db import transaction
from django.db.models import Q

from apps.models.models import ModelLine, ModelTag, TrainedModel

MOST_TAGS, LONGEST_TAG = 20, 40
GONE = "This model was deleted meanwhile."


class StageRefused(ValueError):
    """The model cannot go there now; the message says why."""


class NotDeployable(ValueError):
    """This model cannot be deployed; the message says why and what to do."""


@transaction.atomic
def set_stage(model, stage):
    """Move a model to a stage by hand. Of versions that answer for no deployment one of a line is live at most.

    What answers for a deployment is live as long as it does (`follow_deployments`). Raises StageRefused for what would
    contradict that, and for a deployed model that is to be archived.
    """
    if stage == model.stage:
        return model
    lock_lines(model)
    _check_deployments(model, stage)
    rows = TrainedModel.objects.filter(pk=model.pk)
    if stage == TrainedModel.Stage.ARCHIVED:
        rows = rows.filter(is_deployed=False)
    if not rows.update(stage=stage):
        deployed = "It is deployed: programs call it. Undeploy it first, then archive it."
        raise StageRefused(deployed if is_there(model) else GONE)
    if stage == TrainedModel.Stage.LIVE:
        others = TrainedModel.objects.filter(line=model.line_id, stage=stage).exclude(pk=model.pk)
        others.update(stage=TrainedModel.Stage.CANDIDATE)
    model.stage = stage
    return model


def _check_deployments(model, stage):
    """Raise StageRefused where deployments (rows of a higher floor, known by relation only) say something else."""
    own = model.deployments.filter(is_active=True).order_by("pk").first()
    if own and stage == TrainedModel.Stage.CANDIDATE:
        raise StageRefused(f"It answers for “{own.name}”: switch that to another version, or pause it.")
    if stage == TrainedModel.Stage.LIVE and not own and (other := answering_of_line(model)):
        raise StageRefused(
            f"“{other.model.title}” answers for “{other.name}”: switch that to this version, which is live then."
        )


def answering_of_line(model):
    """The first deployment that another version of the model's line answers for, or None."""
    rows = model.deployments.model.objects.filter(model__line=model.line_id, is_active=True).exclude(model=model)
    return rows.select_related("model__line").order_by("pk").first()


@transaction.atomic
def follow_deployments(*models):
    """What answers for a deployment is live, and what does no longer a candidate; by what brings, pauses and deletes.

    `models`: those that one has begun or ceased to answer for; None is no model. A version that was called live by
    hand is a candidate again where another one of its line answers.
    """
    stages, pks = TrainedModel.Stage, [model.pk for model in models if model]
    answering = TrainedModel.objects.filter(deployments__is_active=True)
    now = dict(answering.filter(pk__in=pks).values_list("pk", "line"))
    TrainedModel.objects.filter(pk__in=now, stage=stages.CANDIDATE).update(stage=stages.LIVE)
    live = TrainedModel.objects.filter(Q(pk__in=pks) | Q(line__in=now.values()), stage=stages.LIVE)
    live.exclude(pk__in=answering.values("pk")).update(stage=stages.CANDIDATE)


def lock_lines(*models):
    """Lock the lines of these models in the order of their ids, inside a transaction; None is no model.

    What moves deployments or stages does this before all else, so that no two writers wait for each other: a change
    of what answers reaches other versions of its line. Rows that only refer to a line or a model are not kept out.
    """
    pks = {model.line_id for model in models if model}
    list(ModelLine.objects.select_for_update(no_key=True).filter(pk__in=pks).order_by("pk").values_list("pk"))


def is_there(model):
    """Whether its row is: who holds the lock of its line knows that it stays."""
    return TrainedModel.objects.filter(pk=model.pk).exists()


@transaction.atomic
def set_tags(model, names):
    """Put exactly these tags on a model (see `clean_tags`)."""
    kept = set(names)
    model.tags.exclude(name__in=kept).delete()
    known = set(model.tags.values_list("name", flat=True))
    ModelTag.objects.bulk_create([ModelTag(model=model, name=n) for n in sorted(kept - known)], ignore_conflicts=True)
    model._prefetched_objects_cache = {}
    return model


def clean_tags(words):
    """Tags as they are kept: lower case, each once; raises ValueError in words."""
    names = list(dict.fromkeys(" ".join(str(word).split()).lower() for word in words))
    names = [name for name in names if name]
    for name in names:
        if len(name) > LONGEST_TAG or not name.isprintable() or "," in name:
            raise ValueError(f"A tag has 1 to {LONGEST_TAG} printable characters and no comma.")
    if len(names) > MOST_TAGS:
        raise ValueError(f"At most {MOST_TAGS} tags.")
    return names


def check_deployable(model):
    """Raises NotDeployable for what cannot answer requests here."""
    if model.is_archived:
        raise NotDeployable("This model is archived. Make it a candidate again, then deploy it.")
