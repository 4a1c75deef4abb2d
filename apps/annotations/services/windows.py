"""A dataset's images and labels from end to end, as arrays, a window of images at a time: memory stays bounded."""

import numpy as np

from apps.annotations.models import Annotation
from apps.datasets.models import SPLITS, DatasetImage

IMAGES_A_WINDOW = 2_000
BOXES_A_WINDOW = 50_000
STATES = DatasetImage.State.values
PLACES = {split: place for place, split in enumerate((*SPLITS, ""))}
IMAGE_ROW = np.dtype([(name, np.int64) for name in (
    "pk", "split", "state", "labeled", "num_boxes", "width", "height", "brightness", "revision",
)])  # fmt: skip
LABEL_ROW = np.dtype([
    ("image", np.int64), ("key", np.int64), ("x", float), ("y", float), ("width", float), ("height", float),
])  # fmt: skip


def image_windows(dataset):
    """The images of a dataset in order, as arrays of IMAGE_ROW: each of few images, and of few boxes but for its last.

    Each is a query of its own, by key: no long cursor holds back the database, and the cost is the same at any place.
    """
    last = 0
    while True:
        rows = dataset.images.filter(pk__gt=last).order_by("pk").values_list(
            "pk", "split", "state", "is_labeled", "num_boxes", "width", "height", "brightness", "revision"
        )[:IMAGES_A_WINDOW]  # fmt: skip
        rows = np.fromiter(map(_image_row, rows), IMAGE_ROW)
        if len(rows):
            cuts = np.flatnonzero(np.diff(rows["num_boxes"].cumsum() // BOXES_A_WINDOW)) + 1
            yield from np.split(rows, cuts)
            last = int(rows["pk"][-1])
        if len(rows) < IMAGES_A_WINDOW:
            return


def _image_row(row):
    pk, split, state, labeled, num_boxes, width, height, brightness, revision = row
    light = -1 if brightness is None else brightness
    return pk, PLACES[split], STATES.index(state), labeled, num_boxes, width, height, light, revision


def label_rows(dataset, window):
    """The labels of the images of a window as an array of LABEL_ROW, and the place of each one's image in it."""
    rows = np.fromiter(
        Annotation.objects.of(dataset)
        .filter(image_id__gte=int(window["pk"][0]), image_id__lte=int(window["pk"][-1]))
        .order_by()
        .values_list("image_id", "class_key", "x_center", "y_center", "width", "height")
        .iterator(5_000),
        LABEL_ROW,
    )
    place = np.searchsorted(window["pk"], rows["image"])
    there = window["pk"][place] == rows["image"]  # an image may come or go between two queries
    return rows[there], place[there]


def places_of(keys, class_keys):
    """For each of `keys` its place in the array `class_keys`, or the place after the last where it is not in it."""
    order = np.argsort(class_keys, kind="stable")
    found = np.searchsorted(class_keys, keys, sorter=order)
    places = np.append(order, len(class_keys))[found]
    places[np.append(class_keys, -1)[places] != keys] = len(class_keys)
    return places
