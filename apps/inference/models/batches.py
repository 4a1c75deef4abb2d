"""What a batch of predictions keeps: an answer for each image, or for each frame of a video with its tracks."""

from django.db import models

from apps.core.models import Job


class BatchAnswer(models.Model):
    """The answer on one image of a batch, or one frame; `number` counts from 1 in the batch's order."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="answers")
    number = models.PositiveIntegerField()
    name = models.CharField(max_length=1000)
    image_id = models.PositiveBigIntegerField(null=True, help_text="Of a dataset's image.")
    frame = models.PositiveBigIntegerField(null=True, help_text="Of a video: which of all its frames, from 0.")
    seconds = models.FloatField(null=True, help_text="Of a video: when, from its first frame.")
    objects_found = models.PositiveIntegerField(default=0)
    answer = models.JSONField(default=dict, help_text="As predictions/infer gives it; empty where there is an error.")
    error = models.TextField(blank=True, help_text="Why there is no answer.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_answer_an_image")]

    def __str__(self):
        return f"{self.name} of batch {self.job_id}"


class BatchVideo(models.Model):
    """The video of a batch, and what was found in all of it."""

    job = models.OneToOneField(Job, models.CASCADE, related_name="video")
    codec = models.CharField(max_length=20)
    width = models.PositiveIntegerField(default=0, help_text="Pixels, upright.")
    height = models.PositiveIntegerField(default=0)
    frame_rate = models.FloatField(help_text="Frames a second, as its header says.")
    seconds = models.FloatField(help_text="How long it is, as its header says; 0 where it does not.")
    num_frames = models.PositiveBigIntegerField(default=0, help_text="That were decoded.")
    timeline = models.JSONField(default=dict, help_text="Objects of each class over time: {seconds, classes}.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"video of batch {self.job_id}"


class Track(models.Model):
    """One object that was followed through a video."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="tracks")
    number = models.PositiveIntegerField(help_text="The `track_id` in the answers.")
    class_id = models.PositiveIntegerField(help_text="What most of its boxes are.")
    class_name = models.CharField(max_length=200)
    first_frame = models.PositiveBigIntegerField()
    last_frame = models.PositiveBigIntegerField()
    first_seconds = models.FloatField()
    last_seconds = models.FloatField()
    frames = models.PositiveIntegerField(help_text="Answered frames in which it was found.")
    confidence = models.FloatField(help_text="Of its boxes, on average.")

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="one_row_a_track")]

    def __str__(self):
        return f"track {self.number} of batch {self.job_id}"
