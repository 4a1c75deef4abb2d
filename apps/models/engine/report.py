"""The final validation as numbers: what ultralytics' metrics and confusion matrix hold, ready for JSON."""

from typing import Any

import numpy as np

CURVE_POINTS = 101  # a step of 0.01; ultralytics has 1000
MATRIX_CONFIDENCE = 0.25
MATRIX_IOU = 0.45


def validation_report(validator: Any) -> dict[str, Any]:
    """Return overall and per-class figures, curves, confusion matrix and speed of a validator that ran."""
    metrics = validator.metrics
    return {
        "overall": _overall(metrics),
        "images": validator.seen,
        "per_class": _per_class(metrics),
        "curves": _curves(metrics),
        "confusion_matrix": _confusion_matrix(validator.confusion_matrix),
        "speed_ms": {stage: round(value, 3) for stage, value in validator.speed.items()},
    }


def _overall(metrics: Any) -> dict[str, float]:
    box = metrics.box
    precision, recall, map50, map50_95 = (_round(value) for value in box.mean_results())
    f1 = _round(np.mean(box.f1)) if len(box.f1) else 0.0
    return {"mAP50": map50, "mAP50_95": map50_95, "precision": precision, "recall": recall, "f1": f1}


def _per_class(metrics: Any) -> list[dict[str, Any]]:
    """Return one row per class, also for those that the validation images do not show (figures null)."""
    position = {int(class_id): i for i, class_id in enumerate(metrics.ap_class_index)}
    return [_class_row(metrics, class_id, position.get(class_id)) for class_id in sorted(metrics.names)]


def _class_row(metrics: Any, class_id: int, i: int | None) -> dict[str, Any]:
    values = [None] * 5 if i is None else [_round(v) for v in (*metrics.class_result(i), metrics.box.f1[i])]
    names = ("precision", "recall", "mAP50", "mAP50_95", "f1")
    return {
        "class_id": class_id,
        "class_name": metrics.names[class_id],
        "images": int(metrics.nt_per_image[class_id]),
        "instances": int(metrics.nt_per_class[class_id]),
        **dict(zip(names, values, strict=True)),
    }


def _curves(metrics: Any) -> dict[str, Any]:
    """Return curves as {x, overall, per_class: [{class_id, y}]}; x is recall for "pr", else confidence."""
    box = metrics.box
    values = {"pr": box.prec_values, "f1": box.f1_curve, "precision": box.p_curve, "recall": box.r_curve}
    classes = [int(class_id) for class_id in metrics.ap_class_index]
    return {name: _curve(box.px, rows, classes) for name, rows in values.items()} if classes else {}


def _curve(x: np.ndarray, rows: np.ndarray, classes: list[int]) -> dict[str, Any]:
    grid = np.linspace(0, 1, CURVE_POINTS)
    thin = np.asarray([np.interp(grid, x, row) for row in rows])
    return {
        "x": grid.round(2).tolist(),
        "overall": thin.mean(axis=0).round(4).tolist(),
        "per_class": [{"class_id": c, "y": y.round(4).tolist()} for c, y in zip(classes, thin, strict=True)],
    }


def _confusion_matrix(confusion: Any) -> dict[str, Any]:
    """Return counts as rows of predictions and columns of labels; the last of each is the background."""
    return {
        "classes": [*(confusion.names[class_id] for class_id in sorted(confusion.names)), "background"],
        "rows": "predicted",
        "columns": "true",
        "matrix": confusion.matrix.astype(int).tolist(),
        "confidence": MATRIX_CONFIDENCE,
        "iou": MATRIX_IOU,
    }


def _round(value: Any) -> float:
    return round(float(value), 5)
