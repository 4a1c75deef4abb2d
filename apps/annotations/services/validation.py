"""Problems of a dataset, each with the image it is on: what would spoil a training or an export.

Read in windows of images, with bounded memory, whatever the size of the dataset.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from django.core.files.storage import default_storage
from django.db.models import Count

from apps.annotations.services.shapes import ROUNDING
from apps.annotations.services.windows import PLACES, image_windows, label_rows, places_of
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset

TASK = "apps.annotations.tasks.validate_dataset"
MOST = 10_000  # problems that a report names
MOST_OF_A_KIND = 3_000
FILES_AT_ONCE = 8  # asked after; where files are on another machine, each answer takes its time
NEEDED = ("train", "val")
BITS_SET = 16  # of the 128 of a signature: a picture with fewer is nearly flat, and many look like it


def start_validation(user, dataset):
    """Queue the validation of a dataset; returns the job."""
    return create_job(
        user, "validation", TASK, subject=f"dataset:{dataset.pk}", params={"dataset_id": dataset.pk}, about=dataset
    )


def run_validation(job, report):
    """The work of a validation job: `problems` name image, kind and reason; `kinds` count them all."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    problems = Validation(dataset, report).run()
    return {
        "num_problems": problems.count, "problems": problems.named, "kinds": problems.kinds,
        "figures": {"problems": problems.count}, "page_url": f"/datasets/{dataset.pk}/health",
        "page_words": "To the dataset's health",
    }  # fmt: skip


class Problems:
    """All are counted, by kind; so many are named, and no kind leaves the others without a place."""

    def __init__(self):
        self.named, self.kinds = [], Counter()

    def add(self, kind, reason, filename="", image_id=None):
        """Note a problem of an image, or of the dataset where no image is named."""
        self.kinds[kind] += 1
        if len(self.named) < MOST and self.kinds[kind] <= MOST_OF_A_KIND:
            self.named.append({
                "file": filename, "image_id": image_id, "line": None, "kind": kind, "reason": f"{kind}: {reason}",
            })  # fmt: skip

    @property
    def count(self):
        """How many there are, those without a place in the list too."""
        return sum(self.kinds.values())


class Validation:
    """One pass over a dataset."""

    def __init__(self, dataset, report):
        self.dataset, self.report, self.problems = dataset, report, Problems()
        self.keys = np.array(dataset.class_keys, np.int64)
        self.seen_in_train = np.zeros(len(self.keys) + 1, bool)
        self.images_in = Counter()

    def run(self):
        """Look at everything; returns the Problems."""
        done, total = 0, max(self.dataset.num_images, 1)
        with ThreadPoolExecutor(FILES_AT_ONCE) as threads:
            for window in image_windows(self.dataset):
                self._look_at_labels(window)
                self._look_at_files(window, threads)
                for split, place in PLACES.items():
                    self.images_in[split] += int((window["split"] == place).sum())
                done += len(window)
                self.report(min(done / total, 1), f"{done:,} of {max(total, done):,} images")
        self._look_at_likeness()
        self._look_at_splits()
        return self.problems

    def _look_at_labels(self, window):
        rows, place = label_rows(self.dataset, window)
        kind = places_of(rows["key"], self.keys)
        self.seen_in_train[kind[window["split"][place] == PLACES["train"]]] = True
        low, high = -ROUNDING, 1 + ROUNDING
        half_x, half_y = rows["width"] / 2, rows["height"] / 2
        outside = (rows["x"] - half_x < low) | (rows["x"] + half_x > high)
        outside |= (rows["y"] - half_y < low) | (rows["y"] + half_y > high)
        wrong = [
            ("box outside the image", outside),
            ("zero-size box", (rows["width"] <= 0) | (rows["height"] <= 0)),
            ("class out of range", kind == len(self.keys)),
        ]
        twice, times = _same_rows(rows)
        bad = np.unique(np.concatenate([rows["image"][where] for _, where in wrong] + [rows["image"][twice]]))
        names = self._filenames(bad.tolist())
        for what, where in wrong:
            for image, class_place in zip(rows["image"][where].tolist(), kind[where].tolist(), strict=True):
                self.problems.add(what, f"A box of {self._class_name(class_place)}.", names.get(image, ""), image)
        for row, count in zip(twice.tolist(), times.tolist(), strict=True):
            image = int(rows["image"][row])
            words = f"The same box of {self._class_name(kind[row])} is there {count} times."
            self.problems.add("duplicate box", words, names.get(image, ""), image)

    def _filenames(self, pks):
        """`{image id: file name}`, a thousand to a query."""
        names = {}
        for start in range(0, len(pks), 1_000):
            some = self.dataset.images.filter(pk__in=pks[start : start + 1_000])
            names.update(some.order_by().values_list("pk", "filename"))
        return names

    def _class_name(self, place):
        return f"“{self.dataset.class_names[place]}”" if place < len(self.keys) else "a class that is not there"

    def _look_at_files(self, window, threads):
        first, last = int(window["pk"][0]), int(window["pk"][-1])
        images = self.dataset.images.filter(pk__range=(first, last)).order_by("pk")
        rows = list(images.values_list("pk", "filename", "file", "num_bytes"))
        for (pk, filename, _, _), reason in zip(rows, threads.map(_wrong_with_file, rows), strict=True):
            if reason:
                self.problems.add("unreadable file", reason, filename, pk)

    def _look_at_likeness(self):
        """The same picture twice, though not the same bytes, which cannot be: equal in every bit of its signature.

        The search for pictures that are merely near is a job of its own, with groups to keep one of.
        """
        alike = ("signature", "width", "height", "brightness")
        images = self.dataset.images.exclude(signature=None).order_by()
        groups = images.values_list(*alike).annotate(times=Count("pk")).filter(times__gt=1)[:MOST]
        groups = [(bytes(look), *others[:3]) for look, *others in groups]
        groups = [group for group in groups if int.from_bytes(group[0]).bit_count() >= BITS_SET]
        for start in range(0, len(groups), 500):
            first, some = {}, set(groups[start : start + 500])
            rows = images.filter(signature__in=[group[0] for group in some]).order_by("pk")
            for pk, filename, look, *others in rows.values_list("pk", "filename", *alike):
                key = (bytes(look), *others)
                if key in some and first.setdefault(key, (pk, filename))[0] != pk:
                    self.problems.add("duplicate image", f"The same picture as “{first[key][1]}”.", filename, pk)

    def _look_at_splits(self):
        """Splits that training needs and that have no image; classes that train never shows."""
        for split in NEEDED:
            if not self.images_in[split]:
                self.problems.add("empty split", f"No image is in the split “{split}”.")
        for place, name in enumerate(self.dataset.class_names):
            if not self.seen_in_train[place]:
                self.problems.add("class absent from train", f"No box of “{name}” is in the split “train”.")


def _same_rows(rows):
    """(places, times) of the rows that are there more than once, each once."""
    if not len(rows):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    order = np.lexsort([rows[name] for name in rows.dtype.names])
    sorted_rows = rows[order]
    begins = np.append(True, np.any([np.diff(sorted_rows[name]) != 0 for name in rows.dtype.names], axis=0))
    first = np.flatnonzero(begins)
    times = np.diff(np.append(first, len(rows)))
    return order[first[times > 1]], times[times > 1]


def _wrong_with_file(row):
    """Why a stored file cannot be what was uploaded, or nothing."""
    _, _, file, num_bytes = row
    try:
        size = default_storage.size(file)
    except FileNotFoundError:
        return "Its stored file is missing."
    except OSError as error:
        return f"Its stored file cannot be read: {error.strerror or error}."
    return "" if size == num_bytes else f"Its stored file has {size:,} bytes, and had {num_bytes:,}."
