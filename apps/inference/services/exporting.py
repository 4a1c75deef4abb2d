"""Exporting weights: into the formats that serve, with the weights' own answers to hold them against."""

import json

from apps.core.processes import Engine, finished_of
from apps.core.work import WorkFailed
from apps.inference.runtime import Box, Prediction, Segment
from apps.inference.services.proving import LOWEST_CONF
from apps.inference.services.quantizing import INT8_CONF, PATIENCE, data_to_calibrate_on
from apps.models import services as models

EXPORT_ENGINE = "apps.models.engine.export"
INT8 = "openvino-int8"  # of the formats that it knows
CHECK_IMAGES = 60
OUTLINES = "outlines.jsonl"  # of the weights' own masks


def export_to_serve(model, folder, images, report, choice, unasked):
    """(the `finished` event of the engine, the images to compare on, the confidence they were answered from).

    With int8 where `unasked` is tried; the failure of that is none of the build's.
    """
    formats = ["openvino", *(["onnx"] if choice.wants_onnx else [])]
    if unasked.ground:
        paths = unasked.ground.paths
        try:
            exported = export(model, folder, paths, report, choice, [*formats, INT8], INT8_CONF)
            unasked.way.error = exported["also"][INT8].get("error", "")
            return exported, paths[:CHECK_IMAGES], INT8_CONF
        except WorkFailed as failure:  # it may have been killed for its memory
            unasked.way.error = str(failure)
    return export(model, folder, images, report, choice, formats), images, LOWEST_CONF


def export(model, folder, images, report, choice, formats, conf=LOWEST_CONF):
    """The `finished` event of the engine: the weights in folders of the formats' names, their own answers on `images`.

    The first of the formats must come to something, of the others the event has why they did not. INT8 is calibrated
    on what the model learned from.
    """
    weights = folder / "best.pt"
    models.copy_weights(model, weights)
    payload = {
        "weights": str(weights), "output": str(folder / formats[0]), "format": formats[0],
        "imgsz": choice.size_of(model), "also": {format: str(folder / format) for format in formats[1:]},
        "check_images": images, "conf": conf, "iou": 0.7, "max_det": 300,
        "calibrate": data_to_calibrate_on(model) if INT8 in formats else None,
        "patience": PATIENCE if INT8 in formats[1:] else None, "check_without_int8": CHECK_IMAGES,
        "outlines": str(folder / OUTLINES) if model.task == "segment" else None,
    }  # fmt: skip
    engine = Engine(EXPORT_ENGINE, payload, folder / "job", folder / "log.txt")
    return finished_of(engine, report, "export", span=(0, 0.75))


def weights_answers(exported, folder):
    """What the weights answered on each of the images, one by one, as the runtime would have: a Prediction."""
    images, file = exported["reference"]["images"], folder / OUTLINES
    if not file.exists():
        for image in images:
            yield Prediction(image["width"], image["height"], [Box(*row) for row in image["boxes"]])
        return
    with file.open(encoding="utf-8") as lines:
        for image, line in zip(images, lines, strict=True):
            boxes = [Segment(*row) for row in image["boxes"]]
            for box, polygons in zip(boxes, json.loads(line), strict=True):
                box.polygons = polygons
            yield Prediction(image["width"], image["height"], boxes)


def weights_milliseconds(exported):
    """How long the weights took for an image."""
    return round(exported["reference"]["seconds_per_image"] * 1000, 2)
