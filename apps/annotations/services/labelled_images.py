"""An image with its labels in one step: what a person corrected elsewhere goes into a dataset."""

from collections import Counter
from dataclasses import dataclass, field

from django.conf import settings

from apps.annotations.services.labels import save_labels
from apps.annotations.services.shapes import BadLabels, clean_shape
from apps.core.images import BadImage
from apps.datasets import services as datasets
from apps.datasets.models import DatasetImage


class AlreadyLabelled(Exception):
    """The dataset has these bytes with labels, or with a person's word that there is nothing on them."""

    def __init__(self, image):
        self.image = image
        labels = f"{image.num_boxes} label{'' if image.num_boxes == 1 else 's'}" if image.num_boxes else "no object"
        super().__init__(f"This image is in the dataset already, with {labels}. Nothing was overwritten.")


@dataclass
class Stored:
    """What became of the image: `revision_before` is what its labels had; `unmapped` counts labels by class name."""

    image: DatasetImage
    is_new: bool
    rows: list
    revision_before: int = 0
    unmapped: dict[str, int] = field(default_factory=dict)
    added_classes: list[str] = field(default_factory=list)


def add_labelled_image(dataset, file, items, user, revision=None, add_classes=False):
    """Add an uploaded image and save `items` as its labels; returns Stored.

    Each item is a label that names its class by `class_name`, in any case, as it is or was before a renaming. Classes
    that the dataset lacks are added with `add_classes`; else their labels are left out, and counted. An image without
    items is one without objects. The same bytes with labels raise AlreadyLabelled, unless `revision` is theirs: then
    they are replaced, and StaleRevision says that someone saved in between. Also raises BadLabels and BadImage, which
    change nothing, and BadClassName, which leaves the image without labels. Sent again after a kill, it goes on where
    it was.
    """
    labels = _check(items)
    image, is_new = _image(dataset, file)
    if revision is None and image.revision:
        raise AlreadyLabelled(image)
    names = datasets.classes_by_name(dataset)
    unmapped = Counter(label["class_name"] for label in labels if label["class_name"].casefold() not in names)
    added = _add_classes(dataset, unmapped, names, user) if add_classes else []
    known = [
        label | {"class_id": names[label["class_name"].casefold()]}
        for label in labels
        if label["class_name"].casefold() in names
    ]
    before = image.revision if is_new or revision is None else revision
    # Where all labels were left out, nobody said that there is nothing on the image.
    _, rows = save_labels(image, before, known, user, labeled=bool(known) or not labels)
    return Stored(image, is_new, rows, before, {} if add_classes else dict(unmapped), added)


def _add_classes(dataset, wanted, names, user):
    """Add the classes that `names` lacks, in their first spelling, and note their places there; returns their names."""
    added = []
    for name in wanted:
        if name.casefold() not in names:
            names[name.casefold()] = datasets.add_class(dataset, name, user)
            added.append(name)
    return added


def _check(items):
    """The labels without ids, each with its class's name; raises BadLabels before anything is stored."""
    if len(items) > settings.MAX_BOXES_PER_IMAGE:
        raise BadLabels(f"{len(items)} labels on one image; at most {settings.MAX_BOXES_PER_IMAGE} are accepted.")
    return [_checked(place, item) for place, item in enumerate(items, 1)]


def _checked(place, item):
    name = item.get("class_name") if isinstance(item, dict) else None
    if not isinstance(name, str) or not name.strip():
        raise BadLabels(f"Label {place}: an object with a class_name and a box is accepted.")
    try:
        return {**clean_shape(item), "class_name": name.strip()}
    except BadLabels as bad:
        raise BadLabels(f"Label {place}: {bad}") from None


def _image(dataset, file):
    """(the image of these bytes, whether it is new); raises BadImage."""
    found = datasets.add_images(dataset, [file])
    if found["rejected"]:
        raise BadImage(found["rejected"][0]["reason"])
    is_new = bool(found["created"])
    image = found["created"][0] if is_new else DatasetImage.objects.get(pk=found["duplicates"][0]["image_id"])
    image.dataset = dataset
    return image, is_new
