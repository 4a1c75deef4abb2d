"""What the pure functions about likeness and sources need of a dataset's images, in one query."""

import numpy as np

from apps.datasets.models import DatasetImage
from apps.datasets.sources import Pictures

COLUMNS = (
    "pk", "sha256", "filename", "group", "split", "camera", "taken_at", "signature", "brightness", "width", "height",
)  # fmt: skip


def read_pictures(images):
    """The images of this queryset as `Pictures`, in the order of their hashes: some 500 bytes an image."""
    rows = list(images.order_by("sha256", "pk").values_list(*COLUMNS))
    columns = dict(zip(COLUMNS, zip(*rows, strict=True) if rows else [()] * len(COLUMNS), strict=True))
    width, height = np.array(columns.pop("width"), float), np.array(columns.pop("height"), float)
    return Pictures(
        pk=np.array(columns.pop("pk"), np.int64), shape=width / height,
        **{name: list(column) for name, column in columns.items()},
    )  # fmt: skip


def classes_on(images, pictures):
    """For each of `pictures` the permanent numbers of the classes on it, each once, in their order."""
    place = {pk: index for index, pk in enumerate(pictures.pk.tolist())}
    found = [[] for _ in place]
    pairs = images.filter(annotations__isnull=False).order_by().values_list("pk", "annotations__class_key").distinct()
    for pk, key in pairs.iterator(chunk_size=10_000):
        if pk in place:
            found[place[pk]].append(key)
    return [sorted(keys) for keys in found]


def present(dataset):
    """The images of a dataset that are not in the trash."""
    return DatasetImage.objects.filter(dataset=dataset)
