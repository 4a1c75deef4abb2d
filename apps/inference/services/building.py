"""Building what serves: an export of the weights, or an ONNX file as it came, proven and timed before it is kept."""

import hashlib
import itertools
import tarfile
import tempfile

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage

from apps.annotations.seen import MEASURED
from apps.annotations.services.yolo_folders import yolo_folder
from apps.core.scratch import scratch_folder
from apps.core.work import WorkFailed
from apps.inference.services import onnx_files
from apps.inference.services.choices import Choice
from apps.inference.services.exporting import CHECK_IMAGES, INT8, export_to_serve, weights_answers, weights_milliseconds
from apps.inference.services.judging import measure_on
from apps.inference.services.proving import LOWEST_CONF, Way, choose, open_way, told, try_all
from apps.inference.services.quantizing import Unasked, Untried
from apps.models import services as models
from apps.models.models import TrainedModel


def is_built(model):
    """Whether what serves this model is there, proven."""
    return bool(model.serving_file) and default_storage.exists(model.serving_file.name)


def build(model, report, ground=None):
    """Make, prove and keep what serves `model`; returns what is known of it. Raises WorkFailed.

    `ground` is a (dataset version, split) to look at where the model knows of none. `report` is called with 0 to 1;
    made again, it replaces what is there.
    """
    with scratch_folder() as folder:
        best, serving = make(model, folder, report, ground, Choice())
        report(0.95, "Storing")
        name, stored = store(model, best)
        serving |= stored
    try:
        models.keep_serving(model, name, serving)
    except models.NotDeployable as reason:
        raise WorkFailed(str(reason)) from None
    return serving


def told_of(serving):
    """What a job tells of a build to whoever may see the job: not on which dataset it was measured."""
    return {name: value for name, value in serving.items() if name not in MEASURED}


def make(model, folder, report, ground, choice):
    """(the way that serves, what is known of it), built into `folder` as `choice` has it. Raises WorkFailed."""
    made = _from_onnx if model.format == TrainedModel.Format.ONNX else _from_weights
    return made(model, folder, report, ground, choice)


def _from_weights(model, folder, report, ground, choice):
    """(the way that serves, what is known of it) of a `.pt`: exported, and held against the weights' own answers."""
    version = models.version_to_prove_on(model) or (ground and ground[0])
    images = check_images(version)
    if not images:
        raise WorkFailed(
            "There is no image to prove the export on. Choose a dataset version to look at when you deploy it or "
            "switch to it, or evaluate the model on one first: its images serve for that."
        )
    unasked = Unasked(model, ground, folder / INT8) if choice.tries_int8 else Untried()
    exported, images, conf = export_to_serve(model, folder, images, report, choice, unasked)
    report(0.8, "Comparing its answers with the weights’ own, and timing the ways to serve it")
    why = exported["also"].get("onnx", {}).get("error", "")
    ways = choice.ways(folder / "openvino", None if why else folder / "onnx")
    if not ways:
        raise WorkFailed(f"These weights cannot be exported to ONNX, which ONNX Runtime needs: {why}")
    try_all(ways + unasked.to_try(), images, report, conf)
    expected = _sure(itertools.islice(weights_answers(exported, folder), len(images)))
    best = choose(ways, expected, "The export answers differently")
    more = {"compared": "weights", "weights_milliseconds": weights_milliseconds(exported)}
    if unasked.is_better_than(best, expected, weights_answers(exported, folder), report):
        best = unasked.way
        more["compared"] = "labels"
    more |= unasked.told()
    if model.origin == TrainedModel.Origin.UPLOADED:
        more |= _measured(best, model, ground, report)
    return best, known(best, ways + unasked.tried, True) | more


def _sure(answers):
    """Of each answer the boxes that the ways to serve are asked for, too."""
    return [[box for box in answer.boxes if box.confidence >= LOWEST_CONF] for answer in answers]


def _measured(way, model, ground, report):
    """{"measured": its mAP on the labels of `ground`, None where there are none}; nothing without a ground."""
    if not ground:
        return {}
    figures = measure_on(
        open_way(way), model, *ground, lambda share, words="": report(0.85 + 0.1 * share, words or "Measuring it")
    )
    return {"measured": figures}


def _from_onnx(model, folder, report, ground, choice):
    """The same of a model that came as ONNX. It has no weights to compare with: two programs that read it answer."""
    size = choice.size_of(model)
    made = onnx_files.prepare(model, folder, report, size)
    report(0.4, "Timing the ways to serve it")
    images = check_images(ground and ground[0])
    reference = Way("onnxruntime", made)
    allowed = choice.ways(made, made)
    ways = [reference, *(way for way in allowed if way.program != "onnxruntime")]
    if any(way.program == "onnxruntime" for way in allowed):
        allowed = ways
    try_all(ways, images or onnx_files.drawn_images(size), report)
    by_itself = reference.answers if images else None
    expected = by_itself and [answer.boxes for answer in by_itself]
    best = choose(allowed, expected, "OpenVINO and ONNX Runtime answer differently")
    more = {"compared": "onnxruntime" if expected else "nothing"}
    more |= _measured(best, model, ground, report)
    return best, known(best, ways, expected is not None, allowed) | more


def known(best, ways, is_compared, allowed=None):
    """What is kept of what serves."""
    format = "onnx" if (best.folder / "model.onnx").exists() else "openvino"
    own = {"format": format, "runtime": best.program, "precision": best.precision, "milliseconds": best.milliseconds}
    return own | best.figures | told(ways, best, is_compared, allowed)


def check_images(version):
    """Paths of up to CHECK_IMAGES images of a version: validation images, where it has none others; [] of no version.

    What is compared on them is not how good the answers are, so that it may have learned from them. Where int8 is
    tried its labelled images take their place.
    """
    if version is None:
        return []
    folder = yolo_folder(version).parent / "images"
    for split in ("val", "test", "train"):
        if (folder / split).exists() and (found := sorted((folder / split).iterdir())[:CHECK_IMAGES]):
            return [str(path) for path in found]
    return []


def store(model, way, size=None):
    """Keep the files of a way in one archive; returns (its name, {num_bytes, sha256})."""
    kind = "-int8" if way.precision == "int8" else ""
    name = f"models/{model.sha256[:2]}/{model.sha256}/{way.program}{kind}-{size or model.img_size}.tar"
    with tempfile.TemporaryFile(dir=settings.WORK_DIR) as draft:
        with tarfile.open(fileobj=draft, mode="w") as archive:
            for path in sorted(way.folder.iterdir()):
                archive.add(path, path.name, recursive=False)
        stored = {"num_bytes": draft.tell()}
        draft.seek(0)
        stored["sha256"] = hashlib.file_digest(draft, "sha256").hexdigest()
        draft.seek(0)
        return default_storage.save(name, File(draft)), stored
