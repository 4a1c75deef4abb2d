"""Many small files that a sender puts straight into an S3 store, for one job that takes them in.

The job's row comes first and is paused: it says which names and bytes may come, and the signed addresses hold that. So
nothing lies in the store that no row knows of. `complete` gives the job to a worker, which reads each file once, from a
place that no other has, and judges what it read: what a sender puts there afterwards is never looked at. The files go
when the job has ended; what a kill or a late sender leaves, the sweep finds.
"""

import logging
import re
import secrets
from datetime import timedelta

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.core import s3, work
from apps.core.access import team_for
from apps.core.direct_uploads import is_offered
from apps.core.jobs import WAITING
from apps.core.models import Job
from apps.core.storage import is_local
from apps.core.upload_errors import UploadGone, WrongWay

log = logging.getLogger(__name__)
MOST_FILES = 100  # of one job
MOST_OPEN = 20  # announced and not complete, of one person
GRACE = timedelta(hours=1)  # for what is still on its way when its address ends
FOLDER = re.compile(r"(\d{1,18})-([0-9a-f]{32})")
COMING = (Job.Status.PAUSED, Job.Status.PENDING)


def announce(owner, kind, task, about, subject, files, **params):
    """The paused job that takes in `files` = `{number: (name, bytes)}`; raises WrongWay."""
    if not is_offered():
        raise WrongWay("Files do not go straight to a store here: send them with the request itself.")
    sent = {
        "token": secrets.token_hex(16), "bytes": sum(size for _, size in files.values()),
        "files": [[number, name, size] for number, (name, size) in files.items()],
    }  # fmt: skip
    _give_up_oldest(owner, kind)
    return Job.objects.create(
        owner=owner, team_id=team_for(owner, about), kind=kind, task=task, subject=subject, params=params | sent,
        status=Job.Status.PAUSED, message="Its files are on their way", expires_at=timezone.now() + _time(),
    )  # fmt: skip


def coming_bytes(owner, kind):
    """Bytes that this person announced, and that no worker has looked at."""
    rows = Job.objects.filter(owner=owner, kind=kind, status__in=COMING).order_by()
    return sum(size or 0 for size in rows.values_list("params__bytes", flat=True))


def addresses(job):
    """`{number: address}`: each takes a PUT of exactly the bytes of that file, for S3_SIGNED_SECONDS."""
    client = s3.client()
    return {
        number: client.generate_presigned_url(
            "put_object", ExpiresIn=settings.S3_SIGNED_SECONDS,
            Params={**s3.place(_name(job, number)), "ContentLength": size},
        )
        for number, _, size in job.params["files"]
    }  # fmt: skip


@transaction.atomic
def complete(job):
    """Give the job to a worker; finding that done is as good. Raises UploadGone where it was given up meanwhile."""
    if work.resume(job, [Job.Status.PAUSED], message=WAITING):
        work.enqueue_on_commit(job, job.task)
    job.refresh_from_db()
    if job.status == Job.Status.CANCELLED:
        raise UploadGone("This was cancelled, or given up after its time: announce its files again.")


def read(job, number, size):
    """The bytes of a file as announced; None where it did not come."""
    data = s3.read(_name(job, number), size + 1)
    return data if data is not None and len(data) == size else None


def forget(job):
    """Delete what was sent for a job that has ended."""
    if Job.objects.filter(pk=job.pk, status__in=Job.ENDED).exists():
        _empty(_folder(job))


def sweep():
    """Give up what was announced and not sent in its time, and delete what no job will read; returns how many went."""
    count = sum(work.cancel(job, message="Given up: its files did not come in time") for job in overdue(timezone.now()))
    if is_local(default_storage):
        return count
    names = [name for name in default_storage.listdir("jobs/in")[0] if FOLDER.fullmatch(name)]
    for start in range(0, len(names), 500):
        count += _sweep(names[start : start + 500])
    return count


def overdue(now):
    """The jobs whose files did not come in their time."""
    return Job.objects.filter(status=Job.Status.PAUSED, expires_at__lt=now)


def _sweep(names):
    by_job = {int(FOLDER.fullmatch(name)[1]): f"jobs/in/{name}" for name in names}
    waiting = Job.objects.filter(pk__in=by_job).exclude(status__in=Job.ENDED)
    kept = {_folder(job) for job in waiting.only("params")}
    return sum(_empty(f"jobs/in/{name}") for name in names if f"jobs/in/{name}" not in kept)


def _empty(folder):
    """Delete the files of a folder; returns how many."""
    names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
    for start in range(0, len(names), 1000):
        keys = [{"Key": s3.key(name)} for name in names[start : start + 1000]]
        s3.client().delete_objects(Bucket=default_storage.bucket_name, Delete={"Objects": keys, "Quiet": True})
    return len(names)


def _give_up_oldest(owner, kind):
    """A page that was closed halfway must not keep its person from sending again."""
    mine = Job.objects.filter(owner=owner, kind=kind, status=Job.Status.PAUSED).order_by("-pk")
    for job in mine[MOST_OPEN - 1 :]:
        work.cancel(job, message="Given up: others were announced since")


def _time():
    return timedelta(seconds=settings.S3_SIGNED_SECONDS) + GRACE


def _folder(job):
    return f"jobs/in/{job.pk}-{job.params.get('token', '')}"


def _name(job, number):
    return f"{_folder(job)}/{number}"
