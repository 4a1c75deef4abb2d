"""Entries of a manifest as the format writers take them."""

from pathlib import PurePath

from apps.annotations.formats.base import Box, ImageLabels
from apps.annotations.models import Revision
from apps.datasets.models import CLASS_COLORS, DatasetImage
from apps.datasets.services import successors

PAGE = 200
BOX = ("x_center", "y_center", "width", "height")


class ExportLabels:
    """What an export writes of a dataset's entries; counts the images and boxes that went through.

    `lossless`: with all that the platform knows, revisions included, and the files as they came.
    """

    def __init__(self, dataset, header, lossless=False):
        self.dataset, self.header, self.lossless = dataset, header, lossless
        self.task, self.class_names = header["task"], header["class_names"]
        self.category_ids = [
            key + 1 for key in header["class_keys"]
        ]  # COCO counts from 1; they stay with their classes
        self._places = {key: place for place, key in enumerate(header["class_keys"])}
        self._heirs = successors(dataset) if lossless else {}
        self.images = self.boxes = 0

    @property
    def class_colors(self):
        """The colours of the classes, as they are today: a version has none of its own."""
        colors = {row["key"]: row["color"] for row in self.dataset.classes}
        return [colors.get(key, CLASS_COLORS[key % len(CLASS_COLORS)]) for key in self.header["class_keys"]]

    def of(self, entries):
        """Yield an ImageLabels for each entry."""
        page = []
        for entry in entries:
            page.append(entry)
            if len(page) == PAGE:
                yield from self._page(page)
                page = []
        yield from self._page(page)

    def _page(self, entries):
        revisions = self._revisions(entries) if self.lossless else {}
        for entry in entries:
            labels = self._labels(entry)
            if self.lossless:
                labels.extra = {name: entry[name] for name in ("state", "group", "source", "tags")}
                labels.extra["revisions"] = revisions.get(entry["sha256"], [])
            self.images += 1
            self.boxes += len(labels.boxes)
            yield labels

    def _labels(self, entry):
        as_it_came = entry["plain"] or self.lossless
        return ImageLabels(
            filename=entry["filename"] if as_it_came else f"{PurePath(entry['filename']).stem}.png",
            boxes=[self._box(box) for box in entry["boxes"] if box[0] in self._places], labelled=entry["labeled"],
            split=entry["split"], width=entry["width"], height=entry["height"], key=(entry["file"], as_it_came),
        )  # fmt: skip

    def _box(self, box):
        key, x, y, width, height, points, confidence, source = box
        flat = tuple(value for point in points for value in point) if points else None
        return Box(self._places[key], x, y, width, height, flat, confidence, source)

    def _revisions(self, entries):
        """`{sha256: revisions, oldest first}` up to the one that each entry is."""
        upto = {entry["sha256"]: entry["revision"] for entry in entries}
        images = dict(DatasetImage.objects.filter(dataset=self.dataset, sha256__in=upto).values_list("pk", "sha256"))
        found = {sha: [] for sha in upto}
        rows = Revision.objects.filter(image__in=images).select_related("author").order_by("image", "number")
        for row in rows.iterator(chunk_size=200):
            sha = images[row.image_id]
            if row.number <= upto[sha]:
                found[sha].append({
                    "number": row.number, "author": row.author.username if row.author else "",
                    "time": row.created_at.isoformat(), "kind": row.kind,
                    "annotations": [label for old in row.annotations if (label := self._old_label(old))],
                })  # fmt: skip
        return found

    def _old_label(self, old):
        """A label of a revision, or None where its class is in this export no more."""
        key = old.get("class_key", old.get("class_id"))  # the first revisions had positions, which are numbers now
        place = self._places.get(key, self._places.get(self._heirs.get(key)))
        if place is None:
            return None
        shape = {name: old[name] for name in (*BOX, "points", "confidence", "source")}
        return {"class_index": place, **shape}
