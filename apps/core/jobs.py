"""Jobs: make one, run one, read one."""

import logging
import re
import time
import traceback
from datetime import timedelta
from pathlib import PurePath

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from apps.core import room, work
from apps.core.access import team_for
from apps.core.models import Job, Upload
from apps.core.processes import stopping
from apps.core.webhooks.events import event_of, job_in_short
from apps.core.webhooks.telling import tell
from apps.core.work import WorkCancelled, WorkFailed, WorkHandedBack

log = logging.getLogger(__name__)
MAX_ATTEMPTS = 3
HEX = re.compile("[0-9a-f]{32}")  # of an upload's id
WAITING = "Waiting for a worker"
STRAY_AGE = timedelta(days=1)  # a file is there before its row, and for longer than any job takes to write it
UNASKED = ("statistics", "preview")  # kinds that the platform starts by itself: a person's list does not show them


def create_job(owner, kind, task, subject="", params=None, upload=None, message=WAITING, about=None, team_id=None):
    """Make a pending job and send it to its queue when the transaction commits.

    `about` is the row that it works on: of a team's, the job is the team's too, where `owner` is a member. `team_id`
    says whose it is whoever asks.

    `upload` is a file, or the name of a stored one, which other rows may know as well.
    """
    job = Job(owner=owner, kind=kind, task=task, subject=subject, params=params or {}, message=message)
    job.team_id = team_for(owner, about) if team_id is None else team_id
    if upload is not None:
        if isinstance(upload, str):
            job.upload.name = upload
        else:
            job.upload.save(upload.name, upload, save=False)
        job.expires_at = timezone.now() + timedelta(hours=settings.JOB_FILE_HOURS)
    job.save()
    work.enqueue_on_commit(job, task)
    return job


class JobRefused(ValueError):
    """The job cannot be queued again; the message says why."""


@transaction.atomic
def requeue_job(job):
    """Queue a job that failed or was cancelled again, and send one that waits anew. Raises JobRefused."""
    job = Job.objects.select_for_update().get(pk=job.pk)
    if job.status != Job.Status.PENDING:
        had_upload = job.expires_at is not None and not job.upload
        if had_upload:
            raise JobRefused("The file that it was to read is past its time. Who asked for it must send it again.")
        expires = {"expires_at": timezone.now() + timedelta(hours=settings.JOB_FILE_HOURS)} if job.upload else {}
        stopped = [Job.Status.FAILED, Job.Status.CANCELLED]
        if not work.resume(job, stopped, progress=0, message=WAITING, **expires):
            raise JobRefused(f"Only what failed, was cancelled, or waits is queued again; this is {job.status}.")
    work.enqueue_on_commit(job, job.task)


class Reporter:
    """What a job's work calls to say how far it is; raises WorkCancelled or WorkHandedBack when it must stop."""

    def __init__(self, job, heartbeat):
        self.job, self._heartbeat, self._said = job, heartbeat, 0.0

    def __call__(self, progress, message=""):
        """Say `progress` (0..1) and a few words; written at most twice a second."""
        self.check()
        if time.monotonic() - self._said >= 0.5:
            self._said = time.monotonic()
            self._heartbeat.say()  # what was to be said later is old now
            work.update_running(self.job, progress=min(max(progress, 0), 1), message=message[:300])

    def later(self, progress, message=""):
        """As a call, for work that may not write now, inside `one_moment()`: the next heartbeat writes it."""
        self.check()
        self._heartbeat.say(progress=min(max(progress, 0), 1), message=message[:300])

    def check(self):
        """Raise where the work must stop."""
        if self._heartbeat.lost.is_set():
            raise WorkCancelled
        if stopping.is_set():
            raise WorkHandedBack


def run_job(pk, do):
    """Claim job `pk` and run `do(job, report) -> result dict` to one of the ends; safe to call twice."""
    job = work.claim(Job, pk)
    if job is None:
        return
    kept = False
    with work.Heartbeat(job) as heartbeat:
        try:
            if job.message == WAITING:
                work.update_running(job, message="Starting")
            result = do(job, Reporter(job, heartbeat))
        except WorkCancelled:
            log.info("job %s was cancelled", pk)
        except WorkHandedBack:
            work.hand_back(job, count_attempt=False)
        except WorkFailed as failure:
            _end(job, Job.Status.FAILED, error_message=str(failure))
        except Exception as error:
            log.exception("job %s (%s)", pk, job.kind)
            if work.database_is_away(error):
                return  # the sweep gives it back
            words = room.OF_A_JOB if room.is_full(error) else work.UNFORESEEN
            _end(job, Job.Status.FAILED, error_message=words, traceback=traceback.format_exc())
        else:
            expires = timezone.now() + timedelta(hours=settings.JOB_FILE_HOURS)
            kept = _end(
                job, Job.Status.COMPLETED, progress=1, message="Done", result=result, file=job.file.name,
                expires_at=expires,
            )  # fmt: skip
    if job.file and not kept:
        default_storage.delete(job.file.name)  # no row knows of it


@transaction.atomic
def _end(job, status, **values):
    """Move a job that this worker runs to its end, and tell of it; True where it still was its own."""
    ended = work.end(job, status, **values)
    if ended:
        tell_of_end(job)
    return ended


def tell_of_end(job):
    """Tell webhooks how a job ended, in the transaction that ended it."""
    event = event_of(job)
    if event:
        tell(event, job, job_in_short(job))


def with_expired_files(now):
    """The jobs whose files are past their time."""
    return Job.objects.filter(expires_at__lt=now).exclude(status__in=Job.ACTIVE).exclude(upload="", file="")


def expire_files():
    """Delete the files of jobs that are past their time; returns how many jobs lost files."""
    count = 0
    for job in with_expired_files(timezone.now())[:1000]:
        if job.file:
            default_storage.delete(job.file.name)
        _let_go_of_upload(job)
        Job.objects.filter(pk=job.pk).update(file="")
        count += 1
    return count


def sweep_stray_files():
    """Delete files of jobs that no row knows, for a kill came before the row was written; returns how many."""
    over, count = timezone.now() - STRAY_AGE, 0
    for folder in ("jobs/in", "jobs/out"):
        try:
            names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
        except FileNotFoundError:
            continue
        for start in range(0, len(names), 500):
            some = names[start : start + 500]
            known = set(Job.objects.filter(upload__in=some).values_list("upload", flat=True))
            known |= set(Job.objects.filter(file__in=some).values_list("file", flat=True))
            known |= set(Upload.objects.filter(file__in=some).values_list("file", flat=True))
            known |= _coming(some)
            for name in set(some) - known:
                if default_storage.get_modified_time(name) < over:
                    default_storage.delete(name)
                    count += 1
    return count


def _coming(names):
    """Those of uploads that are not noted yet: a store may date them by when their first part came."""
    by_stem = {PurePath(name).stem: name for name in names}
    ids = [stem for stem in by_stem if HEX.fullmatch(stem)]
    return {by_stem[pk.hex] for pk in Upload.objects.filter(pk__in=ids).values_list("pk", flat=True)}


@transaction.atomic
def _let_go_of_upload(job):
    """Two jobs may read one upload: the last that knows it takes it along."""
    if not job.upload:
        return
    sharers = Job.objects.select_for_update().filter(upload=job.upload.name).order_by("pk").values_list("pk", flat=True)
    if len(sharers) == 1 and not Upload.objects.filter(file=job.upload.name).exists():
        default_storage.delete(job.upload.name)
    Job.objects.filter(pk=job.pk).update(upload="")
