"""The gate's mAP of masks is that of ultralytics' own validator, on the same outlines and labels."""

import json
import subprocess
import sys

import numpy as np
import pytest

from apps.inference.runtime import Prediction, Segment
from apps.inference.services import judging
from apps.inference.services.mask_overlap import masks_of
from apps.inference.services.truth import Labels
from apps.models.models import TrainedModel
from apps.models.tests.tiny_weights import ROOT, engine_environment

WIDTH, HEIGHT, IMAGES, CLASSES = 320, 240, 24, 3


def shape(rng, x, y, size):
    """A polygon around a place: 5 to 12 corners, often concave."""
    angles = np.sort(rng.random(int(rng.integers(5, 13)))) * 2 * np.pi
    reach = size * rng.uniform(0.4, 1, len(angles))
    points = np.stack([x + reach * np.cos(angles), y + reach * np.sin(angles)], 1)
    return points.clip(0, [WIDTH - 1, HEIGHT - 1]).round()


def scene(rng):
    """(labels, predictions) of a crowded image: each a list of (class, confidence, points), the surest first."""
    labels, found = [], []
    for _ in range(int(rng.integers(0, 9))):
        points = shape(rng, rng.uniform(30, WIDTH - 30), rng.uniform(30, HEIGHT - 30), rng.uniform(6, 45))
        own = int(rng.integers(0, CLASSES))
        labels.append((own, 1.0, points))
        for _ in range(int(rng.integers(0, 4))):  # missed, found, found more than once
            moved = (points + rng.normal(0, rng.uniform(0.2, 4), points.shape)).clip(0, [WIDTH - 1, HEIGHT - 1])
            named = own if rng.random() < 0.8 else int(rng.integers(0, CLASSES))
            found.append((named, rng.uniform(0.01, 1), moved.round()))
    for _ in range(int(rng.integers(0, 4))):
        stray = shape(rng, rng.uniform(30, WIDTH - 30), rng.uniform(30, HEIGHT - 30), 20)
        found.append((int(rng.integers(0, CLASSES)), rng.uniform(0.01, 0.6), stray))
    return labels, sorted(found, key=lambda one: -one[1])


def corners(points):
    return [*points.min(0), *points.max(0)]


def drawn(objects, found_at=None):
    """(n, height, width): the masks of objects as the gate paints them, in a canvas that has room at its edges."""
    canvas = np.zeros((len(objects), HEIGHT + 2, WIDTH + 2), np.uint8)
    for place, mask in enumerate(masks_of([[points] for *_, points in objects], WIDTH, HEIGHT, found_at)):
        canvas[place, mask.top : mask.bottom, mask.left : mask.right] = mask.pixels
    return canvas


def ours(scenes, monkeypatch):
    """The figures of a side of the gate that answered so."""
    monkeypatch.setattr(judging, "class_mapping", lambda *args: ({one: one for one in range(CLASSES)}, []))
    side = judging._Side(TrainedModel(task="segment"), None, found_at=WIDTH)
    for labels, found in scenes:
        boxes = []
        for own, sure, points in found:
            boxes.append(Segment(own, sure, *corners(points)))
            boxes[-1].polygons = [points]
        rows = np.array([corners(points) for *_, points in labels]).reshape(-1, 4) / ([WIDTH, HEIGHT] * 2)
        outlines = [points / (WIDTH, HEIGHT) for *_, points in labels]
        side.take(
            Prediction(WIDTH, HEIGHT, boxes), Labels(np.array([one[0] for one in labels], int), rows, outlines)
        )  # fmt: skip
    return side


def theirs(scenes, folder):
    for number, (labels, found) in enumerate(scenes):
        parts = {}
        for name, objects, found_at in (("label_", labels, None), ("", found, WIDTH)):
            parts[f"{name}masks"] = drawn(objects, found_at)
            parts[f"{name}corners"] = np.array([corners(points) for *_, points in objects]).reshape(-1, 4)
            parts[f"{name}classes"] = np.array([one[0] for one in objects], int)
        parts["confidences"] = np.array([one[1] for one in found])
        np.savez(folder / f"{number:03}.npz", **parts)
    command = [sys.executable, "-m", "apps.inference.tests.segment_figures", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=engine_environment(folder), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "figures.json").read_text())


def test_map_of_masks_and_boxes_is_that_of_ultralytics(tmp_path, monkeypatch):
    rng = np.random.default_rng(7)
    scenes = [scene(rng) for _ in range(IMAGES)]
    side, expected = ours(scenes, monkeypatch), theirs(scenes, tmp_path)
    for meter, figures in ((side.masks, expected["masks"]), (side.meter, expected["boxes"])):
        overall = meter.figures()["all"]
        assert 0.1 < figures["mAP50_95"] < figures["mAP50"] < 0.9  # neither all right nor all wrong
        assert overall["mAP50"] == pytest.approx(figures["mAP50"], abs=1e-4)
        assert overall["mAP50_95"] == pytest.approx(figures["mAP50_95"], abs=1e-4)
        per_class = {one: row["mAP50_95"] for one, row in meter.per_class().items()}
        assert per_class == pytest.approx({int(k): v for k, v in figures["per_class"].items()}, abs=1e-4)
    assert abs(expected["masks"]["mAP50_95"] - expected["boxes"]["mAP50_95"]) > 0.02  # one is not the other
