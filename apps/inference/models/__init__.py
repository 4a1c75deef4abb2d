"""What predictions keep: deployments and their switches, their traffic, and the answers of batches."""

from apps.inference.models.batches import BatchAnswer
from apps.inference.models.deployments import Deployment, Switch
from apps.inference.models.traffic import TokenUsage, Traffic

__all__ = ["BatchAnswer", "Deployment", "Switch", "TokenUsage", "Traffic"]
