"""Duplicates: pictures that are the same or nearly so, in groups to keep one of."""

import time
from collections import OrderedDict

from django.core.files.storage import default_storage

from apps.core.jobs import create_job
from apps.datasets.likeness import gather
from apps.datasets.looks import SAME, difference, read_look
from apps.datasets.models import DatasetImage, DatasetReport
from apps.datasets.services.moves import dataset_of
from apps.datasets.services.pictures import present, read_pictures
from apps.datasets.services.reports import keep_report, kept_report
from apps.datasets.services.signatures import fill_signatures
from apps.datasets.services.trash import trash_images
from apps.datasets.sources import near_links

KIND = DatasetReport.Kind.DUPLICATES
LOOK, TASK = "duplicates", "apps.datasets.tasks.find_duplicates"
KEPT_LOOKS = 2000  # thumbnails held at a time: 30 MB


class NotThere(ValueError):
    """The groups that were asked for are not in the report; the message says what to do."""


def start_duplicates(user, dataset):
    """Queue a look for duplicates; returns the job."""
    return create_job(
        user, LOOK, TASK, subject=f"dataset:{dataset.pk}", params={"dataset_id": dataset.pk}, about=dataset
    )


def run_duplicates(job, report):
    """The work of a look for duplicates: keeps the report, and says how many."""
    dataset = dataset_of(job)
    data = look_for_duplicates(dataset, report).data
    return {
        "num_groups": data["num_groups"], "num_extra": data["num_extra"],
        "figures": {"groups": data["num_groups"], "images that could go": data["num_extra"]},
        "page_url": f"/datasets/{dataset.pk}/health/duplicates", "page_words": "See the duplicates",
    }  # fmt: skip


def look_for_duplicates(dataset, report=lambda part, words="": None):
    """Work out the duplicates of a dataset as it is now; returns the kept report.

    `groups`: `[{images: [id, …], differences: [0..255, …]}]`, the one to keep first: labelled, most boxes, most pixels.
    """
    began, of = time.monotonic(), dataset.updated_at
    report(0, "Looking at the pictures")
    fill_signatures(dataset, lambda part: report(0.2 * part, "Taking missing signatures"))
    pictures = read_pictures(present(dataset))
    one, other = near_links(pictures, lambda part: report(0.2 + 0.3 * part, "Comparing signatures"))
    closer = _Closer(dataset, pictures, report)
    groups = gather(_rank(dataset, pictures), one, other, closer.alike)
    told = [
        {
            "images": [int(pictures.pk[index]) for index in group],
            "differences": [0, *(closer.found.get((group[0], index), 0) for index in group[1:])],
        }
        for group in groups
    ]
    told.sort(key=lambda group: (-len(group["images"]), group["images"][0]))
    return keep_report(dataset, KIND, _counted(told), of, time.monotonic() - began)


def keep_one(dataset, user, choices):
    """Trash the duplicates that are not kept; `choices`: `{first image of a group: (kept, those shown)}`, ids.

    Only images that the report has in that group go, and only those that were shown. Returns how many went.
    """
    report = kept_report(dataset, KIND)
    known = {group["images"][0]: group for group in report.data["groups"]} if report else {}
    unwanted = set()
    for first, (kept, shown) in choices.items():
        members = set(known[first]["images"]) & set(shown) if first in known else set()
        if kept not in members:
            raise NotThere("These groups have changed since the page was made. Look at them again.")
        unwanted |= members - {kept}
    was_current = report.is_current
    count = trash_images(dataset, DatasetImage.objects.filter(pk__in=unwanted), user) if unwanted else 0
    if was_current:  # fewer images make no new duplicates
        report.of = dataset.updated_at
    groups = [_without(known[first], unwanted) for first in known]
    report.data = _counted([group for group in groups if len(group["images"]) > 1])
    report.save(update_fields=["data", "of"])
    return count


def _without(group, unwanted):
    kept = [place for place, pk in enumerate(group["images"]) if pk not in unwanted]
    return {name: [values[place] for place in kept] for name, values in group.items()}


def _counted(groups):
    return {
        "num_groups": len(groups), "num_extra": sum(len(group["images"]) - 1 for group in groups), "groups": groups,
    }  # fmt: skip


def _rank(dataset, pictures):
    """For each picture its place among those to keep: labelled, most boxes, most pixels, most bytes, the oldest."""
    rows = present(dataset).values_list("pk", "is_labeled", "num_boxes", "width", "height", "num_bytes")
    worth = {pk: (labelled, boxes, width * height, size) for pk, labelled, boxes, width, height, size in rows}
    pks = pictures.pk.tolist()

    def key(index):
        return *(-value for value in worth.get(pks[index], (0, 0, 0, 0))), pks[index]

    rank = [0] * len(pks)
    for place, index in enumerate(sorted(range(len(pks)), key=key)):
        rank[index] = place
    return rank


class _Closer:
    """Looks at the thumbnails of two pictures that are near by their signatures; remembers the newest ones read."""

    def __init__(self, dataset, pictures, report):
        self.names = dict(present(dataset).values_list("pk", "thumbnail"))
        self.pks, self.report = pictures.pk.tolist(), report
        self.looks, self.found, self.compared = OrderedDict(), {}, 0

    def alike(self, one, other):
        """Whether the two are the same picture; where a thumbnail is missing, the signatures decide."""
        self.compared += 1
        self.report(0.5 + 0.5 * self.compared / (self.compared + 1000), "Comparing pictures that are close")
        looks = self._look(one), self._look(other)
        if looks[0] is None or looks[1] is None:
            return True
        self.found[one, other] = difference(*looks)
        return self.found[one, other] <= SAME

    def _look(self, index):
        if index in self.looks:
            self.looks.move_to_end(index)
            return self.looks[index]
        try:
            with default_storage.open(self.names.get(self.pks[index], "")) as file:
                look = read_look(file)
        except (OSError, ValueError):  # missing or broken: validation says so, here the signature has to do
            look = None
        self.looks[index] = look
        if len(self.looks) > KEPT_LOOKS:
            self.looks.popitem(last=False)
        return look
