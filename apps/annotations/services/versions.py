"""Immutable versions of a dataset: made when something changed, and only then."""

import tempfile
from array import array
from collections import Counter

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.urls import reverse

from apps.annotations.manifests import FORMAT, ManifestWriter, content_hash_of
from apps.annotations.models import DatasetVersion
from apps.annotations.services.entries import version_entries, version_header, working_entries
from apps.core.jobs import create_job
from apps.core.moments import one_moment
from apps.core.work import WorkFailed
from apps.datasets.models import SPLITS, Dataset, DatasetImage

TASK = "apps.annotations.tasks.snapshot_dataset"
AT_ONCE = 3000  # images that are snapshotted or compared while a request waits; more are a job
TRIES = 4
MAX_NOTE = 200


class _ImagesGone(Exception):
    """Images of the manifest were deleted for good before their files could be held."""


def is_large(dataset):
    """Whether a walk over all its images is too long for a request."""
    return dataset.num_images > AT_ONCE


def start_version(user, dataset, note=""):
    """Queue a snapshot of a large dataset; returns the job."""
    return create_job(
        user,
        "version",
        TASK,
        subject=f"dataset:{dataset.pk}",
        params={"dataset_id": dataset.pk, "note": note},
        about=dataset,
    )


def run_version(job, report):
    """The work of a snapshot job."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    total = max(dataset.num_images, 1)
    version, is_new = create_version(
        dataset, job.owner, job.params["note"], lambda n: report.later(n / total, f"{n} of {total} images")
    )
    words = f"Version {version.number} is made." if is_new else f"Nothing changed since version {version.number}."
    return {
        "number": version.number, "is_new": is_new, "words": words, "page_words": "See the versions",
        "page_url": reverse("annotations:version_list", args=[dataset.pk]),
        "figures": {"version": version.number, "images": version.num_images, "boxes": version.num_boxes},
    }  # fmt: skip


def create_version(dataset, user, note="", tell=None):
    """Snapshot the dataset; returns (version, whether it is new). Nothing changed: the same version again.

    The images are read as they are at one moment, and nobody has to wait for it. `tell(images done)` says how far it
    is. Images that are deleted for good meanwhile make it start over, the last time with everybody else waiting.
    """
    for attempt in range(1, TRIES + 1):
        try:
            if attempt < TRIES:
                return _snapshot(dataset, user, note, tell)
            with transaction.atomic():
                Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
                return _snapshot(dataset, user, note, tell=None)
        except _ImagesGone:
            continue
        except Dataset.DoesNotExist:
            raise WorkFailed("The dataset was deleted meanwhile.") from None
    raise AssertionError("An image went although everybody waited.")


def _snapshot(dataset, user, note, tell):
    with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as draft:
        unheld = array("Q")
        found = write_state(dataset, draft, unheld, tell)
        _hold_files(dataset, unheld)
        draft.seek(0)
        return _keep_version(dataset, user, note, draft, found)


def write_state(dataset, out, unheld=None, tell=None):
    """Write the dataset's manifest as it is at one moment; returns the fields of a version that say what is in it.

    `unheld` collects the ids of the images whose files are in no version yet.
    """
    unheld = array("Q") if unheld is None else unheld
    splits, labeled, num_boxes, train_boxes, done = Counter(), Counter(), 0, 0, 0

    def seen(pk, in_version):
        if not in_version:
            unheld.append(pk)

    with one_moment():
        row = Dataset.objects.get(pk=dataset.pk)
        with ManifestWriter(out, row.task, row.class_names, row.class_keys) as manifest:
            for entry in working_entries(row.images.all(), seen):
                manifest.add(entry)
                count = len(entry["boxes"])
                splits[entry["split"]] += 1
                labeled[entry["split"]] += entry["labeled"]
                num_boxes += count
                train_boxes += count if entry["split"] == "train" and entry["labeled"] else 0
                done += 1
                if tell:
                    tell(done)
    return {
        "content_hash": manifest.content_hash, "class_names": row.class_names, "class_keys": row.class_keys,
        "num_images": done, "num_boxes": num_boxes, "split_counts": {split: splits[split] for split in (*SPLITS, "")},
        "labeled_counts": {split: labeled[split] for split in (*SPLITS, "")} | {"train_boxes": train_boxes},
        "same_at": row.updated_at,
    }  # fmt: skip


def _hold_files(dataset, pks):
    """Mark images as part of a version, so that their files stay without their rows; raises _ImagesGone."""
    for start in range(0, len(pks), 500):
        some = pks[start : start + 500]
        with transaction.atomic():  # whoever deletes images for good holds this lock while they look for the mark
            Dataset.objects.select_for_update().get(pk=dataset.pk)
            if DatasetImage.all_objects.filter(pk__in=some).update(in_version=True) < len(some):
                raise _ImagesGone


def _keep_version(dataset, user, note, draft, found):
    _hash_old_versions_anew(dataset)
    same_at = found.pop("same_at")
    same = DatasetVersion.objects.filter(dataset=dataset, content_hash=found["content_hash"]).first()
    if same is None:
        name = f"datasets/{dataset.pk}/versions/{found['content_hash']}.jsonl.gz"
        default_storage.save(name, File(draft, name=name))
        try:
            return _insert(dataset, user, note, name, same_at, found), True
        except IntegrityError:  # someone made the same version meanwhile
            same = DatasetVersion.objects.get(dataset=dataset, content_hash=found["content_hash"])
    changes = {"same_at": same_at} | ({"note": note} if note and not same.note else {})
    DatasetVersion.objects.filter(pk=same.pk).update(**changes)
    same.refresh_from_db()
    return same, False


@transaction.atomic
def _insert(dataset, user, note, name, same_at, found):
    Dataset.objects.select_for_update().get(pk=dataset.pk)
    number = (dataset.versions.aggregate(last=Max("number"))["last"] or 0) + 1
    return DatasetVersion.objects.create(
        dataset=dataset, number=number, created_by=user, manifest=name, note=note, same_at=same_at, hashed_as=FORMAT,
        **found,
    )  # fmt: skip


def _hash_old_versions_anew(dataset):
    """Versions of the first format get the hash that today's rules give, so that what did not change is found again."""
    for version in dataset.versions.filter(hashed_as__lt=FORMAT):
        content_hash = content_hash_of(version_header(version), version_entries(version))
        try:
            with transaction.atomic():
                DatasetVersion.objects.filter(pk=version.pk).update(content_hash=content_hash, hashed_as=FORMAT)
        except IntegrityError:  # two that differed in what does not count any more: the other one stands for both
            DatasetVersion.objects.filter(pk=version.pk).update(hashed_as=FORMAT)


def set_note(version, note):
    """What people call a version; empty for nothing."""
    version.note = " ".join(note.split())[:MAX_NOTE]
    DatasetVersion.objects.filter(pk=version.pk).update(note=version.note)
    return version


def labeled_counts(version):
    """`{split: labelled images, "train_boxes": boxes to learn from}` of a version; worked out once for old ones."""
    if not version.labeled_counts:
        counts = Counter()
        for entry in version_entries(version):
            counts[entry["split"]] += entry["labeled"]
            counts["train_boxes"] += len(entry["boxes"]) if entry["split"] == "train" and entry["labeled"] else 0
        version.labeled_counts = {name: counts[name] for name in (*SPLITS, "", "train_boxes")}
        DatasetVersion.objects.filter(pk=version.pk).update(labeled_counts=version.labeled_counts)
    return version.labeled_counts


def is_as_now(version, dataset):
    """Whether the dataset is surely as this version has it. False may also mean that only its name was changed."""
    return version.same_at == dataset.updated_at
