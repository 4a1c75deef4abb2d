"""Leaks: images of one source on both sides of a split, which make a validation look better than it is."""

import time
from collections import Counter

from apps.core.jobs import create_job
from apps.datasets.models import SPLITS, DatasetImage, DatasetReport
from apps.datasets.services.moves import MEND, dataset_of, make_moves, moves_between, start_moves
from apps.datasets.services.pictures import classes_on, present, read_pictures
from apps.datasets.services.reports import keep_report
from apps.datasets.services.signatures import fill_signatures
from apps.datasets.sharing import share_out
from apps.datasets.sources import leaks, link, near_links

KIND = DatasetReport.Kind.LEAKS
LOOK, LOOK_TASK, MEND_TASK = "leak check", "apps.datasets.tasks.find_leaks", "apps.datasets.tasks.mend_leaks"
KEPT_SHARE = 0.9  # of what a split had: mending by the majority may not take more


def start_look(user, dataset):
    """Queue a look for leaks; returns the job."""
    return create_job(
        user, LOOK, LOOK_TASK, subject=f"dataset:{dataset.pk}", params={"dataset_id": dataset.pk}, about=dataset
    )


def start_mend(user, dataset):
    """Queue the mending of all leaks; returns the job, or raises MovesUnderWay."""
    return start_moves(user, dataset, MEND, MEND_TASK)


def run_look(job, report):
    """The work of a look: keeps the report, and says how many."""
    dataset = dataset_of(job)
    data = look_for_leaks(dataset, report).data
    figures = {"leaking groups": data["num_groups"], "images in them": data["num_images"]}
    return {**_page(dataset), "figures": figures, **{k: data[k] for k in ("num_groups", "num_images", "kinds")}}


def look_for_leaks(dataset, report=lambda part, words="": None):
    """Work out the leaks of a dataset as it is now; returns the kept report."""
    began, of = time.monotonic(), dataset.updated_at
    pictures, near = _assigned(dataset, report)
    return keep_leaks(dataset, pictures, link(pictures, near), of, time.monotonic() - began)


def leaks_of_splits(dataset, split_of, report=lambda part: None):
    """What leaks where a dataset's images are split otherwise than now: `split_of` is `{sha256: split}`.

    Told as in the report. Images that are gone for good are not known any more and leak nothing.
    """
    fill_signatures(dataset, report)
    pictures = read_pictures(DatasetImage.all_objects.filter(dataset=dataset))
    place = {sha256: index for index, sha256 in enumerate(pictures.sha256) if sha256 in split_of}
    pictures = pictures.only(list(place.values()))
    pictures.split = [split_of[sha256] for sha256 in pictures.sha256]
    return _data(pictures, link(pictures, near_links(pictures, report)))


def keep_leaks(dataset, pictures, links, of=None, seconds=0.0):
    """Keep what leaks by `links` as the dataset's report; `pictures` all have a split."""
    return keep_report(dataset, KIND, _data(pictures, links), of or dataset.updated_at, seconds)


def _data(pictures, links):
    found = [_told(leak, pictures) for leak in leaks(links, pictures.split)]
    return {
        "num_groups": len(found),
        "num_images": sum(len(pks) for leak in found for pks in leak["images"].values()),
        "kinds": dict(Counter(kind for leak in found for kind in leak["kinds"])),
        "groups": found,
    }


def run_mend(job, report):
    """The work of mending: every leaking group goes to one side. Run twice, it finds nothing left to mend."""
    dataset = dataset_of(job)
    if job.result.get("applied"):
        return job.result
    pictures, near = _assigned(dataset, report)
    links = link(pictures, near)
    report(0.8, "Moving the groups")
    after, way = _mended(dataset, pictures, links)
    groups = len(leaks(links, pictures.split))
    moves = moves_between(pictures.pk.tolist(), pictures.split, after)
    moved = sum(len(move[2]) for move in moves)
    result = {**_page(dataset), "figures": {"groups mended": groups, "images moved": moved}, "way": way}
    result["moved"] = make_moves(dataset, moves, job, result)
    pictures.split = after
    keep_leaks(dataset, pictures, links)
    return {**result, "applied": True}


def _mended(dataset, pictures, links):
    """(the split of each image with every group on one side, "majority" or "shares")."""
    before, members = list(pictures.split), [leak["members"] for leak in leaks(links, pictures.split)]
    after = list(before)
    for indices in members:
        there = Counter(before[index] for index in indices)
        side = max(there, key=lambda split: (there[split], -SPLITS.index(split)))
        for index in indices:
            after[index] = side
    had, has = Counter(before), Counter(after)
    if all(has[split] >= KEPT_SHARE * had[split] for split in had):
        return after, "majority"
    # Frames shared out one by one are mostly in train: by the majority, validation would be left empty.
    loose = list(before)
    for indices in members:
        for index in indices:
            loose[index] = ""
    shares = {split: had[split] / len(before) for split in SPLITS}
    classes = classes_on(present(dataset), pictures)
    return share_out(links.groups().tolist(), loose, pictures.sha256, classes, shares), "shares"


def _assigned(dataset, report):
    report(0, "Looking at the pictures")
    fill_signatures(dataset, lambda part: report(0.3 * part, "Taking missing signatures"))
    pictures = read_pictures(present(dataset).exclude(split=""))
    return pictures, near_links(
        pictures, lambda part: report(0.3 + 0.5 * part, "Looking for nearly the same pictures")
    )  # fmt: skip


def _told(leak, pictures):
    """A leak as it is kept: images by split, why, and pairs across, by their ids."""
    images = {split: [] for split in SPLITS}
    for index in leak["members"]:
        images[pictures.split[index]].append(int(pictures.pk[index]))
    pairs = [[int(pictures.pk[one]), int(pictures.pk[other]), kind] for one, other, kind in leak["pairs"]]
    return {"images": {split: pks for split, pks in images.items() if pks}, "kinds": leak["kinds"], "pairs": pairs}


def _page(dataset):
    return {"page_url": f"/datasets/{dataset.pk}/health/leaks", "page_words": "See the leaks"}
