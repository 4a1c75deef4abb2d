"""The stage of a model (candidate, live, archived) and its tags."""

from django.db import transaction

from apps.models.models import ModelTag, TrainedModel

MOST_TAGS, LONGEST_TAG = 20, 40


class StageRefused(ValueError):
    """The model cannot go there now; the message says why."""


class NotDeployable(ValueError):
    """This model cannot be deployed; the message says why and what to do."""


@transaction.atomic
def set_stage(model, stage):
    """Move a model to a stage. One version of a line is live at most: the one before becomes a candidate.

    Raises StageRefused for a deployed model that is to be archived.
    """
    if stage == model.stage:
        return model
    rows = TrainedModel.objects.filter(pk=model.pk)
    if stage == TrainedModel.Stage.ARCHIVED:
        rows = rows.filter(is_deployed=False)
    if not rows.update(stage=stage):
        raise StageRefused("It is deployed: programs call it. Undeploy it first, then archive it.")
    if stage == TrainedModel.Stage.LIVE:
        others = TrainedModel.objects.filter(line=model.line_id, stage=stage).exclude(pk=model.pk)
        others.update(stage=TrainedModel.Stage.CANDIDATE)
    model.stage = stage
    return model


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
