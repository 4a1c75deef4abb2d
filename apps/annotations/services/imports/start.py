"""Queueing an import."""

import time
from pathlib import PurePath

from apps.annotations.services.imports.options import ImportOptions
from apps.annotations.services.imports.run import run_import
from apps.core.jobs import create_job, run_job
from apps.core.models import Job

TASK = "apps.annotations.tasks.import_archive"


def start_import(user, dataset, upload, format="auto", new=False, options=None, filename=""):
    """Queue the import of an archive into `dataset`, `new` where it was made for it; returns the job.

    `upload` is a file or the name of a stored one (then `filename` is what the person calls it).
    """
    options = options or ImportOptions(format)
    params = import_params(dataset, filename or upload.name, options, new)
    return create_job(
        user, "import", TASK, subject=f"dataset:{dataset.pk}", params=params, upload=upload, about=dataset
    )


def import_params(dataset, filename, options, new=False, **more):
    """What an import job keeps of what was asked."""
    return {
        "dataset_id": dataset.pk, "filename": clean_archive_name(filename), "new": new, **options.as_params(), **more
    }  # fmt: skip


def clean_archive_name(filename):
    """The last part of a path as a person sees it, at most 200 characters."""
    name = PurePath(str(filename).replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[-200:] or "archive"


def import_here(user, dataset, path, options, new, say):
    """Import a file or folder of this machine in this process; yields the job when it is made, then runs it.

    `say(progress, message)` is called as it goes. Where this process is killed, a worker on this machine goes on.
    """
    params = import_params(dataset, path.name, options, new, path=str(path))
    job = Job.objects.create(
        owner=user, team_id=dataset.team_id, kind="import", task=TASK, subject=f"dataset:{dataset.pk}", params=params
    )
    yield job
    run_job(job.pk, lambda job, report: run_import(job, _Told(report, say)))


class _Told:
    """A job's reporter that tells somebody else too, when the message changed and a moment has passed."""

    def __init__(self, report, say):
        self._report, self._say, self._last = report, say, 0.0
        self.check = report.check

    def __call__(self, progress, message=""):
        self._report(progress, message)
        if progress >= 1 or time.monotonic() - self._last >= 1:
            self._last = time.monotonic()
            self._say(progress, message)
