"""Trained models."""

from django.conf import settings
from django.db import models

from apps.annotations.models import DatasetVersion


class TrainedModel(models.Model):
    """Weights with what is known of them. Who trained it is a note (`training_id`): a model knows nothing of jobs."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="models")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=5000)
    task = models.CharField(max_length=10, default="detect")
    model_type = models.CharField(max_length=40, help_text="The architecture, as yolov8n.")
    file = models.FileField(max_length=200, help_text="The weights, best.pt.")
    sha256 = models.CharField(max_length=64)
    num_bytes = models.PositiveBigIntegerField(default=0)
    img_size = models.PositiveIntegerField(default=640)
    num_classes = models.PositiveIntegerField(default=0)
    class_names = models.JSONField(default=list)
    metrics = models.JSONField(default=dict, blank=True)
    dataset_version = models.ForeignKey(DatasetVersion, models.SET_NULL, null=True, blank=True, related_name="models")
    training_id = models.PositiveBigIntegerField(null=True, blank=True, db_index=True)
    is_public = models.BooleanField(default=False)
    is_deployed = models.BooleanField(default=False)
    serving_file = models.FileField(max_length=200, blank=True, help_text="The archive of the serving format.")
    serving = models.JSONField(default=dict, blank=True, help_text="Format, precision, and how it was proven.")
    deployed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["owner", "-id"]), models.Index(fields=["is_public", "-id"])]
        constraints = [
            models.UniqueConstraint(
                fields=["training_id"], condition=models.Q(training_id__isnull=False), name="a_training_makes_one_model"
            )
        ]

    def __str__(self):
        return self.name
