"""Trained models."""

from django.conf import settings
from django.db import models

from apps.annotations.models import DatasetVersion
from apps.core.models import Job, OfTeam, of_person_or_team
from apps.datasets.models import DatasetImage


class ModelLine(OfTeam):
    """A name under which a person or a team keeps models; each is a version of it, with a number of its own.

    `versions_made` only grows: the number of a version that was deleted is never given again.
    """

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, of_person_or_team, related_name="model_lines")
    name = models.CharField(max_length=120)
    versions_made = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "name"], condition=models.Q(team=None), name="a_person_names_a_line_once"
            ),
            models.UniqueConstraint(fields=["team", "name"], name="a_team_names_a_line_once"),
        ]

    def __str__(self):
        return self.name


class TrainedModel(OfTeam):
    """Weights with what is known of them, one version of a line. Who trained it is a note (`training_id`): a model
    knows nothing of training jobs."""

    class Stage(models.TextChoices):
        CANDIDATE = "candidate"
        LIVE = "live"
        ARCHIVED = "archived"

    class Origin(models.TextChoices):
        TRAINED = "trained", "trained here"
        UPLOADED = "uploaded"

    class Format(models.TextChoices):
        PT = "pt", "PyTorch"
        ONNX = "onnx", "ONNX"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, of_person_or_team, related_name="models")
    line = models.ForeignKey(ModelLine, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(help_text="Of the version within its line, from 1.")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.CANDIDATE)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.TRAINED)
    format = models.CharField(max_length=4, choices=Format.choices, default=Format.PT, help_text="Of its file.")
    licence = models.CharField(max_length=120, blank=True, help_text="Under which the weights may be used.")
    card = models.JSONField(
        default=dict, blank=True,
        help_text="How it was made, as it was noted then: settings, by whom, from what; of an upload what was checked.",
    )  # fmt: skip
    parent = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="children", help_text="Its training began with."
    )
    upload_job = models.OneToOneField(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    description = models.TextField("notes", blank=True, max_length=5000)
    task = models.CharField(max_length=10, default="detect")
    model_type = models.CharField(max_length=40, help_text="The architecture, as yolov8n.")
    file = models.FileField(max_length=200, help_text="The weights.")
    sha256 = models.CharField(max_length=64)
    num_bytes = models.PositiveBigIntegerField(default=0)
    img_size = models.PositiveIntegerField(default=640)
    num_classes = models.PositiveIntegerField(default=0)
    class_names = models.JSONField(default=list)
    metrics = models.JSONField(default=dict, blank=True)
    dataset_version = models.ForeignKey(DatasetVersion, models.SET_NULL, null=True, blank=True, related_name="models")
    training_id = models.PositiveBigIntegerField(null=True, blank=True, db_index=True)
    operating_point = models.JSONField(
        default=dict, blank=True, help_text="The confidence below which predictions do not count, and by class."
    )
    is_public = models.BooleanField(default=False)
    is_deployed = models.BooleanField(default=False)
    serving_file = models.FileField(max_length=200, blank=True, help_text="The archive of the serving format.")
    serving = models.JSONField(default=dict, blank=True, help_text="Format, precision, and how it was proven.")
    deployed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=[name, "-id"]) for name in ("owner", "team", "is_public")]
        constraints = [
            models.UniqueConstraint(fields=["line", "number"], name="a_line_gives_a_number_once"),
            models.UniqueConstraint(
                fields=["training_id"], condition=models.Q(training_id__isnull=False), name="a_training_makes_one_model"
            ),
        ]

    def __str__(self):
        return self.title

    @property
    def name(self) -> str:
        return self.line.name

    @property
    def title(self):
        """What tells it from other versions of its line, in words."""
        return f"{self.line.name} v{self.number}"

    @property
    def is_archived(self):
        return self.stage == self.Stage.ARCHIVED


class ModelTag(models.Model):
    """A word that its owner has put on a model, in lower case."""

    model = models.ForeignKey(TrainedModel, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=40, db_index=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["model", "name"], name="a_tag_once")]

    def __str__(self):
        return self.name


class Evaluation(models.Model):
    """What a model does on one split of a dataset version; measured again, it is the same row with new results.

    `job` is the newest attempt: while it runs, the results are those of the one before.
    """

    SPLITS = (("val", "validation"), ("test", "test"), ("train", "training"))

    model = models.ForeignKey(TrainedModel, models.CASCADE, related_name="evaluations")
    dataset_version = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="evaluations")
    split = models.CharField(max_length=5, choices=SPLITS)
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    weights_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the weights that were measured.")
    results = models.JSONField(default=dict, blank=True)
    curves = models.JSONField(default=dict, blank=True)
    images = models.FileField(max_length=200, blank=True, help_text="A line per image: labels, predictions, matches.")
    evaluated_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "dataset_version", "split"], name="a_split_is_measured_once")
        ]

    def __str__(self):
        return f"model {self.model_id} on {self.split} of version {self.dataset_version_id}"

    @property
    def is_measured(self):
        return bool(self.evaluated_at)

    @property
    def is_running(self):
        return self.job is not None and self.job.is_active


class ModelExport(models.Model):
    """A model in one format with one set of options; made again, it is the same row with a new file.

    `job` is the newest attempt: while it runs, file and figures are those of the one before.
    """

    PRECISIONS = (("fp32", "fp32"), ("fp16", "fp16"), ("int8", "int8"))
    VERDICTS = (("same", "same answers"), ("differs", "answers differently"), ("unknown", "not measured"))

    model = models.ForeignKey(TrainedModel, models.CASCADE, related_name="exports")
    format = models.CharField(max_length=20, help_text="As ultralytics calls it: onnx, openvino, engine.")
    precision = models.CharField(max_length=4, choices=PRECISIONS, default="fp32")
    img_size = models.PositiveIntegerField()
    dynamic = models.BooleanField(default=False, help_text="Free batch, height and width.")
    nms = models.BooleanField(default=False, help_text="Overlapping boxes are suppressed in the graph.")
    job = models.ForeignKey(Job, models.SET_NULL, null=True, blank=True, related_name="+")
    file = models.FileField(max_length=200, blank=True, help_text="The export; the zip of one that is a folder.")
    num_bytes = models.PositiveBigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    weights_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the weights that it was made from.")
    figures = models.JSONField(default=dict, blank=True, help_text="What weights and export answered, and how fast.")
    verdict = models.CharField(max_length=8, choices=VERDICTS, blank=True)
    reason = models.CharField(max_length=400, blank=True, help_text="Of the verdict, in words.")
    exported_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "format", "precision", "img_size", "dynamic", "nms"], name="an_export_is_made_once"
            )
        ]

    def __str__(self):
        return f"model {self.model_id} as {self.format} {self.precision}"

    @property
    def is_made(self):
        return bool(self.file)

    @property
    def is_running(self):
        return self.job is not None and self.job.is_active

    @property
    def is_outdated(self):
        return self.is_made and self.weights_sha256 != self.model.sha256

    @property
    def difference(self):
        """mAP50-95 of the export less that of the weights; None where it was not measured."""
        if "export" not in self.figures:
            return None
        return round(self.figures["export"]["mAP50_95"] - self.figures["weights"]["mAP50_95"], 5)

    @property
    def shown_difference(self):
        """The difference to three digits; None where that is nothing."""
        return round(self.difference or 0, 3) or None


class ServingBuild(models.Model):
    """A model built to be served in a way that somebody chose, proven; its own file serves where nothing was chosen.

    "auto" leaves the choice to what was measured. Made again, it is the same row with a new file.
    """

    RUNTIMES = (("auto", "whichever is quicker"), ("openvino", "OpenVINO"), ("onnxruntime", "ONNX Runtime"))
    PRECISIONS = (("auto", "the quickest that answers the same"), ("f32", "f32"), ("bf16", "bf16"), ("int8", "int8"))

    model = models.ForeignKey(TrainedModel, models.CASCADE, related_name="builds")
    runtime = models.CharField(max_length=12, choices=RUNTIMES, default="auto")
    precision = models.CharField(max_length=4, choices=PRECISIONS, default="auto")
    img_size = models.PositiveIntegerField(help_text="The longer side in pixels.")
    file = models.FileField(max_length=200, help_text="The archive of the serving format.")
    serving = models.JSONField(default=dict, help_text="Format, what was timed, and how it was proven.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["model", "runtime", "precision", "img_size"], name="a_way_is_built_once")
        ]

    def __str__(self):
        return f"model {self.model_id}, {self.way}"

    @property
    def way(self):
        """What was chosen, in words: “ONNX Runtime, f32, 320 px”."""
        runtime = dict(self.RUNTIMES)[self.runtime] if self.runtime != "auto" else ""
        precision = self.precision if self.precision != "auto" else ""
        return ", ".join(filter(None, (runtime, precision, f"{self.img_size} px")))


class ConfirmedLabels(models.Model):
    """Someone held an image's labels against what a model says: the labels are right, as this revision has them."""

    image = models.ForeignKey(DatasetImage, models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    confirmed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "confirmed labels"
        verbose_name_plural = "confirmed labels"
        constraints = [models.UniqueConstraint(fields=["image", "revision"], name="labels_confirmed_once")]

    def __str__(self):
        return f"labels of image {self.image_id} at revision {self.revision}"
