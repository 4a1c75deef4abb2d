"""Training jobs, their epochs, their logs, and what they used."""

from statistics import median

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.annotations.models import DatasetVersion
from apps.core.models import OfTeam, Work, of_person_or_team
from apps.datasets.models import Dataset
from apps.models.models import TrainedModel
from apps.training.endings import stop_in_words

FINAL = "Final validation"  # the phase after the last epoch


class TrainingJob(Work, OfTeam):
    """One training: its settings, how far it is, and what came out. Only `services` moves its status."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, of_person_or_team, related_name="training_jobs")
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="training_jobs")
    dataset_version = models.ForeignKey(
        DatasetVersion, models.RESTRICT, null=True, related_name="training_jobs",
        help_text="None: a large dataset, of which the trainer makes a version first.",
    )  # fmt: skip
    model = models.OneToOneField(TrainedModel, models.SET_NULL, null=True, blank=True, related_name="training_job")
    name = models.CharField(max_length=120)
    model_type = models.CharField(max_length=40)
    weights = models.CharField(max_length=40, default="auto", help_text="auto, pretrained, scratch, or a model's id")
    started_from = models.CharField(max_length=60, blank=True, help_text="What the weights came to be.")
    epochs = models.PositiveIntegerField()
    batch_size = models.IntegerField(help_text="Images a step; -1 is as many as fit.")
    img_size = models.PositiveIntegerField()
    device = models.CharField(max_length=40, default="auto", help_text="auto, cpu, a GPU as 0, or several as 0,1")
    learning_rate = models.FloatField(null=True, blank=True)
    patience = models.PositiveIntegerField()
    time_limit = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds of training, over all starts; then the best so far is the model."
    )
    seed = models.PositiveIntegerField(default=0)
    arguments = models.JSONField(
        default=dict, blank=True, help_text="Further training arguments: augmentation, optimizer."
    )
    kind_name = "training"
    current_epoch = models.PositiveIntegerField(default=0)
    epoch_progress = models.FloatField(default=0, help_text="0 to 1 within the epoch under way")
    phase = models.CharField(max_length=60, blank=True)
    best_map = models.FloatField(null=True, blank=True, help_text="The best mAP50-95 so far.")
    best_epoch = models.PositiveIntegerField(null=True, blank=True, help_text="Whose weights are the best so far.")
    training_time = models.FloatField(default=0, help_text="Seconds in training processes.")
    ended_by = models.CharField(
        max_length=20, blank=True,
        help_text="epochs, patience, time_limit or cancelled; of a failed job the code of its reason.",
    )  # fmt: skip
    fruitless_starts = models.PositiveIntegerField(default=0, help_text="Starts since an epoch was last done.")
    paused_at = models.DateTimeField(null=True, blank=True)
    weights_due = models.BooleanField(
        default=False, help_text="Cancelled, and its best weights are still to become a model."
    )
    checkpoint_epoch = models.PositiveIntegerField(
        null=True, blank=True, editable=False, help_text="Of which epoch the checkpoint in the store is."
    )
    cleaned_at = models.DateTimeField(null=True, blank=True, help_text="When its checkpoint was deleted.")
    environment = models.JSONField(default=dict, blank=True, help_text="Device, versions, parameters.")
    queued_at = models.DateTimeField(default=timezone.now, help_text="When a person last put it into the queue.")
    served_at = models.DateTimeField(null=True, blank=True, help_text="When a trainer last took it.")
    usual_epoch_seconds = models.FloatField(
        null=True, blank=True, help_text="Seconds of an epoch by the usual figures, before what was learned here."
    )

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=[name, "-id"]) for name in ("user", "team", "dataset")]

    def __str__(self):
        return self.name

    @property
    def logs(self):
        """The whole log; a page reads pieces of it, see `services.log`."""
        return "".join(self.log_pieces.values_list("text", flat=True))

    @property
    def stop_in_words(self):
        """Why it stopped where it did; empty where that needs no words."""
        return stop_in_words(self)

    @property
    def warnings(self):
        """What its figures should be read with: leaks of the splits, images that were left out, a smaller batch."""
        return [*self.environment.get("warnings", []), *self.environment.get("notices", [])]

    @property
    def can_be_paused(self):
        return self.is_active

    @property
    def can_be_resumed(self):
        return self.status in (self.Status.PAUSED, self.Status.FAILED, self.Status.CANCELLED) and not self.cleaned_at

    @property
    def batch_in_words(self):
        """The images a step; where as many as fit were wanted, how many that came to be."""
        if self.batch_size > 0:
            return str(self.batch_size)
        found = self.environment.get("batch")
        return f"as large as fits: {found}" if found and found > 0 else "as large as fits"

    @property
    def seconds_left(self):
        """Seconds until all is validated, judged by the newest epochs; None before the first one is done."""
        if self.status != self.Status.RUNNING:
            return None
        newest = self.newest_epochs if hasattr(self, "newest_epochs") else self.epoch_rows.order_by("-epoch")[:5]
        recent = [(row.seconds, row.metrics.get("val_seconds") or 0) for row in newest]
        if not recent:
            return None
        an_epoch, a_validation = map(median, zip(*recent, strict=True))
        if self.phase.startswith(FINAL):
            return (1 - self.epoch_progress) * a_validation
        return max(self.epochs - self.current_epoch - self.epoch_progress, 0) * an_epoch + a_validation

    @property
    def progress(self):
        """0 to 1 of all epochs."""
        under_way = 0 if self.phase.startswith(FINAL) else self.epoch_progress
        return min((self.current_epoch + under_way) / self.epochs, 1)


class TrainingEpoch(models.Model):
    """What one finished epoch measured."""

    job = models.ForeignKey(TrainingJob, models.CASCADE, related_name="epoch_rows")
    epoch = models.PositiveIntegerField(help_text="Counting from 1.")
    metrics = models.JSONField(default=dict)
    seconds = models.FloatField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["epoch"]
        constraints = [models.UniqueConstraint(fields=["job", "epoch"], name="an_epoch_once")]

    def __str__(self):
        return f"epoch {self.epoch} of job {self.job_id}"


class TrainingLogPiece(models.Model):
    """A piece of a job's log: the characters from `number * PIECE` on. Written and read by `services.log`."""

    job = models.ForeignKey(TrainingJob, models.CASCADE, related_name="log_pieces")
    number = models.PositiveIntegerField(help_text="Counting from 0.")
    text = models.TextField()

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["job", "number"], name="a_log_piece_once")]

    def __str__(self):
        return f"piece {self.number} of the log of job {self.job_id}"


class TrainingUsage(models.Model):
    """What a training used of its machine during some seconds. Written by `services.usage`, which keeps them few."""

    job = models.ForeignKey(TrainingJob, models.CASCADE, related_name="usage_rows")
    at = models.DateTimeField(help_text="When it began.")
    seconds = models.FloatField(help_text="How long it was measured.")
    values = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        verbose_name_plural = "training usage"

    def __str__(self):
        return f"usage of job {self.job_id} at {self.at}"


class Trainer(models.Model):
    """A process that trains: it says every few seconds that it is there, and takes its row away as it ends."""

    name = models.CharField(max_length=200, help_text="Of the Celery worker.")
    slots = models.PositiveIntegerField(help_text="Jobs at a time.")
    heartbeat_at = models.DateTimeField(db_index=True)
    started_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self):
        return self.name


class TrainingWatch(models.Model):
    """The few validation images that one watches a job by: chosen once, with their labels of its dataset version."""

    job = models.OneToOneField(TrainingJob, models.CASCADE, related_name="watch")
    classes = models.JSONField(help_text="[{name, color}], by class id.")
    images = models.JSONField(
        help_text="[{sha256, filename, width, height, labels: [[class id, x, y, width, height]]}]"
    )

    class Meta:
        verbose_name_plural = "training watches"

    def __str__(self):
        return f"watch of job {self.job_id}"


class TrainingLook(models.Model):
    """What was found in the images of a job's watch after an epoch. `services.pictures` keeps them few."""

    job = models.ForeignKey(TrainingJob, models.CASCADE, related_name="looks")
    epoch = models.PositiveIntegerField(help_text="Counting from 1.")
    found = models.JSONField(help_text="For each image [[class id, confidence, x, y, width, height]], or null.")

    class Meta:
        ordering = ["epoch"]
        constraints = [models.UniqueConstraint(fields=["job", "epoch"], name="a_look_once")]

    def __str__(self):
        return f"look at epoch {self.epoch} of job {self.job_id}"


class TrainingPicture(models.Model):
    """A batch as the network saw it."""

    class Kind(models.TextChoices):
        BATCH = "batch", "One of the first batches"
        CLOSED = "closed", "The first batch without mosaic"

    job = models.ForeignKey(TrainingJob, models.CASCADE, related_name="pictures")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    number = models.PositiveIntegerField(help_text="Counting from 1.")
    epoch = models.PositiveIntegerField()
    images = models.PositiveIntegerField(help_text="Of the batch.")
    tiles = models.PositiveIntegerField(help_text="Those of them that are drawn.")
    file = models.FileField(max_length=200)

    class Meta:
        ordering = ["kind", "number"]
        constraints = [models.UniqueConstraint(fields=["job", "kind", "number"], name="a_training_picture_once")]

    def __str__(self):
        return f"{self.kind} {self.number} of job {self.job_id}"
