"""Annotations, the revisions that they went through, and immutable versions of a dataset."""

from django.conf import settings
from django.db import models

from apps.datasets.models import Dataset, DatasetImage


class Labels(models.Manager):
    def of(self, dataset):
        """The labels of a dataset's images, those in the trash left out."""
        return self.filter(image__dataset=dataset, image__deleted_at=None)


class Annotation(models.Model):
    """One labelled object: a box, normalized to 0..1 of the upright image, and for a polygon its points.

    `class_key` is the permanent number of its class (`Dataset.class_keys`), not a position.
    """

    class Source(models.TextChoices):
        MANUAL = "manual"
        IMPORTED = "imported"
        MODEL = "model"

    image = models.ForeignKey(DatasetImage, models.CASCADE, related_name="annotations")
    class_key = models.PositiveIntegerField()
    x_center = models.FloatField()
    y_center = models.FloatField()
    width = models.FloatField()
    height = models.FloatField()
    points = models.JSONField(null=True, blank=True, help_text="A polygon: [[x, y], …] in 0..1.")
    confidence = models.FloatField(null=True, blank=True)
    source = models.CharField(max_length=8, choices=Source.choices, default=Source.MANUAL)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = Labels()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["class_key", "image"], name="labels_by_class")]

    def __str__(self):
        return f"label {self.pk} on image {self.image_id}"


class Revision(models.Model):
    """The whole set of annotations of an image as one save left it."""

    class Kind(models.TextChoices):
        EDIT = "edit"
        IMPORT = "import"
        RESTORE = "restore"
        CLASSES = "classes"

    image = models.ForeignKey(DatasetImage, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.EDIT)
    annotations = models.JSONField(default=list)
    num_annotations = models.PositiveIntegerField(default=0)
    added = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["image", "number"], name="revision_numbers_of_an_image")]

    def __str__(self):
        return f"revision {self.number} of image {self.image_id}"


class Review(models.Model):
    """What a reviewer said of an image's labels as one revision left them."""

    class Action(models.TextChoices):
        ACCEPT = "accept"
        SEND_BACK = "send_back"

    image = models.ForeignKey(DatasetImage, models.CASCADE, related_name="reviews")
    revision = models.PositiveIntegerField()
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    action = models.CharField(max_length=9, choices=Action.choices)
    note = models.TextField(blank=True, max_length=2000)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.action} of image {self.image_id}"


class Suggestion(models.Model):
    """What a model predicts on an image: never a label until a person accepts it."""

    image = models.ForeignKey(DatasetImage, models.CASCADE, related_name="suggestions")
    model_name = models.CharField(max_length=120)
    class_key = models.PositiveIntegerField()
    x_center = models.FloatField()
    y_center = models.FloatField()
    width = models.FloatField()
    height = models.FloatField()
    points = models.JSONField(null=True, blank=True, help_text="The outline that a model found: [[x, y], …] in 0..1.")
    confidence = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-confidence", "pk"]

    def __str__(self):
        return f"suggestion {self.pk} on image {self.image_id}"


class DatasetVersion(models.Model):
    """An immutable snapshot: the manifest names every image by hash with its split and its boxes."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    class_names = models.JSONField(default=list)
    class_keys = models.JSONField(default=list)
    num_images = models.PositiveIntegerField(default=0)
    num_boxes = models.PositiveIntegerField(default=0)
    split_counts = models.JSONField(default=dict)
    labeled_counts = models.JSONField(default=dict, help_text="Labelled images by split, and boxes to learn from.")
    manifest = models.FileField(max_length=200)
    note = models.CharField(max_length=200, blank=True, help_text="What people call it.")
    hashed_as = models.PositiveSmallIntegerField(default=1, help_text="By which format's rules the content is hashed.")
    same_at = models.DateTimeField(null=True, help_text="The dataset's updated_at when it was last seen to be this.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["dataset", "number"], name="version_numbers_of_a_dataset"),
            models.UniqueConstraint(fields=["dataset", "content_hash"], name="a_content_is_one_version"),
        ]

    def __str__(self):
        return f"{self.dataset.name} v{self.number}"


class VersionComparison(models.Model):
    """What changed from a version to another, or to the working state: worked out once and kept."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="comparisons")
    older = models.ForeignKey(DatasetVersion, models.CASCADE, related_name="+")
    newer = models.ForeignKey(DatasetVersion, models.CASCADE, null=True, related_name="+", help_text="None: as it was.")
    of = models.DateTimeField(null=True, help_text="The dataset's updated_at, where it is with the working state.")
    summary = models.JSONField(default=dict)
    index = models.JSONField(default=dict, help_text="Where the pages of each list of images begin in the file.")
    file = models.FileField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["older", "newer"], name="two_versions_compared_once"),
            models.UniqueConstraint(
                fields=["older"], condition=models.Q(newer=None), name="a_version_compared_with_now_once"
            ),
        ]

    def __str__(self):
        return f"from version {self.older_id} to {self.newer_id or 'now'}"
