"""Images with their labels as entries of a manifest: of the working state and of a version."""

from collections import defaultdict

from apps.annotations.manifests import read_entries, read_header
from apps.annotations.models import Annotation
from apps.datasets.models import DatasetImage

PAGE = 500
TAGS = DatasetImage.tags.through
IMAGE_FIELDS = (
    "pk", "sha256", "file", "filename", "is_plain", "width", "height", "split", "is_labeled", "state", "group",
    "source", "revision",
)  # fmt: skip
BOX_FIELDS = ("class_key", "x_center", "y_center", "width", "height", "points", "confidence", "source")


def working_entries(images, seen=None):
    """Yield the entries of a queryset of one dataset's images, as they are, in the order of their hashes.

    `seen(pk, in_version)` is told of each. Read it inside `one_moment()` where it must be consistent.
    """
    last = ""
    while page := list(_page_after(images, last)):
        last = page[-1][1]
        pks = [row[0] for row in page]
        boxes, tags = _boxes_of(pks), _tags_of(pks)
        for *row, in_version in page:
            pk = row[0]
            if seen:
                seen(pk, in_version)
            yield _entry(row, boxes[pk], tags[pk])


def _page_after(images, sha256):
    return images.filter(sha256__gt=sha256).order_by("sha256").values_list(*IMAGE_FIELDS, "in_version")[:PAGE]


def _entry(row, boxes, tags):
    _, sha256, file, filename, plain, width, height, split, labeled, state, group, source, revision = row
    return {
        "sha256": sha256, "file": file, "filename": filename, "plain": plain, "width": width, "height": height,
        "split": split, "labeled": labeled, "state": state, "group": group, "tags": tags, "source": source,
        "revision": revision, "boxes": boxes,
    }  # fmt: skip


def _boxes_of(pks):
    boxes = defaultdict(list)
    rows = Annotation.objects.filter(image__in=pks).order_by("pk").values_list("image_id", *BOX_FIELDS)
    for pk, *box in rows.iterator(chunk_size=5000):
        boxes[pk].append(box)
    return boxes


def _tags_of(pks):
    tags = defaultdict(list)
    rows = TAGS.objects.filter(datasetimage__in=pks).order_by("tag__name")
    for pk, name in rows.values_list("datasetimage_id", "tag__name"):
        tags[pk].append(name)
    return tags


def version_header(version):
    """`{format, task, class_names, class_keys}` of a version's manifest."""
    with version.manifest.open("rb") as file:
        return read_header(file)


def version_entries(version):
    """Yield the entries of a version, whatever format its manifest is of, in the order of the images' hashes."""
    with version.manifest.open("rb") as file:
        yield from read_entries(file)
