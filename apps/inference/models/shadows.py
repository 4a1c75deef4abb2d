"""What a shadow answered beside the live model, counted, and the answers that differed most."""

from django.db import models

from apps.inference.models.deployments import Deployment
from apps.models.models import TrainedModel


class ShadowTraffic(models.Model):
    """Five minutes of a shadow beside a live model. What `counts` holds says `shadow/compare.py`."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="shadow_traffic")
    live = models.ForeignKey(TrainedModel, models.CASCADE, related_name="+")
    shadow = models.ForeignKey(TrainedModel, models.CASCADE, related_name="+")
    start = models.DateTimeField()
    answered = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0, help_text="Chosen, and not asked: the machine was busy.")
    failed = models.PositiveIntegerField(default=0, help_text="Asked, and the shadow could not answer.")
    counts = models.JSONField(default=dict)

    class Meta:
        ordering = ["start"]
        verbose_name_plural = "shadow traffic"
        indexes = [models.Index(fields=["start"])]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "live", "shadow", "start"], name="one_row_of_five_minutes")
        ]

    def __str__(self):
        return f"shadow {self.shadow_id} of {self.deployment_id} from {self.start:%Y-%m-%d %H:%M}"


class ShadowSample(models.Model):
    """Two answers on one picture that differ, where a capture keeps the picture; found again by its bytes."""

    deployment = models.ForeignKey(Deployment, models.CASCADE, related_name="shadow_samples")
    live = models.ForeignKey(TrainedModel, models.CASCADE, related_name="+")
    shadow = models.ForeignKey(TrainedModel, models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    live_boxes = models.JSONField(default=list, help_text="[class name, confidence, x1, y1, x2, y2, matched] …")
    shadow_boxes = models.JSONField(default=list)
    weight = models.FloatField(help_text="Sum of the confidences of the boxes that only one of them found.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-weight", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["deployment", "live", "shadow", "sha256"], name="a_picture_is_one_sample")
        ]

    def __str__(self):
        return f"sample {self.pk} of {self.deployment_id}"
