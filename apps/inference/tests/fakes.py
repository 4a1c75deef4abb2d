"""Runtimes that answer by rote, for tests of what is around a runtime."""

import io
import tempfile

import numpy as np
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from PIL import Image

from apps.annotations.services.versions import create_version
from apps.inference.runtime import Box, Prediction, Segment
from apps.models.models import TrainedModel
from apps.models.services import register_model

BOTH = [(0, 0.9, 0.5, 0.5, 0.2, 0.2), (1, 0.8, 0.5, 0.5, 0.2, 0.2)]  # what `ready_dataset` has: class, confidence, xywh


class FakeRuntime:
    """Finds the same on every image: `found` is a list of (class id, confidence, x, y, w, h as shares)."""

    imgsz, precision, memory_bytes = 64, "f32", 1000

    def __init__(self, found):
        self.found, self.warmed = found, 0

    def predict(self, data, conf=0.25, iou=0.7, max_det=300, classes=None):
        width, height = Image.open(io.BytesIO(data)).size
        boxes = [
            Box(c, sure, (x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)
            for c, sure, x, y, w, h in self.found
            if sure >= conf and (classes is None or c in classes)
        ]
        speed = dict.fromkeys(("decode_ms", "preprocess_ms", "inference_ms", "postprocess_ms"), 0.1)
        return Prediction(width, height, boxes[:max_det], speed)

    def warm(self, width, height):
        self.warmed += 1


class Outlining(FakeRuntime):
    """Finds one object of each class with the same outline on every image: `found` is its points as shares."""

    lacking = 0  # canvas pixels to the right and below

    def predict(self, data, **options):
        answer = FakeRuntime(BOTH).predict(data)
        boxes = [Segment(*box) for box in answer.boxes]
        for box in boxes:
            points = np.array(self.found) * [answer.width, answer.height]
            lacking = self.lacking * max(answer.width, answer.height) / self.imgsz
            box.polygons = [np.minimum(points, points.max(0) - lacking)]
        return Prediction(answer.width, answer.height, boxes, answer.speed)


class Drawing(Outlining):
    """Its outlines run through the outermost pixels of masks, as a runtime's do."""

    lacking = 1


def make_version(dataset, owner, number, class_names=("red", "white"), built=True):
    """The next version of the owner's line “Cells”, built with a file that only a fake runtime can read."""
    version, _ = create_version(dataset, owner)
    with tempfile.NamedTemporaryFile(suffix=".pt") as weights:
        weights.write(b"weights %d" % number)
        weights.flush()
        model = register_model(
            owner=owner, name="Cells", model_type="yolov8n", weights=weights.name, class_names=list(class_names),
            img_size=64, metrics={}, dataset_version=version,
        )  # fmt: skip
    if built:
        name = default_storage.save(f"models/{model.sha256[:2]}/{model.sha256}/openvino-64.tar", ContentFile(b"built"))
        serving = {"format": "openvino", "precision": "f32", "checked_images": 2, "boxes_expected": 2, "boxes_found": 2}
        TrainedModel.objects.filter(pk=model.pk).update(serving_file=name, serving=serving)
    return TrainedModel.objects.select_related("line").get(pk=model.pk)
