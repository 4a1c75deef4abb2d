"""What a person asks of an import: the format, where each class goes, what becomes of the archive's splits."""

from dataclasses import asdict, dataclass, field

from apps.annotations.formats import FORMATS
from apps.datasets.models import SPLITS
from apps.datasets.services import MAX_CLASS_NAME

FILL, TAKE, IGNORE = "fill", "take", "ignore"
SPLIT_CHOICES = {
    FILL: "Take them where an image has none yet",
    TAKE: "Take them, also for images that are here already",
    IGNORE: "Leave them out",
    **{split: f"Put all images into {split}" for split in SPLITS},
}


class BadOptions(ValueError):
    """What was asked cannot be done; `field` is to blame, and the message says what is accepted."""

    def __init__(self, field, message):
        self.field = field
        super().__init__(message)


@dataclass(frozen=True)
class ImportOptions:
    """`classes` maps a name in the archive to `{"key": permanent number}`, `{"new": name}` or None (left out).

    A class that it does not name goes to the one of the same name here, else becomes a new one.
    """

    format: str = "auto"
    classes: dict = field(default_factory=dict)
    splits: str = FILL

    def as_params(self):
        """As a job keeps it."""
        return asdict(self)


def clean_options(dataset, format="auto", classes=None, splits=FILL):
    """Options as they come from outside, checked; `dataset` is None for one that is still to be made.

    A class is named by `{"to": class id}`, `{"new": name}` or None. Raises BadOptions.
    """
    if format not in ("auto", *FORMATS):
        raise BadOptions("format", f"A format is one of auto, {', '.join(FORMATS)}.")
    if splits not in SPLIT_CHOICES:
        raise BadOptions("splits", f"One of {', '.join(SPLIT_CHOICES)}.")
    classes = {} if classes is None else classes
    if not isinstance(classes, dict):
        raise BadOptions("classes", "An object that maps each class of the archive.")
    return ImportOptions(format, {name: _target(dataset, name, target) for name, target in classes.items()}, splits)


def _target(dataset, name, target):
    if target is None:
        return None
    if isinstance(target, dict) and set(target) == {"new"} and isinstance(target["new"], str):
        return {"new": _class_name(target["new"])}
    if isinstance(target, dict) and set(target) == {"to"}:
        class_id, count = target["to"], dataset.num_classes if dataset else 0
        if isinstance(class_id, int) and not isinstance(class_id, bool) and 0 <= class_id < count:
            return {"key": dataset.key_of(class_id)}
        known = f"0 to {count - 1}" if count else "there are none yet"
        raise BadOptions("classes", f"“{name}” goes to class {class_id!r}, which is not one of this dataset ({known}).")
    raise BadOptions("classes", f'“{name}” maps to {{"to": class id}}, {{"new": name}} or null.')


def _class_name(name):
    name = " ".join(name.split())
    if not name or len(name) > MAX_CLASS_NAME or not name.isprintable():
        raise BadOptions("classes", f"A class needs a name of 1 to {MAX_CLASS_NAME} printable characters.")
    return name
