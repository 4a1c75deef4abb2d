"""What a deployment keeps of what it was asked, on its way into a dataset."""

from django.conf import settings
from django.db import models

from apps.datasets.models import Dataset, DatasetImage
from apps.inference.models.deployments import Deployment
from apps.models.models import TrainedModel


class Capture(models.Model):
    """How a deployment keeps a sample of its questions in a dataset's inbox: its captured and unlabelled images."""

    class Mode(models.TextChoices):
        ALL = "all", "every picture"
        RATE = "rate", "a share of the pictures"
        BELOW = "below", "pictures with an unsure box"
        DISAGREEMENTS = "disagreements", "pictures that the shadow answers differently"

    deployment = models.OneToOneField(Deployment, models.CASCADE, related_name="capture")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="captures")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", help_text="By whose rights images are added."
    )
    is_on = models.BooleanField(default=True)
    mode = models.CharField(max_length=13, choices=Mode.choices, default=Mode.RATE)
    rate = models.FloatField(default=0.1, help_text="0..1 of the questions, in the mode “rate”.")
    below = models.FloatField(default=0.5, help_text="In the mode “below”: a box is unsure below this confidence.")
    max_images = models.PositiveIntegerField(default=500, help_text="Most images that wait in the inbox.")
    max_bytes = models.PositiveBigIntegerField(default=2**30, help_text="Most bytes of them.")
    keep_days = models.PositiveIntegerField(default=30, help_text="What nobody labelled or tagged by then is deleted.")
    num_known = models.PositiveBigIntegerField(default=0, help_text="Not kept: the dataset had the same bytes.")
    num_over = models.PositiveBigIntegerField(default=0, help_text="Not kept: the inbox was full.")
    stopped = models.CharField(max_length=300, blank=True, help_text="Why the platform turned it off.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"capture of {self.deployment_id}"

    @property
    def source(self):
        """What its images say of where they are from."""
        return f"captured by {self.deployment.name}"[:200]


class CaptureWaiting(models.Model):
    """A picture that was chosen and is stored, and that a worker has yet to bring into the dataset."""

    # Without its capture the row stays: it is what knows of the file, and the sweep deletes both.
    capture = models.ForeignKey(Capture, models.SET_NULL, null=True, related_name="waiting")
    model = models.ForeignKey(TrainedModel, models.SET_NULL, null=True, related_name="+")
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    num_bytes = models.PositiveBigIntegerField()
    reason = models.CharField(max_length=13, choices=Capture.Mode.choices)
    answer = models.JSONField(
        default=list, help_text="[class name, confidence, x_center, y_center, width, height, outline] …"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "waiting capture"
        ordering = ["pk"]
        indexes = [models.Index(fields=["capture", "sha256"])]

    def __str__(self):
        return f"picture {self.pk} waiting for capture {self.capture_id}"


class Captured(models.Model):
    """An image that came into a dataset by a capture, and when it goes again if nobody labels it."""

    capture = models.ForeignKey(Capture, models.SET_NULL, null=True, related_name="captured")
    image = models.OneToOneField(DatasetImage, models.CASCADE, related_name="captured")
    model = models.ForeignKey(TrainedModel, models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=13, choices=Capture.Mode.choices)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "captured images"

    def __str__(self):
        return f"captured image {self.image_id}"
