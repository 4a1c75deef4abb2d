"""The trash: what is deleted stays for TRASH_DAYS, apart from everything else, and comes back with its labels.

In the trash are rows with `deleted_at`. Their files stay. The same bytes may come in again meanwhile, as a new row that
shares the files: so a file goes only when its last row goes, and never while a version needs it.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.core import audit
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services.classes import successors
from apps.datasets.services.datasets import refresh_counts
from apps.datasets.services.files import forget_files

CHUNK = 500
PURGED_AT_ONCE = 500  # more are a job: their labels and revisions are hundreds of thousands of rows
PURGE_TASK = "apps.datasets.tasks.purge_trash"
REFUSALS_TOLD = 100
THERE_AGAIN = "The same picture is in the dataset again."
TWICE = "The same picture was in the trash more than once; the newest was restored."


def trashed_images(dataset):
    """The images of `dataset` that are in the trash, those deleted last first."""
    return DatasetImage.all_objects.filter(dataset=dataset, deleted_at__isnull=False).order_by("-deleted_at", "-pk")


@transaction.atomic
def trash_images(dataset, images, user, moment=None):
    """Move the images of this queryset to the trash, at `moment` (now); returns how many."""
    _lock(dataset)
    present = images.filter(dataset=dataset, deleted_at=None).order_by()
    names = _first_names(present)
    count = present.update(deleted_at=moment or timezone.now(), deleted_by=user)
    refresh_counts(dataset)
    if count:
        audit.record(user, "moved to the trash", dataset, dataset.team_id, count=count, images=names)
    return count


def _first_names(images):
    return list(images.order_by("pk").values_list("filename", flat=True)[: audit.FIRST])


@transaction.atomic
def restore_images(dataset, images, actor=None):
    """Bring the images of this queryset back from the trash, with their labels, tags and splits.

    Returns how many, and `[{id, filename, reason}]` of those (the first 100) that stay because their bytes are there.
    """
    _lock(dataset)
    images = images.filter(dataset=dataset, deleted_at__isnull=False).order_by()
    again, older = _staying(dataset, list(images.order_by("-pk").values_list("pk", "sha256")))
    back = images.exclude(pk__in=[*again, *older])
    _follow_classes(dataset, back)
    names = _first_names(back)
    count = back.update(deleted_at=None, deleted_by=None)
    refresh_counts(dataset)
    if count:
        audit.record(actor, "restored from the trash", dataset, dataset.team_id, count=count, images=names)
    return count, [*_told(dataset, again, THERE_AGAIN), *_told(dataset, older, TWICE)][:REFUSALS_TOLD]


def _follow_classes(dataset, images):
    """Before images come back: labels of a class that was merged meanwhile go to its heir, those of a deleted one go.

    Labels in the trash are left alone until then, so that whoever takes a merge back first finds them as they were.
    """
    present = Dataset.objects.get(pk=dataset.pk)
    pks = images.values("pk")
    for name in ("annotations", "suggestions"):  # rows of a higher floor, which this one knows by their relation only
        rows = DatasetImage._meta.get_field(name).related_model.objects.filter(image__in=pks)
        gone = rows.exclude(class_key__in=present.class_keys).order_by()
        keys = set(gone.values_list("class_key", flat=True).distinct())
        heirs = successors(present) if keys else {}
        touched = list(gone.values_list("image", flat=True).distinct()) if keys else []
        for key in keys:
            mine = rows.filter(class_key=key)
            if heirs.get(key) is None:
                mine.delete()
            else:
                mine.update(class_key=heirs[key])
        if name == "annotations":
            _count_boxes(touched)


def _count_boxes(pks):
    for start in range(0, len(pks), CHUNK):
        some = DatasetImage.all_objects.filter(pk__in=pks[start : start + CHUNK])
        counts = dict(some.annotate(n=Count("annotations")).values_list("pk", "n"))
        rows = list(some.only("pk"))
        for row in rows:
            row.num_boxes = counts[row.pk]
        DatasetImage.all_objects.bulk_update(rows, ["num_boxes"])


def _staying(dataset, rows):
    """Of `[(pk, sha256), …]`, newest first: pks whose bytes are in the dataset again, and those that a newer one has.

    Asked for by lists of hashes: PostgreSQL, which knows little of a trash just filled, plans a join of it badly.
    """
    hashes, present = [sha256 for _, sha256 in rows], set()
    for start in range(0, len(hashes), CHUNK):
        there = DatasetImage.objects.filter(dataset=dataset, sha256__in=hashes[start : start + CHUNK])
        present.update(there.values_list("sha256", flat=True))
    again, older, seen = [], [], set()
    for pk, sha256 in rows:
        if sha256 in present:
            again.append(pk)
        elif sha256 in seen:
            older.append(pk)
        seen.add(sha256)
    return again, older


def _told(dataset, pks, reason):
    rows = DatasetImage.all_objects.filter(dataset=dataset, pk__in=pks[:REFUSALS_TOLD]).values_list("pk", "filename")
    return [{"id": pk, "filename": filename, "reason": reason} for pk, filename in rows]


def purge_images(dataset, images, report=None, actor=None):
    """Delete the images of this queryset for good, with labels and files, in the trash or not; returns how many.

    `actor`: the person whose wish it is; what the platform tidies up by itself is not written down.
    Each 500 are a transaction of their own: `report(progress, message)` may stop in between, and a kill loses nothing.
    """
    images = images.filter(dataset=dataset).order_by()
    pks = list(images.values_list("pk", flat=True))
    count = 0
    if pks and actor is not None:  # before: what a kill leaves half done was begun
        names = _first_names(images)
        audit.record(actor, "deleted for good", dataset, dataset.team_id, count=len(pks), images=names)
    try:
        for start in range(0, len(pks), CHUNK):
            count += _purge(dataset, images.filter(pk__in=pks[start : start + CHUNK]))
            if report:
                done = min(start + CHUNK, len(pks))
                report(done / len(pks), f"{done} of {len(pks)} images")
    finally:
        refresh_counts(dataset)
    return count


@transaction.atomic
def _purge(dataset, images):
    _lock(dataset)
    gone = list(images.values("pk", "sha256", "file", "thumbnail", "preview", "in_version"))
    DatasetImage.all_objects.filter(pk__in=[row["pk"] for row in gone]).delete()
    still = _with_bytes(dataset, {row["sha256"] for row in gone})
    versioned = {row["sha256"] for row in gone if row["in_version"]}
    for shared in _rows_with_bytes(dataset, still & versioned):
        shared.update(in_version=True)  # whichever of them goes last leaves the file to the version
    unneeded = []
    for row in gone:
        if row["sha256"] not in still:
            unneeded += [row["thumbnail"], row["preview"], "" if row["sha256"] in versioned else row["file"]]
    forget_files(unneeded)
    return len(gone)


def _rows_with_bytes(dataset, hashes):
    """Two querysets, for each has an index of its own: present images, and those in the trash."""
    rows = DatasetImage.all_objects.filter(dataset=dataset, sha256__in=hashes)
    return rows.filter(deleted_at=None), rows.filter(deleted_at__isnull=False)


def _with_bytes(dataset, hashes):
    return {sha256 for rows in _rows_with_bytes(dataset, hashes) for sha256 in rows.values_list("sha256", flat=True)}


def expired_before(now):
    """The moment before which what went into the trash is deleted for good."""
    return now - timedelta(days=settings.TRASH_DAYS)


def purge_expired():
    """Delete for good what has been in the trash for TRASH_DAYS, of all datasets; returns how many."""
    over = expired_before(timezone.now())
    datasets = Dataset.objects.filter(num_trashed__gt=0)
    return sum(purge_images(dataset, trashed_images(dataset).filter(deleted_at__lt=over)) for dataset in datasets)


def purge_from_trash(user, dataset, ids=None):
    """Delete images of the trash for good (None: all that are there); returns (how many, None), or (0, a job)."""
    images = trashed_images(dataset) if ids is None else trashed_images(dataset).filter(pk__in=ids)
    if images.count() <= PURGED_AT_ONCE:
        return purge_images(dataset, images, actor=user), None
    # What is deleted after this moment was not meant.
    params = {"dataset_id": dataset.pk, "ids": ids, "until": timezone.now().isoformat()}
    return 0, create_job(user, "purge", PURGE_TASK, subject=f"dataset:{dataset.pk}", params=params, about=dataset)


def run_purge(job, report):
    """The work of a purge job; safe to run again."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    images = trashed_images(dataset).filter(deleted_at__lte=job.params["until"])
    if job.params["ids"] is not None:
        images = images.filter(pk__in=job.params["ids"])
    count = purge_images(dataset, images, report, actor=job.owner)
    return {
        "figures": {"images deleted for good": count},
        "page_url": f"/datasets/{dataset.pk}/trash",
        "page_words": "Trash",
    }


def _lock(dataset):
    """Uploads, trash and purge of one dataset go one after the other: they judge by the bytes that are there."""
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
