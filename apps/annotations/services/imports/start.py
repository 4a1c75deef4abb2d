"""Queueing an import."""

from pathlib import PurePath

from apps.annotations.services.imports.options import ImportOptions
from apps.core.jobs import create_job

TASK = "apps.annotations.tasks.import_archive"


def start_import(user, dataset, upload, format="auto", new=False, options=None, filename=""):
    """Queue the import of an archive into `dataset`, `new` where it was made for it; returns the job.

    `upload` is a file or the name of a stored one (then `filename` is what the person calls it).
    """
    options = options or ImportOptions(format)
    params = import_params(dataset, filename or upload.name, options, new)
    return create_job(user, "import", TASK, subject=f"dataset:{dataset.pk}", params=params, upload=upload)


def import_params(dataset, filename, options, new=False, **more):
    """What an import job keeps of what was asked."""
    return {
        "dataset_id": dataset.pk, "filename": clean_archive_name(filename), "new": new, **options.as_params(), **more
    }  # fmt: skip


def clean_archive_name(filename):
    """The last part of a path as a person sees it, at most 200 characters."""
    name = PurePath(str(filename).replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-200:] or "archive"
