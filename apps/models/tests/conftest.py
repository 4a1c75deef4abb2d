"""An evaluation with known results, for the doors: one miss, one false positive, one loose box, one wrong class."""

import gzip
import json

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.models.models import Evaluation

X = [place / 100 for place in range(101)]
CURVE = {"precision": [0.2 + 0.8 * x for x in X], "recall": [0.9 * (1 - x) for x in X]}
CURVE["f1"] = [2 * p * r / max(p + r, 1e-9) for p, r in zip(CURVE["precision"], CURVE["recall"], strict=True)]


def curves(classes=2):
    """Curves whose best point is known: precision rises, recall falls; the last class finds nothing above 0.5."""
    rows = {name: [{"class_id": c, "y": list(y)} for c in range(classes)] for name, y in CURVE.items()}
    for name in rows:
        rows[name][-1]["y"] = [v if x <= 0.5 else 0.0 for x, v in zip(X, CURVE[name], strict=True)]
    made = {name: {"x": X, "overall": CURVE[name], "per_class": rows[name]} for name in rows}
    return made | {"pr": {"x": X, "overall": [1 - x for x in X], "per_class": [{"class_id": 0, "y": X}]}}


def line(image, **more):
    return {
        "sha256": image.sha256, "filename": image.filename, "revision": image.revision, "width": image.width,
        "height": image.height, "labels": [], "found": [], "cells": [], **more,
    }  # fmt: skip


@pytest.fixture
def evaluation(trained_model, ready_dataset):
    """Of `trained_model` on the two validation images of its own version."""
    wrong, nearly = ready_dataset.images.filter(split="val").order_by("pk")
    lines = [
        line(wrong, labels=[[0, 1, 1, 20, 20], [1, 30, 30, 40, 40]], found=[
            [0, 0.9, 30, 30, 40, 41, -1, 0, 1, 0.91], [1, 0.6, 50, 5, 60, 15, -1, 0, -1, 0],
        ], cells=[[0, 1, 1], [2, 0, 1], [1, 2, 1]]),
        line(nearly, labels=[[1, 5, 5, 25, 25]], found=[[1, 0.8, 5, 5, 25, 19, 0, 0.7, -1, 0]], cells=[[1, 1, 1]]),
    ]  # fmt: skip
    name = f"datasets/{ready_dataset.pk}/evaluations/test.jsonl.gz"
    text = "".join(json.dumps(row) + "\n" for row in lines)
    default_storage.save(name, ContentFile(gzip.compress(text.encode())))
    figures = {"mAP50": 0.5, "mAP50_95": 0.3, "precision": 0.6, "recall": 0.7, "f1": 0.64}
    return Evaluation.objects.create(
        model=trained_model, dataset_version=trained_model.dataset_version, split="val", images=name,
        weights_sha256=trained_model.sha256, evaluated_at=timezone.now(), curves=curves(),
        results={
            "overall": figures, "images": 2, "learned_from": 0, "left_out_classes": [],
            "per_class": [
                {"class_id": i, "class_name": n, "images": 2, "instances": 3, **figures}
                for i, n in enumerate(trained_model.class_names)
            ],
            "confusion_matrix": {
                "classes": ["red", "white", "background"], "matrix": [[0, 1, 0], [0, 1, 1], [1, 0, 0]],
            },
            "by_size": {"small": {"labels": 3, "mAP50": 0.5, "mAP50_95": 0.3, "recall50": 0.5}},
            "speed_ms": {"preprocess": 1, "inference": 9, "postprocess": 1},
        },
    )  # fmt: skip
