"""Datasets and their images."""

from django.conf import settings
from django.db import models
from django.utils import timezone

from apps.core.models import OfTeam, of_person_or_team

SPLITS = ("train", "val", "test")
PRESENT = models.Q(deleted_at=None)
TRASHED = models.Q(deleted_at__isnull=False)
CLASS_COLORS = (  # apart for colour-blind eyes too; after Okabe and Ito, then darker and lighter ones of the same hues
    "#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#8c564b",
    "#9a6bff", "#2ed9c3", "#ff6b6b", "#7aa60a", "#b0b7c3", "#ff9ad5", "#3f6fd9", "#a8522a",
)  # fmt: skip


class Dataset(OfTeam):
    """Images with labels of one task and one list of classes.

    A class id is a position in `class_names`; `class_keys` has the permanent number of each, which labels carry: so no
    label moves when classes are renamed, reordered or taken out. A number is never given twice.
    """

    class Task(models.TextChoices):
        DETECT = "detect", "Detection (boxes)"
        SEGMENT = "segment", "Segmentation (polygons)"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, of_person_or_team, related_name="datasets")
    name = models.CharField(max_length=120)
    description = models.TextField(blank=True, max_length=5000)
    task = models.CharField(max_length=10, choices=Task.choices, default=Task.DETECT)
    class_names = models.JSONField(default=list, blank=True)
    class_keys = models.JSONField(default=list, blank=True, help_text="The permanent number of each class.")
    class_colors = models.JSONField(default=list, blank=True)
    next_class_key = models.PositiveIntegerField(default=0)
    num_classes = models.PositiveIntegerField(default=0)
    num_images = models.PositiveIntegerField(default=0)
    num_labeled = models.PositiveIntegerField(default=0)
    num_boxes = models.PositiveIntegerField(default=0)
    num_trashed = models.PositiveIntegerField(default=0)
    split_counts = models.JSONField(
        default=dict, blank=True, help_text="Images by split; without one under an empty name."
    )
    is_public = models.BooleanField(default=False, help_text="Everyone who is signed in can see it.")
    cover = models.JSONField(default=list, blank=True, help_text="Ids of its first images, for the lists.")
    is_sample = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-updated_at", "-pk"]
        indexes = [models.Index(fields=[name, "-updated_at"]) for name in ("owner", "team", "is_public")]

    def __str__(self):
        return self.name

    def color_of(self, class_id):
        """The colour of a class: the one chosen, else its own of the palette, whatever its place in the order."""
        chosen = self.class_colors[class_id] if class_id < len(self.class_colors) else ""
        return chosen or CLASS_COLORS[self.class_keys[class_id] % len(CLASS_COLORS)]

    def key_of(self, class_id):
        """The permanent number of the class at this position; raises IndexError."""
        if class_id < 0:
            raise IndexError(class_id)
        return self.class_keys[class_id]

    def place_of(self, key):
        """The position of the class with this permanent number, or None where it is not there any more."""
        return self.places.get(key)

    @property
    def places(self):
        """`{permanent number: position}` of the classes."""
        return {key: place for place, key in enumerate(self.class_keys)}

    @property
    def classes(self):
        """`[{id, key, name, color}]` in the order of the class ids."""
        return [
            {"id": i, "key": self.class_keys[i], "name": name, "color": self.color_of(i)}
            for i, name in enumerate(self.class_names)
        ]


class Tag(models.Model):
    """A word that people put on images, to find them again."""

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="tags")
    name = models.CharField(max_length=60)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["dataset", "name"], name="tag_names_of_a_dataset")]

    def __str__(self):
        return self.name


class PresentImages(models.Manager):
    """The images that are not in the trash."""

    def get_queryset(self):
        return super().get_queryset().filter(deleted_at=None)


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
    tags = models.ManyToManyField(Tag, related_name="images", blank=True)
    group = models.CharField(max_length=200, blank=True, help_text="The source it is from: images of one never part.")
    source = models.CharField(max_length=200, blank=True, help_text="“upload”, or the archive that it came in.")
    import_job = models.ForeignKey("core.Job", models.SET_NULL, null=True, blank=True, related_name="+")
    taken_at = models.DateTimeField(null=True, blank=True, help_text="By its EXIF data.")
    camera = models.CharField(max_length=100, blank=True)
    signature = models.BinaryField(max_length=16, null=True, help_text="128 bits of likeness.")
    brightness = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Mean grey, 0 to 255.")
    deleted_at = models.DateTimeField(null=True, blank=True, help_text="When it went to the trash.")
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PresentImages()
    all_objects = models.Manager()  # noqa: DJ012

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["dataset", "sha256"], condition=models.Q(deleted_at=None), name="same_bytes_once_in_a_dataset"
            )
        ]
        indexes = [
            models.Index(fields=["dataset", "split", "id"], condition=PRESENT, name="present_by_split"),
            models.Index(fields=["dataset", "is_labeled", "id"], condition=PRESENT, name="present_by_labelled"),
            models.Index(fields=["dataset", "state", "id"], condition=PRESENT, name="present_by_state"),
            models.Index(fields=["dataset", "filename", "id"], condition=PRESENT, name="present_by_name"),
            models.Index(fields=["dataset", "num_boxes", "id"], condition=PRESENT, name="present_by_boxes"),
            models.Index(
                "dataset", models.F("width") * models.F("height"), "id", condition=PRESENT, name="present_by_size"
            ),
            models.Index(fields=["dataset", "deleted_at", "id"], condition=TRASHED, name="trashed_images"),
            models.Index(fields=["dataset", "sha256"], condition=TRASHED, name="trashed_by_bytes"),
            # The last one: of indexes that serve a scan of a dataset alike SQLite takes the one made last, and by id
            # the rows are read one after the other.
            models.Index(fields=["dataset", "id"], condition=PRESENT, name="present_images"),
        ]

    def __str__(self):
        return self.filename

    @property
    def tag_names(self):
        """Its tags as words; costs no query where `tags` was prefetched."""
        return [tag.name for tag in self.tags.all()]

    @property
    def extension(self):
        return self.file.name.rsplit(".", 1)[-1]


class ImageChange(models.Model):
    """A change of many images that its person can take back for a day."""

    class Action(models.TextChoices):
        DELETE = "delete"
        SPLIT = "split"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    action = models.CharField(max_length=6, choices=Action.choices)
    moment = models.DateTimeField(null=True, help_text="Deleted: the `deleted_at` of its images.")
    split = models.CharField(max_length=5, blank=True, help_text="Moved: where to.")
    former = models.JSONField(default=dict, help_text="Moved: the images' ids by the split that they were in.")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self):
        return f"{self.action} in dataset {self.dataset_id}"


class PendingDeletion(models.Model):
    """A stored file, or a folder where the name ends in a slash, whose rows are gone.

    Deleted after the commit, and by the sweep where that was killed. A note with a later `due_at` stands for a file
    that is being stored: it is taken back with the row that the file gets; what a kill left without one is deleted.
    """

    name = models.CharField(max_length=200)
    due_at = models.DateTimeField(default=timezone.now, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self):
        return self.name


class DatasetReport(models.Model):
    """Figures about a dataset that cost too much to be worked out for every view: kept, and renewed when it changed."""

    class Kind(models.TextChoices):
        STATISTICS = "statistics"
        DUPLICATES = "duplicates"
        LEAKS = "leaks"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="reports")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    data = models.JSONField(default=dict)
    of = models.DateTimeField(help_text="The dataset's updated_at that this describes.")
    seconds = models.FloatField(default=0, help_text="How long it took.")
    computed_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["dataset", "kind"], name="one_report_of_a_kind")]

    def __str__(self):
        return f"{self.kind} of dataset {self.dataset_id}"

    @property
    def is_current(self):
        """Whether the dataset is as it was when this was worked out."""
        return self.of == self.dataset.updated_at


class ClassChange(models.Model):
    """What happened to a class: the history by which old labels, imports and models find the class of today."""

    class Action(models.TextChoices):
        ADD = "add"
        RENAME = "rename"
        RECOLOR = "recolor"
        REORDER = "reorder"
        MERGE = "merge"
        DELETE = "delete"
        RESTORE = "restore"

    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="class_changes")
    action = models.CharField(max_length=8, choices=Action.choices)
    key = models.PositiveIntegerField(null=True, help_text="The permanent number of the class; none for a new order.")
    into_key = models.PositiveIntegerField(null=True, help_text="Merged: the class that has its labels now.")
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100, blank=True)
    num_boxes = models.PositiveIntegerField(default=0, help_text="Labels that were moved or deleted.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self):
        return f"{self.action} of class {self.key} in dataset {self.dataset_id}"
