"""Deleting jobs and uploads with their files, by hand or with the person whose they are."""

from django.core.files.storage import default_storage
from django.db import transaction

from apps.core import audit
from apps.core.jobs import UNASKED
from apps.core.leaving import named
from apps.core.models import Job
from apps.core.uploads import delete_upload, is_held


@transaction.atomic
def delete_job(job, actor):
    """The row goes with its files; a worker that runs it finds it gone, and stops."""
    audit.record(actor, "deleted", job, job.team_id, owner=job.owner.username, status=job.status)
    delete_jobs(Job.objects.filter(pk=job.pk))


@transaction.atomic
def delete_jobs(jobs, actor=None):
    """The rows of this queryset go, and when that is for good their files, unless others know them.

    `actor` is taken as every Possession's `delete` is called: what is deleted here is a count on a larger thing's row.
    """
    names = list(jobs.values_list("upload", "file"))
    jobs.delete()
    transaction.on_commit(lambda: _drop_files(names), robust=True)


def _drop_files(names):
    for upload, file in names:
        if file:
            default_storage.delete(file)
        if upload and not is_held(upload):
            default_storage.delete(upload)


def jobs_against(user):
    """Why a person with work under way is not deleted, as a list of sentences."""
    active = Job.objects.filter(owner=user, team=None, status__in=Job.ACTIVE).exclude(kind__in=UNASKED).order_by("pk")
    return [f"Work of theirs is under way ({named(active)}): wait until it has ended, or cancel it."] if active else []


@transaction.atomic
def delete_uploads(uploads, actor=None):
    """The rows of this queryset go, and when that is for good their bytes, unless a job reads them."""
    gone = list(uploads)
    uploads.delete()
    transaction.on_commit(lambda: [delete_upload(upload) for upload in gone], robust=True)
