"""What predictions keep: deployments and their switches, and the answers of batches."""

from apps.inference.models.batches import BatchAnswer
from apps.inference.models.deployments import Deployment, Switch

__all__ = ["BatchAnswer", "Deployment", "Switch"]
