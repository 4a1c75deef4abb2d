"""What a batch of predictions keeps: an answer for each image."""

from django.db import models

from apps.core.models import Job


class BatchAnswer(models.Model):
    """The answer on one image of a batch; `number` counts from 1 in the batch's order."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="answers")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=1000)
    image_id = models.PositiveBigIntegerField(null=True, help_text="Of a dataset's image.")
    objects_found = models.PositiveIntegerField(default=0)
    answer = models.JSONField(default=dict, help_text="As predictions/infer gives it; empty where there is an error.")
    error = models.TextField(blank=True, help_text="Why there is no answer.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_answer_an_image")]

    def __str__(self):
        return f"{self.name} of batch {self.job_id}"
