"""Answering with the runtimes of deployed models."""

import logging
import shutil
import tarfile
import tempfile
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage

from apps.inference.runtime import BadImage, Gate, ModelError, Overloaded, RuntimeCache, load
from apps.models.models import TrainedModel

log = logging.getLogger(__name__)
WARM_UP = 4  # answers, after which a picture's shape has a graph of its own
DEFAULT_CONF = 0.25  # where neither the call nor the model says one
LEAST_CONF = 0.001
NOT_SERVED = "This model is not deployed. Deploy it first: that builds what answers quickly."

runtimes = RuntimeCache(settings.INFERENCE_MEMORY_BYTES)
_answered_last = {}  # deployment id → the model that answered for it last in this process
_loading, _loading_lock = set(), threading.Lock()
gate = Gate(settings.INFERENCE_THREADS, settings.INFERENCE_WAITING)


class NotServed(Exception):
    """The model has no serving export; the message says what to do."""


def predict(model, data, conf=None, per_class=None, **options):
    """The runtime's answer on image bytes; raises NotServed, BadImage, or Overloaded from the gate.

    Without `conf` and `per_class` ({class id as text: least confidence}) the model's operating point decides.
    `options`: iou, max_det, classes.
    """
    with gate:
        return _predict(model, data, conf, per_class, options)


def predict_if_idle(model, data, conf=None, per_class=None, **options):
    """As `predict`, for what must not stand in anybody's way: raises Overloaded where a question is being answered.

    It takes no place in the gate, so no question waits for it or is refused because of it. One that comes while it
    runs shares the processor with it.
    """
    if not gate.is_idle():
        raise Overloaded(gate.retry_after())
    return _predict(model, data, conf, per_class, options)


def _predict(model, data, conf, per_class, options):
    general, by_class = _thresholds(model, conf, per_class)
    least = max(min([general, *by_class.values()]), LEAST_CONF)
    prediction = runtime_of(model).predict(data, conf=least, **options)
    return at_thresholds(prediction, general, by_class)


def refuse_flood():
    """Raise Overloaded where so many come that even refusing each of them properly would slow the pages."""
    gate.refuse_flood()


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
    return runtimes.get(_key(model), lambda: _load(model))


def model_answering(deployment, data):
    """The model that answers the picture `data` for a deployment, in this process and now.

    It is the live one. Only after a switch, until this process has the new one loaded and warm, the one that it
    answered with before goes on: nobody waits for a switch, and no question fails by one.
    """
    live, last = deployment.served, _answered_last.get(deployment.pk)
    if last and _key(last) != _key(live) and not runtimes.is_ready(_key(live)) and runtimes.is_ready(_key(last)):
        _load_beside(live, data)
        return last
    _answered_last[deployment.pk] = live
    return live


def _load_beside(model, data):
    """Load a model in a thread of its own, unless one does; with a picture that it will get many like, it is warm."""
    key = _key(model)
    with _loading_lock:
        if key in _loading:
            return
        _loading.add(key)

    def work():
        try:
            runtimes.get(key, lambda: _warmed(_load(model), data))
        except NotServed:
            log.exception("model %s cannot be loaded; the one before it goes on answering", model.pk)
        finally:
            with _loading_lock:
                _loading.discard(key)

    threading.Thread(target=work, name=f"load-{model.pk}", daemon=True).start()


def _warmed(runtime, data):
    """A runtime that has answered the picture; one that cannot be read says nothing about the runtime."""
    with suppress(BadImage):
        for _ in range(WARM_UP):
            runtime.predict(data)
    return runtime


def _key(model):
    return model.pk, model.serving_file.name, model.serving.get("precision")  # one file serves as f32 and as bf16


def _thresholds(model, conf, per_class):
    """(least confidence, {class id: its own}): as asked, else as the model's operating point has them."""
    point = model.operating_point or {}
    general = point.get("confidence", DEFAULT_CONF) if conf is None else conf
    if per_class is not None or conf is not None:
        return general, per_class or {}
    return general, point.get("per_class") or {}


def _load(model):
    """The runtime of a model, its files unpacked once on this machine; raises NotServed."""
    folder = settings.WORK_DIR / "serving" / f"{model.sha256[:16]}-{Path(model.serving_file.name).stem}"
    try:
        if not folder.exists():
            _unpack(model, folder)
        return load(
            folder,
            program=model.serving.get("runtime", "openvino"),
            precision=model.serving.get("precision"),
            max_pixels=settings.MAX_IMAGE_PIXELS,
        )
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
