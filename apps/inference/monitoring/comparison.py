"""Drift of a model in words and numbers: its answers in a span of time against those on its validation images."""

from apps.inference.monitoring import counts as c
from apps.inference.monitoring.drift import LEAST_IMAGES, MUCH, SOME, drift
from apps.inference.monitoring.reference import reference_counts, reference_evaluation
from apps.inference.monitoring.thresholds import default_thresholds

KINDS = (("classes", "Classes’ shares"), ("confidence", "Confidence"), ("objects", "Objects an image"))
NO_REFERENCE = (
    "There is nothing to compare with: this model was not evaluated on a validation split yet. Evaluate it there, on "
    "the model's page."
)
OTHER_WEIGHTS = "The model has other weights than those that were evaluated: evaluate it again."


def compared(rows, model, defaults):
    """Drift of `model` in these rows of Traffic; `{"reason": …}` where there is nothing to compare with."""
    evaluation = reference_evaluation(model)
    if evaluation is None:
        is_old = model.evaluations.filter(split="val", evaluated_at__isnull=False).exists()
        return {"model_id": model.pk, "reason": OTHER_WEIGHTS if is_old else NO_REFERENCE}
    usual = default_thresholds(model.operating_point, defaults)
    try:
        then = reference_counts(evaluation, usual)
    except FileNotFoundError:
        return {"model_id": model.pk, "reason": "The file of its evaluation is gone: evaluate the model again."}
    now, answered, key = {}, 0, usual.key
    for row in rows:
        if row.model_id == model.pk:
            answered += sum(row.counts.get("latency", {}).values())
            c.add(now, row.counts.get("compared", {}).get(key, {}))
    images = now.get("images", 0)
    enough = min(images, then["images"]) >= LEAST_IMAGES
    return {
        "model_id": model.pk, "reason": "", "evaluation_id": evaluation.pk, "confidence": usual.general,
        "images": images, "left_out": answered - images, "validation_images": then["images"],
        "least_images": LEAST_IMAGES, "thresholds": {"some": SOME, "much": MUCH},
        "measures": [_measure(kind, title, then, now, enough, model) for kind, title in KINDS],
    }  # fmt: skip


def _measure(kind, title, then, now, enough, model):
    """One of the three: how far, how sure, what moved most, and both distributions as shares."""
    before, after = (_cells(kind, counts.get(kind, {})) for counts in (then, now))
    found = drift(before, after, enough)
    moved = found.most_moved if found.verdict in ("some", "much") else None
    return {
        "kind": kind, "title": title, "verdict": found.verdict, "words": found.words,
        "psi": _rounded(found.psi), "chance": _rounded(found.chance),
        "most_moved": moved and f"{_name(kind, moved[0], model)}: {moved[1]:.0%} then, {moved[2]:.0%} now",
        "cells": [_name(kind, cell, model) for cell, _, _ in found.shares],
        "then": [_rounded(share) for _, share, _ in found.shares],
        "now": [_rounded(share) for _, _, share in found.shares],
    }  # fmt: skip


def _cells(kind, counts):
    """Confidence is compared by tenths, as is usual for this measure; the rest as it is counted."""
    if kind != "confidence":
        return counts
    tenths = {}
    for place, count in counts.items():
        c.tally(tenths, int(place) // 2, count)
    return tenths


def _name(kind, cell, model):
    if kind == "classes":
        return model.class_names[int(cell)] if int(cell) < len(model.class_names) else f"class {cell}"
    if kind == "confidence":
        return f"{int(cell) / 10:.1f} to {(int(cell) + 1) / 10:.1f}"
    return c.objects_words(int(cell))


def _rounded(value):
    return None if value is None else round(value, 4)
