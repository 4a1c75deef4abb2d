"""The operating point: from which confidence on a model's predictions count, chosen on the curves of an evaluation."""

from django.db import transaction

from apps.models.models import TrainedModel
from apps.models.services.trained_models import update_model

RULES = ("best_f1", "precision", "recall", "manual")


class PointRefused(ValueError):
    """There is no such point; the message says why and what is accepted."""


def point_on(curves, rule, target=None):
    """(confidence, {class id: confidence}) of the overall and of each class's curves; raises PointRefused.

    best_f1: where F1 is highest, the middle where many are; nothing where it is 0 throughout. precision: the lowest
    confidence at which precision is at least `target` and anything is found, which keeps most recall. recall: the
    highest confidence at which recall is at least `target`, which keeps most precision. A class whose own curve never
    gets there has the overall confidence.
    """
    if not curves:
        raise PointRefused("This evaluation has no curves: no label, or nothing found.")
    x = curves["f1"]["x"]
    overall = _point(x, {name: curves[name]["overall"] for name in ("f1", "precision", "recall")}, rule, target)
    if overall is None and rule == "best_f1":
        raise PointRefused("Nothing that the model found here is right, at any confidence: F1 is 0 throughout.")
    if overall is None:
        pairs = zip(curves[rule]["overall"], curves["recall"]["overall"], strict=True)
        best = max((value for value, recall in pairs if recall > 0), default=0)
        raise PointRefused(f"No confidence gives a {rule} of {target:g}; the most that it reaches is {best:.3f}.")
    by_class = {}
    for place, row in enumerate(curves["f1"]["per_class"]):
        own = {name: curves[name]["per_class"][place]["y"] for name in ("f1", "precision", "recall")}
        found = _point(x, own, rule, target)
        by_class[str(row["class_id"])] = overall if found is None else found
    return overall, by_class


def _point(x, curves, rule, target):
    if rule == "best_f1":
        best = max(curves["f1"])
        places = [place for place, value in enumerate(curves["f1"]) if value == best]
        return x[places[len(places) // 2]] if best > 0 else None
    reached = [i for i in range(len(x)) if curves[rule][i] >= target and curves["recall"][i] > 0]
    if not reached:
        return None
    return x[reached[0] if rule == "precision" else reached[-1]]


@transaction.atomic
def set_operating_point(
    model, actor=None, *, evaluation=None, rule="manual", target=None, confidence=None, per_class=None
):
    """Store the model's default: a `confidence` (with one for each class where `per_class` is a dict), or what `rule`
    gives on an evaluation's curves, for each class of its own where `per_class` is True.

    Raises PointRefused.
    """
    by_class = per_class if isinstance(per_class, dict) else {}
    if rule != "manual":
        if evaluation is None:
            raise PointRefused(
                f"To choose by {rule}, the model must have been evaluated on a validation split. "
                "Evaluate it first, or give `evaluation_id`."
            )
        confidence, found = point_on(evaluation.curves, rule, target)
        by_class = found if per_class is True else by_class
    if confidence is None:
        raise PointRefused("Give a confidence, or a rule: best_f1, precision or recall.")
    point = {
        "confidence": round(confidence, 4), "rule": rule, "target": target,
        "per_class": {str(class_id): round(value, 4) for class_id, value in by_class.items()},
        "evaluation_id": evaluation and evaluation.pk, "split": evaluation and evaluation.split,
    }  # fmt: skip
    return update_model(model, actor, operating_point=point)


def clear_operating_point(model: TrainedModel, actor=None):
    """No default of its own any more."""
    return update_model(model, actor, operating_point={})
