"""Comparing two versions, or a version with the working state: worked out once and kept."""

import io
import json
import shutil
import tempfile
import uuid
from array import array

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import transaction
from django.urls import reverse

from apps.annotations.manifests import IMAGE_KINDS, compare
from apps.annotations.models import DatasetVersion, VersionComparison
from apps.annotations.services.entries import version_entries, working_entries
from apps.annotations.services.versions import AT_ONCE
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.moments import one_moment
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services.files import forget_files

TASK = "apps.annotations.tasks.compare_versions"
IMAGES_A_PAGE = 48


def comparison_of(user, dataset, older, newer=None):
    """(comparison, None), or (None, the job that works it out) where the dataset is large. No `newer`: as it is now.

    What is kept is used again: two versions never change, and the working state is known by its `updated_at`.
    """
    kept = kept_comparison(dataset, older, newer)
    if kept:
        return kept, None
    if max(row.num_images for row in (dataset, older, newer or older)) <= AT_ONCE:
        return work_out(dataset, older, newer), None
    return None, _start(user, dataset, older, newer)


def kept_comparison(dataset, older, newer=None):
    """What is kept and still holds, or None."""
    kept = VersionComparison.objects.filter(older=older, newer=newer).first()
    return None if kept is None or (newer is None and kept.of != dataset.updated_at) else kept


def _start(user, dataset, older, newer):
    params = {"dataset_id": dataset.pk, "older": older.number, "newer": newer and newer.number}
    mine = Job.objects.filter(owner=user, kind="compare", subject=f"dataset:{dataset.pk}", status__in=Job.ACTIVE)
    same = next((job for job in mine if job.params == params), None)
    return same or create_job(user, "compare", TASK, subject=f"dataset:{dataset.pk}", params=params, about=dataset)


def run_comparison(job, report):
    """The work of a comparison job."""
    versions = DatasetVersion.objects.filter(dataset_id=job.params["dataset_id"]).select_related("dataset")
    older = versions.filter(number=job.params["older"]).first()
    newer = versions.filter(number=job.params["newer"]).first() if job.params["newer"] else None
    if older is None:
        raise WorkFailed("The dataset is gone.")
    dataset = older.dataset
    total = max(older.num_images + (newer.num_images if newer else dataset.num_images), 1)
    comparison = work_out(dataset, older, newer, lambda n: report.later(n / total, f"{n} of {total} images read"))
    arguments = [dataset.pk, older.number, newer.number if newer else "now"]
    return {
        "summary": comparison.summary, "page_url": reverse("annotations:version_compare", args=arguments),
        "page_words": "See what differs", "figures": comparison.summary["images"],
    }  # fmt: skip


def work_out(dataset, older, newer=None, tell=None):
    """Compare and keep; returns the VersionComparison. The memory that it takes does not grow with the dataset."""
    count = [0]

    def counted(entries):
        for entry in entries:
            count[0] += 1
            if tell:
                tell(count[0])
            yield entry

    with _Lists() as lists, one_moment():
        of = None
        if newer is None:
            dataset = Dataset.objects.get(pk=dataset.pk)
            of, after, classes = dataset.updated_at, working_entries(dataset.images.all()), _classes(dataset)
        else:
            after, classes = version_entries(newer), _classes(newer)
        before = version_entries(older)
        summary = compare(counted(before), counted(after), _classes(older), classes, lists.keep)
        name = f"datasets/{dataset.pk}/comparisons/{uuid.uuid4().hex}.jsonl"
        index = lists.store(name)
    return _keep(dataset, older, newer, of, summary, index, name)


def _classes(row):
    """(key, name) of a dataset's or a version's classes."""
    return list(zip(row.class_keys, row.class_names, strict=True))


@transaction.atomic
def _keep(dataset, older, newer, of, summary, index, name):
    Dataset.objects.select_for_update().filter(pk=dataset.pk).first()
    kept = VersionComparison.objects.filter(older=older, newer=newer).first()
    if kept:
        forget_files([kept.file.name])
    else:
        kept = VersionComparison(dataset=dataset, older=older, newer=newer)
    kept.of, kept.summary, kept.index, kept.file = of, summary, index, name
    kept.save()
    return kept


class _Lists:
    """The images that differ, a temporary file for each kind while they are found, then one file with an index."""

    def __enter__(self):
        self._files = {kind: tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) for kind in IMAGE_KINDS}  # noqa: SIM115
        self._offsets = {kind: array("Q") for kind in IMAGE_KINDS}
        self._counts = dict.fromkeys(IMAGE_KINDS, 0)
        return self

    def __exit__(self, *exc):
        for file in self._files.values():
            file.close()

    def keep(self, kind, item):
        file = self._files[kind]
        if self._counts[kind] % IMAGES_A_PAGE == 0:
            self._offsets[kind].append(file.tell())
        self._counts[kind] += 1
        file.write(json.dumps(item, separators=(",", ":")).encode() + b"\n")

    def store(self, name):
        """Store all as `name`; returns `{kind: [where each page begins, …, where the last ends]}` in bytes."""
        index, start = {}, 0
        with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as whole:
            for kind, file in self._files.items():
                length = file.tell()
                file.seek(0)
                shutil.copyfileobj(file, whole, 1 << 20)
                index[kind] = [start + offset for offset in self._offsets[kind]] + [start + length]
                start += length
            whole.seek(0)
            default_storage.save(name, File(whole, name=name))
        return index


def num_pages(comparison, kind):
    """How many pages the list of images of a kind has."""
    return len(comparison.index[kind]) - 1


def page_of(comparison, kind, number):
    """The images of page `number` (from 1) of a list, each with `image`, its row, where it is still in the dataset."""
    if not 1 <= number <= num_pages(comparison, kind):
        return []
    start, end = comparison.index[kind][number - 1 : number + 1]
    with comparison.file.open("rb") as file:
        file.seek(start)
        items = [json.loads(line) for line in io.BytesIO(file.read(end - start))]
    rows = DatasetImage.objects.filter(dataset=comparison.dataset_id, sha256__in=[item["sha256"] for item in items])
    images = {image.sha256: image for image in rows}
    return [item | {"image": images.get(item["sha256"])} for item in items]
