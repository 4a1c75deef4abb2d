"""Models side by side, on the same split of the same dataset version: reading only, and no job is known here."""

from collections import Counter

from apps.annotations.models import DatasetVersion
from apps.datasets.access import visible_to as datasets_visible_to
from apps.models.access import may_edit, visible_to
from apps.models.models import Evaluation
from apps.models.services.evaluations import class_mapping, on_same_ground

FEWEST, MOST = 2, 6
FIGURES = ("mAP50", "mAP50_95", "precision", "recall", "f1")


def models_to_compare(user, ids):
    """Those of `ids` that `user` may see, in that order, each once."""
    found = visible_to(user).in_bulk(list(dict.fromkeys(ids))[: MOST * 4])
    return [found[pk] for pk in dict.fromkeys(ids) if pk in found]


def common_versions(user, models):
    """Versions that `user` may see of the datasets that the models learned from, the one of most models first."""
    used = Counter(model.dataset_version_id for model in models if model.dataset_version_id)
    datasets = {model.dataset_version.dataset_id for model in models if model.dataset_version_id}
    visible = DatasetVersion.objects.filter(dataset__in=datasets_visible_to(user)).filter(dataset__in=datasets)
    rows = visible.select_related("dataset").order_by("-pk")[:200]
    return sorted(rows, key=lambda version: (-used[version.pk], -version.pk))


def compare(user, models, version, split):
    """What a comparison shows: `{columns, classes, curves, missing, others}`.

    `missing` are models without a result on this split by the weights that they have now; of them `others` are those
    that `user` may not evaluate.
    """
    evaluations = on_same_ground(models, version, split)
    columns = [_column(model, evaluations[model.pk], version) for model in models]
    missing = [column["model"] for column in columns if not column["overall"]]
    return {
        "columns": columns,
        "classes": _classes(columns, version),
        "curves": _curves(columns),
        "missing": missing,
        "others": [model for model in missing if not may_edit(user, model)],
        "running": [column for column in columns if column["is_running"]],
    }


def _column(model, row, version):
    is_current = row is not None and row.is_measured and row.weights_sha256 == model.sha256
    results = row.results if is_current else {}
    return {
        "model": model, "evaluation": row, "overall": results.get("overall"),
        "is_running": bool(row and row.is_running),
        "failed": row.job.error_message if row and row.job and row.job.status == "failed" else "",
        "by_class": {r["class_id"]: r for r in results.get("per_class", [])}, "by_size": results.get("by_size", {}),
        "speed": results.get("speed_ms", {}).get("inference"), "learned_from": results.get("learned_from", 0),
        "is_elsewhere": model.dataset_version_id != version.pk, "curves": row.curves if is_current else {},
        "mapping": class_mapping(model, version)[0],
    }  # fmt: skip


def _classes(columns, version):
    """A row for each class of the version: each model's mAP50-95, and how it differs from the first model's."""
    rows = []
    for class_id, name in enumerate(version.class_names):
        found = [column["by_class"].get(column["mapping"].get(class_id), {}) for column in columns]
        values = [one.get("mAP50_95") for one in found]
        cells = [(value, difference(value, values[0])) for value in values]
        known = [v for v in values if v is not None]
        rows.append({
            "name": name, "cells": cells, "instances": next((f["instances"] for f in found if f), None),
            "spread": round(max(known) - min(known), 5) if len(known) > 1 else None,
        })  # fmt: skip
    return rows


def _curves(columns):
    """What the charts draw: `[{name, pr, f1, x}]`, of all classes together."""
    return [
        {
            "id": column["model"].pk, "name": column["model"].name, "x": column["curves"]["pr"]["x"],
            "pr": column["curves"]["pr"]["overall"], "f1": column["curves"]["f1"]["overall"],
        }
        for column in columns
        if column["curves"].get("pr")
    ]  # fmt: skip


def figure_rows(columns):
    """The overall figures as rows: `[(words, [(value, difference from the first)])]`."""
    names = dict(zip(FIGURES, ("mAP50", "mAP50-95", "precision", "recall", "F1"), strict=True))
    rows = [(words, [(c["overall"] or {}).get(name) for c in columns]) for name, words in names.items()]
    rows += [
        (f"mAP50-95, {size} objects", [c["by_size"].get(size, {}).get("mAP50_95") for c in columns])
        for size in ("small", "medium", "large")
    ]
    return [(words, [(value, difference(value, values[0])) for value in values]) for words, values in rows]


def difference(value, first):
    """How far a figure is from the first model's, to the three places that are shown; None where one is not known."""
    return None if None in (value, first) else round(value - first, 3)


def splits_of(version):
    """The splits of a version that can be measured on, with their words."""
    counts = version.labeled_counts or version.split_counts
    return [(name, words) for name, words in Evaluation.SPLITS if counts.get(name)]
