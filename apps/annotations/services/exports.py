"""Exporting a dataset, as it is or as a version has it, as an archive: a job."""

import re
import tempfile
from contextlib import contextmanager

from django.conf import settings

from apps.annotations.manifests import read_entries, read_header
from apps.annotations.models import DatasetVersion
from apps.annotations.services.entries import version_entries, version_header
from apps.annotations.services.export_archive import ExportArchive
from apps.annotations.services.export_labels import ExportLabels
from apps.annotations.services.versions import labeled_counts, write_state
from apps.core.jobs import create_job
from apps.core.storage import new_draft
from apps.core.work import WorkFailed
from apps.datasets.models import SPLITS, Dataset

TASK = "apps.annotations.tasks.export_archive"


def start_export(user, dataset, format="yolo", splits=(), only_labeled=True, version=None, with_images=True):
    """Queue an export; returns the job. No `splits` means all, images without one included; no `version`, as it is now.

    Without images the archive has the label files alone.
    """
    params = {
        "dataset_id": dataset.pk, "format": format, "splits": list(splits), "only_labeled": only_labeled,
        "version": version.number if version else None, "with_images": with_images,
    }  # fmt: skip
    return create_job(user, "export", TASK, subject=f"dataset:{dataset.pk}", params=params, about=dataset)


def run_export(job, report):
    """The work of an export job: the archive is written to disk as a stream and stored when it is whole."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    with _state(dataset, job.params, report) as (header, entries, counts):
        wanted = _Wanted(job.params)
        total = wanted.count(counts)
        if not total:
            raise WorkFailed("No image matches: nothing to export.")
        labels = ExportLabels(dataset, header, lossless=job.params["format"] == "ndjson")
        with new_draft() as draft:
            archive = ExportArchive(draft, with_images=job.params.get("with_images", True))
            archive.write(job.params["format"], labels, filter(wanted, entries), lambda n: _tell(report, n, total))
            size = draft.tell()
            report(1, "Storing the archive")
            draft.seek(0)
            filename = _filename(dataset, job.params)
            job.file.save(filename, draft, save=False)
    return {
        "url": f"/api/v1/jobs/{job.pk}/file", "filename": filename, "images": labels.images, "boxes": labels.boxes,
        "bytes": size, "version": job.params.get("version"),
        "figures": {"images": labels.images, "boxes": labels.boxes, "MB": round(size / 2**20, 1)},
    }  # fmt: skip


@contextmanager
def _state(dataset, params, report):
    """(header, entries, counts) of what is exported, which stays what it is however long the export takes."""
    if params.get("version"):
        version = DatasetVersion.objects.filter(dataset=dataset, number=params["version"]).first()
        if version is None:
            raise WorkFailed(f"The dataset has no version {params['version']}.")
        counts = {"split_counts": version.split_counts, "labeled_counts": labeled_counts(version)}
        yield version_header(version), version_entries(version), counts
        return
    with tempfile.TemporaryFile(dir=settings.UPLOAD_DIR) as state:
        # Labels are read at one moment; pictures never change, so that they can be copied at leisure.
        counts = write_state(dataset, state, tell=lambda n: report.later(0, f"Reading the labels of {n} images"))
        state.seek(0)
        header = read_header(state)
        state.seek(0)
        yield header, read_entries(state), counts


def _tell(report, done, total):
    report(done / total, f"{done} of {total} images")


class _Wanted:
    """Which images were asked for."""

    def __init__(self, params):
        self.splits = params["splits"] or (*SPLITS, "")
        self.only_labeled = params["only_labeled"]

    def __call__(self, entry):
        return entry["split"] in self.splits and (entry["labeled"] or not self.only_labeled)

    def count(self, counts):
        of = counts["labeled_counts" if self.only_labeled else "split_counts"]
        return sum(of.get(split, 0) for split in self.splits)


def _filename(dataset, params):
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", dataset.name).strip("-") or "dataset"
    version = f"-v{params['version']}" if params.get("version") else ""
    labels = "" if params.get("with_images", True) else "-labels"
    return f"{name}{version}-{params['format']}{labels}.zip"
