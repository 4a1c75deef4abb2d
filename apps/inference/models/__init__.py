"""What predictions keep: deployments, their switches, traffic and captures, answers of batches and of shadows."""

from apps.inference.models.batches import BatchAnswer, BatchVideo, Track
from apps.inference.models.captures import Capture, Captured, CaptureWaiting
from apps.inference.models.deployments import Deployment, Switch, as_built
from apps.inference.models.shadows import ShadowSample, ShadowTraffic
from apps.inference.models.traffic import TokenUsage, Traffic

__all__ = [
    "BatchAnswer",
    "BatchVideo",
    "Capture",
    "CaptureWaiting",
    "Captured",
    "Deployment",
    "ShadowSample",
    "ShadowTraffic",
    "Switch",
    "TokenUsage",
    "Track",
    "Traffic",
    "as_built",
]
