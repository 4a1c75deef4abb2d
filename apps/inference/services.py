"""Deploying models, and answering with deployed ones."""

import shutil
import statistics
import tarfile
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from apps.annotations.services.yolo_folders import validation_images
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.processes import Engine, finished_of
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference.runtime import Gate, ModelError, RuntimeCache, compare_many, load
from apps.models import services as models
from apps.models.models import TrainedModel

EXPORT_ENGINE = "apps.models.engine.export"
TASK = "apps.inference.tasks.deploy"
CHECK_IMAGES = 20
CHECK_CONFS = (0.25, 0.1, 0.05, 0.01)  # a weak model is compared where it finds anything at all
LOWEST_CONF = 0.005
DEFAULT_CONF = 0.25  # where neither the call nor the model says one
LEAST_CONF = 0.001
NOT_SERVED = "This model is not deployed. Deploy it first: that builds what answers quickly."
LEAST_AGREEMENT = 0.95  # of the weights' own boxes that the export must find at IoU 0.9
SHORT_AGREEMENT = 0.99  # the same, of the CPU's short arithmetic

runtimes = RuntimeCache(max_models=settings.INFERENCE_MODELS)
gate = Gate(settings.INFERENCE_THREADS, settings.INFERENCE_WAITING)


class NotServed(Exception):
    """The model has no serving export; the message says what to do."""


def deploy_model(model, user):
    """Start serving `model`: at once where its export is proven already (returns None), else through a job.

    Raises NotDeployable.
    """
    models.check_deployable(model)
    if model.serving_file and default_storage.exists(model.serving_file.name):
        models.mark_deployed(model, model.serving_file.name, model.serving, timezone.now())
        return None
    return active_deployment(model) or create_job(
        user, "deploy", TASK, subject=f"model:{model.pk}", params={"model_id": model.pk}
    )


def undeploy_model(model):
    """Stop serving `model`."""
    models.mark_undeployed(model)
    runtimes.drop(model.pk)


def active_deployment(model):
    """The job that deploys `model` now, or None."""
    return Job.objects.filter(subject=f"model:{model.pk}", kind="deploy", status__in=Job.ACTIVE).first()


def last_deployment(model):
    """The newest job that deployed `model`, or None."""
    return Job.objects.filter(subject=f"model:{model.pk}", kind="deploy").first()


def run_deployment(job, report):
    """The work of a deploy job: export, prove, store, and only then say that it serves."""
    model = TrainedModel.objects.filter(pk=job.params["model_id"]).first()
    if model is None:
        raise WorkFailed("The model is gone.")
    with scratch_folder() as folder:
        exported = _export(model, folder, report)
        report(0.8, "Comparing its answers with the weights' own")
        proof = _prove(folder / "serving", exported["reference"], report)
        report(0.95, "Storing")
        name = _store(model, folder / "serving")
    serving = {"format": exported["format"], **proof}
    try:
        models.mark_deployed(model, name, serving, timezone.now())
    except models.NotDeployable as reason:
        raise WorkFailed(str(reason)) from None
    return {"is_deployed": True, "model_id": model.pk, **serving}


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


def predict(model, data, conf=None, per_class=None, **options):
    """The runtime's answer on image bytes; raises NotServed, BadImage, or Overloaded from the gate.

    Without `conf` and `per_class` ({class id as text: least confidence}) the model's operating point decides.
    `options`: iou, max_det, classes.
    """
    general, by_class = _thresholds(model, conf, per_class)
    least = max(min([general, *by_class.values()]), LEAST_CONF)
    with gate:
        prediction = runtime_of(model).predict(data, conf=least, **options)
    return at_thresholds(prediction, general, by_class)


def at_thresholds(prediction, general, by_class):
    """Only the boxes that are as sure as their class must be."""
    if not by_class:
        return prediction
    kept = [box for box in prediction.boxes if box.confidence >= by_class.get(str(box.class_id), general)]
    return replace(prediction, boxes=kept)


def runtime_of(model):
    """The loaded runtime of a model; raises NotServed."""
    if not model.serving_file:
        raise NotServed(NOT_SERVED)
    return runtimes.get((model.pk, model.serving_file.name), lambda: _load(model))


def _thresholds(model, conf, per_class):
    """(least confidence, {class id: its own}): as asked, else as the model's operating point has them."""
    point = model.operating_point or {}
    general = point.get("confidence", DEFAULT_CONF) if conf is None else conf
    if per_class is not None or conf is not None:
        return general, per_class or {}
    return general, point.get("per_class") or {}


def _load(model):
    """The runtime of a model, its files unpacked once on this machine; raises NotServed."""
    folder = settings.WORK_DIR / "serving" / f"{model.sha256[:16]}-{model.img_size}"
    try:
        if not folder.exists():
            _unpack(model, folder)
        # One stream: a single image has all cores, which answers soonest. More streams carry a little more under load.
        return load(
            folder, precision=model.serving.get("precision"), streams=1, max_pixels=settings.MAX_IMAGE_PIXELS
        )  # fmt: skip
    except (OSError, tarfile.TarError, ModelError) as error:
        raise NotServed(f"This model's serving files cannot be read ({error}). Deploy it again.") from error


def _unpack(model, folder):
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(dir=folder.parent, prefix=".draft-"))
    try:
        with model.serving_file.open("rb") as file, tarfile.open(fileobj=file) as archive:
            archive.extractall(draft, filter="data")
        draft.rename(folder)
    except OSError:
        if not folder.exists():  # else another process was first
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def unreadable_models():
    """What is wrong with the files of deployed models, or None: part of the platform's health."""
    deployed = TrainedModel.objects.filter(is_deployed=True).values_list("line__name", "serving_file")[:100]
    missing = [name for name, file in deployed if not default_storage.exists(file)]
    return f"serving files are missing of: {', '.join(missing)}" if missing else None
