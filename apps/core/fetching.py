"""Files from an address: a job streams what it answers into the store, as an upload that imports take.

The address is asked through `outgoing`, so it reaches nothing inside our own network, at no redirect. What it claims
(name, size) is a claim: what counts is counted while the bytes come. It may hold a signature behind its question mark,
so it is kept only until the bytes are here, and shown and written down without it.
"""

import shutil
import time
import uuid
from pathlib import Path
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.http import parse_header_parameters

from apps.core import audit, outgoing, uploads, work
from apps.core.jobs import create_job
from apps.core.models import Job, Upload
from apps.core.storage import new_draft
from apps.core.text import sized
from apps.core.upload_errors import TooManyUploads, UploadError, UploadTooLarge
from apps.core.work import WorkCancelled, WorkFailed, WorkHandedBack

TASK = "apps.core.tasks.fetch_upload"
MOST_AT_ONCE = 5  # of one person
LONGEST = 2000  # characters of an address
CHECK_BYTES = 16 * 2**20  # quotas and the disk are asked after so many


def ask(user, url):
    """What a job keeps that fetches for `user`. Raises outgoing.Refused for an address that is never asked, and
    TooManyUploads where as many as one person may have are under way."""
    if len(url) > LONGEST:
        raise outgoing.Refused(f"An address has at most {LONGEST} characters.")
    outgoing.check_url(url)
    if Job.objects.filter(owner=user, status__in=Job.ACTIVE, params__has_key="url").count() >= MOST_AT_ONCE:
        raise TooManyUploads(f"{MOST_AT_ONCE} files of yours are being fetched. Wait for one, or cancel it.")
    audit.record(user, "asked for a file from an address", url=shown(url))
    return {"url": url, "from": shown(url), "fetched": str(uuid.uuid4()), "filename": name_in(url)}


def shown(url):
    """An address without what may be a secret in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}{parts.path}"[:300]


def name_in(url):
    """The file name that an address ends with, or "archive"."""
    return uploads.clean_filename(unquote(urlsplit(url).path))


def start_fetch(user, url):
    """Queue the fetching of a file, which becomes an upload of `user`'s; raises as `ask`."""
    with transaction.atomic():
        return create_job(user, "fetch", TASK, params=ask(user, url))


def run_fetch(job, report):
    """The work of a `fetch` job; its result names the upload."""
    upload = _upload(job, report)
    words = f"{upload.filename} ({sized(upload.size)}) is here, as an upload with the id {upload.pk}."
    return {"upload": str(upload.pk), "filename": upload.filename, "size": upload.size, "words": words}


def fetch_for(job, report, share):
    """Fetch what another job is to read, as the first `share` of its progress; harmless where that was done before."""
    if job.upload or "fetched" not in job.params:
        return
    upload = _upload(job, report, share)
    work.update_running(
        job, upload=upload.file.name, expires_at=upload.expires_at, params=job.params | {"filename": upload.filename}
    )
    job.upload.name = upload.file.name


def _upload(job, report, share=1.0):
    """The Upload of what is fetched, made or found made: it counts in its owner's quota as what they send does."""
    upload = Upload.objects.filter(pk=job.params["fetched"]).first()
    if upload is None:
        upload = fetch(job, report, share)
        upload.save(force_insert=True)
    forget_address(job)
    return upload


def fetch(job, report, share=1.0):
    """The Upload, not saved yet, of what the job's address answers, its bytes in the store; raises WorkFailed.

    Killed, it leaves a draft or a stored file that no row knows, which are swept; done again, it takes the same name.
    """
    url, ends = job.params.get("url"), time.monotonic() + settings.FETCH_MINUTES * 60
    if not url:
        raise WorkFailed("The address is not kept after an attempt that failed. Give it again.")

    def must_stop():
        return time.monotonic() > ends or _is_ended(report)

    try:
        with new_draft() as draft, outgoing.get(url, must_stop) as (response, last_url):
            _check_answer(response)
            size = _receive(response, draft, job.owner, _Said(report, share), must_stop)
            upload = Upload(
                pk=uuid.UUID(job.params["fetched"]), owner=job.owner, filename=_filename(response, last_url), size=size,
                offset=size, expires_at=uploads.expiry(),
            )  # fmt: skip
            draft.seek(0)
            upload.file.name = default_storage.save(uploads.stored_name(upload), draft)
        return upload
    except (outgoing.Refused, outgoing.Unreachable, UploadError) as error:
        report.check()
        words = (
            f"It was not all here after {settings.FETCH_MINUTES} minutes." if time.monotonic() > ends else str(error)
        )
        forget_address(job)
        raise WorkFailed(words) from None


def _is_ended(report):
    try:
        report.check()
    except (WorkCancelled, WorkHandedBack):
        return True
    return False


def _check_answer(response):
    if response.status in (401, 403):
        raise outgoing.Unreachable(
            f"It answered {response.status}: it is not open to us. Give an address that needs no sign-in."
        )
    if response.status != 200:
        raise outgoing.Unreachable(f"It answered {response.status} instead of a file.")
    coding = response.headers.get("Content-Encoding", "identity").lower()
    if coding != "identity":
        raise outgoing.Refused(f"It sent the file compressed once more ({coding[:20]}), though it was asked not to.")
    if response.length == 0:
        raise outgoing.Unreachable("The file there is empty.")


class _Said:
    """Tells how much is here, as a share of a job's progress."""

    def __init__(self, report, share):
        self.report, self.share = report, share

    def __call__(self, here, claimed):
        if claimed:
            self.report(self.share * min(here / claimed, 1), f"{sized(here)} of {sized(claimed)} are here")
        else:
            self.report(0, f"{sized(here)} are here")


def _receive(response, draft, owner, say, must_stop):
    """Write the body to the draft; its size in bytes. Raises UploadError, Refused, Unreachable."""
    claimed, here, checked = response.length, 0, 0
    _check_fits(owner, claimed or 1, claimed or 0)
    for piece in outgoing.pieces(response):
        here += len(piece)
        if here > settings.MAX_ARCHIVE_BYTES:
            raise _too_large()
        if here - checked >= CHECK_BYTES:
            _check_fits(owner, here, 0)
            checked = here
        draft.write(piece)
        say(here, claimed)
    if must_stop():  # a connection that was ended may look like a body that ends
        raise outgoing.Unreachable("It was ended.")
    if claimed is not None and here < claimed:
        raise outgoing.Unreachable(f"The connection broke after {here} of {claimed} bytes. Try again.")
    if not here:
        raise outgoing.Unreachable("The file there is empty.")
    _check_fits(owner, here, 0)
    return here


def _check_fits(owner, size, coming):
    """Raise UploadTooLarge where `size` bytes may not be, or the `coming` ones do not fit on this disk."""
    if size > settings.MAX_ARCHIVE_BYTES:
        raise _too_large()
    uploads.check_quotas(owner, size)
    if coming > shutil.disk_usage(Path(settings.UPLOAD_DIR)).free:
        raise UploadTooLarge("There is not enough room on the server's disk for this file.")


def _too_large():
    return UploadTooLarge(f"The file is larger than {settings.MAX_ARCHIVE_BYTES // 2**20} MB.")


def _filename(response, url):
    _, said = parse_header_parameters(response.headers.get("Content-Disposition", ""))
    name = said.get("filename", "")
    return uploads.clean_filename(name) if name else name_in(url)


def forget_address(job):
    """Keep the address no longer than it is needed: its question mark may be followed by a signature."""
    job.params = {name: value for name, value in job.params.items() if name != "url"}
    Job.objects.filter(pk=job.pk).update(params=job.params)


def forget_addresses():
    """The same of jobs that ended before their turn came; returns of how many."""
    ended = Job.objects.filter(params__has_key="url", status__in=Job.ENDED).order_by("pk")[:1000]
    for job in ended:
        forget_address(job)
    return len(ended)
