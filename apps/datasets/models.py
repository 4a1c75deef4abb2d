"""Datasets and their images."""

from django.conf import settings
from django.db import models

SPLITS = ("train", "val", "test")
CLASS_COLORS = (  # apart for colour-blind eyes too; after Okabe and Ito, then darker and lighter ones of the same hues
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c564b",
    "#9a6bff", "#2ed9c3", "#ff6b6b", "#7aa60a", "#b0b7c3", "#ff9ad5", "#3f6fd9", "#a8522a",
)  # fmt: skip


class Dataset(models.Model):
    """Images with labels of one task and one list of classes; class ids are positions in `class_names`."""

    class Task(models.TextChoices):
        DETECT = "detect", "Detection (boxes)"
        SEGMENT = "segment", "Segmentation (polygons)"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="datasets")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=5000)
    task = models.CharField(max_length=10, choices=Task.choices, default=Task.DETECT)
    class_names = models.JSONField(default=list, blank=True)
    class_colors = models.JSONField(default=list, blank=True)
    num_classes = models.PositiveIntegerField(default=0)
    num_images = models.PositiveIntegerField(default=0)
    num_labeled = models.PositiveIntegerField(default=0)
    is_public = models.BooleanField(default=False, help_text="Everyone who is signed in can see it.")
    cover = models.JSONField(default=list, blank=True, help_text="Ids of its first images, for the lists.")
    is_sample = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=["owner", "-updated_at"]), models.Index(fields=["is_public", "-updated_at"])]

    def __str__(self):
        return self.name

    def color_of(self, class_id):
        """The colour of a class: the one chosen, else one of the palette."""
        chosen = self.class_colors[class_id] if class_id < len(self.class_colors) else ""
        return chosen or CLASS_COLORS[class_id % len(CLASS_COLORS)]

    @property
    def classes(self):
        """`[{id, name, color}]` in the order of the class ids."""
        return [{"id": i, "name": name, "color": self.color_of(i)} for i, name in enumerate(self.class_names)]


class DatasetImage(models.Model):
    """One image. `file` holds the bytes as they came; width and height are of the picture as people see it."""

    class State(models.TextChoices):
        UNLABELED = "unlabelled"
        LABELED = "labelled"
        REVIEWED = "reviewed"
        NEEDS_WORK = "needs_work"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="images")
    filename = models.CharField(max_length=255)
    file = models.FileField(max_length=200)
    thumbnail = models.FileField(max_length=200)
    preview = models.FileField(max_length=200, blank=True, help_text="For browsers, where they cannot show the file.")
    sha256 = models.CharField(max_length=64)
    num_bytes = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    orientation = models.PositiveSmallIntegerField(default=1, help_text="EXIF orientation of the file.")
    is_plain = models.BooleanField(default=True, help_text="Every reader decodes the file to what people see.")
    in_version = models.BooleanField(default=False, help_text="Part of a version: its file stays without its row.")
    is_labeled = models.BooleanField(default=False)
    state = models.CharField(max_length=12, choices=State.choices, default=State.UNLABELED)
    num_boxes = models.PositiveIntegerField(default=0)
    split = models.CharField(max_length=5, blank=True, choices=[(split, split) for split in SPLITS])
    revision = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["dataset", "sha256"], name="same_bytes_once_in_a_dataset")]
        indexes = [
            models.Index(fields=["dataset", "id"]),
            models.Index(fields=["dataset", "split", "id"]),
            models.Index(fields=["dataset", "is_labeled", "id"]),
            models.Index(fields=["dataset", "state", "id"]),
        ]

    def __str__(self):
        return self.filename

    @property
    def extension(self):
        return self.file.name.rsplit(".", 1)[-1]


class PendingDeletion(models.Model):
    """A stored file, or a folder where the name ends in a slash, whose rows are gone.

    Deleted after the commit, and by the sweep where that was killed.
    """

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.name
