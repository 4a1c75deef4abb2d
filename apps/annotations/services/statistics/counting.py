"""Counting a dataset: its images, labels and revisions once, in windows of images, with bounded memory.

What comes out is kept as it is (see `kept.py`): classes by their permanent keys, people by their ids, so that neither
renaming nor reordering makes it wrong.
"""

from collections import Counter
from itertools import groupby
from operator import itemgetter

import numpy as np

from apps.annotations.models import Revision
from apps.annotations.services.statistics.tallies import SPLITS, ImageTally, LabelTally, pack
from apps.annotations.services.windows import IMAGE_ROW, STATES, image_windows, label_rows, places_of
from apps.datasets.models import DatasetImage

FORMAT = 2  # of what is kept: another number is counted anew
MOST_CLASSES_TOGETHER = 40
BY_HAND = (Revision.Kind.EDIT, Revision.Kind.IMPORT)  # a restore or a merge of classes draws and deletes no box


def count_dataset(dataset, report=lambda progress, message: None):
    """The figures of a dataset as its rows are now, as a JSON document; `report` hears how far it is."""
    keys = np.array(dataset.class_keys, np.int64)
    images, labels, history = ImageTally(), LabelTally(len(keys)), History()
    done = 0
    for window in image_windows(dataset):
        images.add(*(window[name] for name in IMAGE_ROW.names[1:-1]))
        _add_labels(labels, dataset, window, keys)
        history.add(dataset, window)
        done += len(window)
        report(done / max(dataset.num_images, done), f"{done:,} of {max(dataset.num_images, done):,} images")
    return {
        "format": FORMAT,
        **_image_figures(images),
        **_label_figures(labels, dataset.class_keys),
        **history.figures(),
    }


def _add_labels(tally, dataset, window, keys):
    rows, place = label_rows(dataset, window)
    kind = places_of(rows["key"], keys)
    box = np.stack([rows["x"], rows["y"], rows["width"], rows["height"]], axis=1)
    size = np.stack([window["width"][place], window["height"][place]], axis=1)
    tally.add(rows["image"], window["split"][place], kind, box, size)


class History:
    """Who labelled what when, from the revisions: what is kept of them, where old ones are pruned."""

    def __init__(self):
        self.days = Counter()  # (day, who): images labelled for the first time
        self.newest = Counter()  # (who, state): images whose newest revision is theirs
        self.first = Counter()  # who: images that they labelled first
        self.saves = Counter()  # who: revisions
        self.changes = {}  # who: [added, changed, removed] boxes

    def add(self, dataset, window):
        """Count the revisions of the images of a window."""
        state = dict(zip(window["pk"].tolist(), window["state"].tolist(), strict=True))
        number = dict(zip(window["pk"].tolist(), window["revision"].tolist(), strict=True))
        rows = (
            Revision.objects.filter(image__dataset=dataset, image__deleted_at=None)
            .filter(image_id__gte=int(window["pk"][0]), image_id__lte=int(window["pk"][-1]))
            .order_by("image_id", "number")
            .values_list("image_id", "number", "author_id", "kind", "created_at", "added", "changed", "removed")
        )
        for image, revisions in groupby(rows.iterator(5_000), itemgetter(0)):
            if image in state:
                self._add_image(list(revisions), STATES[state[image]], number[image])

    def _add_image(self, revisions, state, newest):
        if state != DatasetImage.State.UNLABELED:
            _, _, author, kind, when, *_ = revisions[0]
            first = "import" if kind == Revision.Kind.IMPORT else author
            self.days[when.date().isoformat(), first] += 1
            self.first[first] += 1
        for _, number, author, kind, _, *changes in revisions:
            who = "import" if kind == Revision.Kind.IMPORT else author
            if number == newest:
                self.newest[who, state] += 1
            by_hand = kind in BY_HAND
            self.saves[who] += by_hand
            so_far = self.changes.setdefault(who, [0, 0, 0])
            for place, change in enumerate(changes):
                so_far[place] += change * by_hand

    def figures(self):
        """What is kept; people by their ids, None for one who left, and "import" for what came with an archive."""
        return {
            "days": [[day, who, count] for (day, who), count in sorted(self.days.items(), key=lambda item: item[0][0])],
            "newest": [[who, state, count] for (who, state), count in self.newest.items()],
            "people": [[who, self.first[who], saves, *self.changes[who]] for who, saves in self.saves.items()],
        }


def _image_figures(tally):
    return {
        "splits": {
            split: [int(tally.images[i]), int(tally.labeled[i]), int(tally.empty[i])] for i, split in enumerate(SPLITS)
        },
        "states": {STATES[state]: count for state, count in tally.states.as_dict().items()},
        "boxes_per_image": tally.boxes_per_image(),
        "image_sizes": tally.image_sizes(),
        "brightness": tally.brightness.tolist(),
    }


def _label_figures(tally, keys):
    shown, matrix = tally.co_occurrence(MOST_CLASSES_TOGETHER)
    maps = tally.positions()
    return {
        "classes": {
            str(key): {"boxes": tally.boxes[i].tolist(), "images": tally.images[i].tolist(), "map": pack(maps[i])}
            for i, key in enumerate(keys)
        },
        "other": {"boxes": tally.boxes[-1].tolist(), "images": tally.images[-1].tolist()},
        "map": pack(maps.sum(axis=0)),
        "areas": tally.areas.tolist(),
        "aspects": tally.aspects.tolist(),
        "sides": tally.sides.tolist(),
        "ratios": tally.ratios.tolist(),
        "together": {"keys": [keys[i] for i in shown], "images": matrix.tolist()},
    }
