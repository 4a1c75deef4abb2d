"""Building what serves: a model's export to the serving format, proven against the weights before it is kept."""

import statistics
import tarfile
import tempfile
import time

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from apps.annotations.services.yolo_folders import validation_images
from apps.core.processes import Engine, finished_of
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference.runtime import compare_many, load
from apps.models import services as models

EXPORT_ENGINE = "apps.models.engine.export"
CHECK_IMAGES = 60
CHECK_CONFS = (0.25, 0.1, 0.05, 0.01)  # a weak model is compared where it finds anything at all
LOWEST_CONF = 0.005
LEAST_AGREEMENT = 0.95  # of the weights' own boxes that the export must find at IoU 0.9
SHORT_AGREEMENT = 0.98  # the same, of the CPU's short arithmetic


def is_built(model):
    """Whether what serves this model is there, proven."""
    return bool(model.serving_file) and default_storage.exists(model.serving_file.name)


def build(model, report):
    """Export, prove and keep what serves `model`; returns what is known of it. Raises WorkFailed.

    `report` is called with 0 to 1; made again, it replaces what is there.
    """
    with scratch_folder() as folder:
        exported = _export(model, folder, report)
        report(0.8, "Comparing its answers with the weights' own")
        proof = _prove(folder / "serving", exported["reference"], report)
        report(0.95, "Storing")
        name = _store(model, folder / "serving")
    serving = {"format": exported["format"], **proof}
    try:
        models.keep_serving(model, name, serving)
    except models.NotDeployable as reason:
        raise WorkFailed(str(reason)) from None
    return serving


def _export(model, folder, report):
    weights = folder / "best.pt"
    models.copy_weights(model, weights)
    version = models.version_to_prove_on(model)
    images = validation_images(version, CHECK_IMAGES) if version else []
    if not images:
        raise WorkFailed(
            "There is no validation image to prove the export on. Evaluate the model on a dataset's validation split "
            "first: its images serve for that."
        )
    payload = {
        "weights": str(weights), "output": str(folder / "serving"), "format": "openvino", "imgsz": model.img_size,
        "check_images": images, "conf": LOWEST_CONF, "iou": 0.7, "max_det": 300,
    }  # fmt: skip
    engine = Engine(EXPORT_ENGINE, payload, folder / "job", folder / "log.txt")
    return finished_of(engine, report, "export", span=(0, 0.75))


def _prove(folder, reference, report):
    """The proof of the arithmetic that will serve; raises WorkFailed where the export answers differently.

    Exact arithmetic (f32) must agree with the weights. The CPU's short one (bf16) serves instead where it is allowed
    and there, is quicker, and finds as good as all the same boxes.
    """
    exact = _measure(folder, "f32", reference, report)
    if exact["agreement"] < LEAST_AGREEMENT:
        raise WorkFailed(
            f"The export answers differently: it finds {exact['boxes_found']} of the {exact['boxes_expected']} boxes "
            f"that the weights find on {exact['checked_images']} validation images. It is not deployed."
        )
    if settings.SERVING_PRECISION == "f32" or not exact["boxes_expected"]:
        return exact
    short = _measure(folder, "bf16", reference, report)
    good = short["precision"] == "bf16" and short["agreement"] >= SHORT_AGREEMENT
    return short if good and short["milliseconds"] < exact["milliseconds"] else exact


def _measure(folder, precision, reference, report):
    """Run the export on the check images in one arithmetic, and hold its answers against the weights' own."""
    runtime = load(
        folder, precision=precision, threads=settings.INFERENCE_THREADS, max_pixels=settings.MAX_IMAGE_PIXELS
    )
    pairs, seconds = [], []
    for image in reference["images"]:
        report.check()
        options = {"conf": LOWEST_CONF, "iou": reference["iou"], "max_det": reference["max_det"]}
        started = time.perf_counter()
        prediction = runtime.predict(image["path"], **options)
        seconds.append(time.perf_counter() - started)
        pairs.append((image["boxes"], prediction.boxes))
    conf, parity = _compare(pairs)
    return {
        "precision": runtime.precision,
        "checked_images": len(pairs),
        "checked_confidence": conf,
        "boxes_expected": parity.expected,
        "boxes_found": parity.found,
        "boxes_extra": parity.extra,
        "agreement": round(parity.share, 4),
        "confidence_difference": round(parity.max_confidence_difference, 4),
        "milliseconds": round(statistics.median(seconds) * 1000, 2),
        "weights_milliseconds": round(reference["seconds_per_image"] * 1000, 2),
    }


def _compare(pairs):
    """(confidence, parity) at the highest confidence of CHECK_CONFS at which the weights find anything."""
    for conf in CHECK_CONFS:
        parity = compare_many(pairs, conf=conf)
        if parity.expected:
            break
    return conf, parity


def _store(model, folder):
    name = f"models/{model.sha256[:2]}/{model.sha256}/openvino-{model.img_size}.tar"
    with tempfile.TemporaryFile(dir=settings.WORK_DIR) as draft:
        with tarfile.open(fileobj=draft, mode="w") as archive:
            for path in sorted(folder.iterdir()):
                archive.add(path, path.name, recursive=False)
        draft.seek(0)
        default_storage.save(name, File(draft))
    return name
