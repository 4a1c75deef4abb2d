"""Inference for Prometheus: seconds by deployment, and the memory of loaded models. Told after the answers."""

from prometheus_client import Gauge, Histogram

from apps.core.metrics.meters import REGISTRY, SECONDS
from apps.inference.services.answering import gate, runtimes

MOST_DEPLOYMENTS = 200  # that one process tells apart
OTHERS, NONE = "others", "none"  # further ones; models asked by their own id
INFERENCE_SECONDS = Histogram(
    "yolo_inference_seconds", "Decoding, waiting and answering, without HTTP.", ["deployment"],
    buckets=SECONDS, registry=REGISTRY,
)  # fmt: skip
CACHE_BYTES = Gauge(
    "yolo_model_cache_bytes", "Estimated memory of loaded models.", multiprocess_mode="livesum", registry=REGISTRY
)
CACHE_MODELS = Gauge("yolo_models_loaded", "Models that are loaded.", multiprocess_mode="livesum", registry=REGISTRY)
WAITING = Gauge(
    "yolo_inference_waiting", "Questions that wait for a thread, as last seen.", multiprocess_mode="livesum",
    registry=REGISTRY,
)  # fmt: skip
_seen = set()


def observe(some):
    """A listener of `after`: a list of what was asked."""
    for asked in some:
        if asked.prediction is not None:
            INFERENCE_SECONDS.labels(_label(asked.deployment_id)).observe(asked.seconds)
    CACHE_BYTES.set(runtimes.memory())
    CACHE_MODELS.set(len(runtimes.keys()))
    WAITING.set(gate.waiting)


def _label(deployment_id):
    if deployment_id is None:
        return NONE
    if deployment_id not in _seen and len(_seen) >= MOST_DEPLOYMENTS:
        return OTHERS
    _seen.add(deployment_id)
    return str(deployment_id)
