"""Pictures that went from their sender straight to the store: announced, then looked at and taken in by a worker."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from apps.core import quotas, sent_files, work
from apps.core.images import BadImage
from apps.core.quotas import NoRoomLeft
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services.datasets import refresh_counts
from apps.datasets.services.files import forget_files
from apps.datasets.services.new_images import (
    add_to_counts,
    check_new_image,
    clean_filename,
    insert_rows,
    store_images,
)

KIND = "image upload"
TASK = "apps.datasets.tasks.take_sent_images"
BATCH = 16  # pictures that go in by one transaction,
BATCH_BYTES = 32 * 2**20  # or so many bytes of them, which is what a worker holds in memory
READERS = 4
NEVER_CAME = "Its bytes did not come to the store, or not all of them. Send it again."


def announce_images(dataset, user, files):
    """Say which pictures are about to be sent: `files` = [(name, bytes)], numbered from 1 in their order.

    Returns (the paused job that takes them in, or None where none may come; `[{number, filename, reason}]` of those
    that are refused already). Raises NoRoomLeft where none may come for want of room, and WrongWay.
    """
    room = quotas.room_left(dataset.owner_id, dataset.team_id)
    if room is not None:
        room -= sent_files.coming_bytes(user, KIND)
    wanted, refused, full = {}, [], None
    for number, (name, size) in enumerate(files, 1):
        name, reason = clean_filename(name), _refusal(size)
        if not reason and room is not None and size > room:
            full = reason = quotas.in_words(quotas.storage_of(dataset.owner_id, dataset.team_id), size, dataset.team_id)
        if reason:
            refused.append({"number": number, "filename": name, "reason": reason})
            continue
        wanted[number] = name, size
        room = room and room - size
    if full and not wanted:
        raise NoRoomLeft(full)
    subject = f"dataset:{dataset.pk}"
    job = sent_files.announce(user, KIND, TASK, dataset, subject, wanted, dataset_id=dataset.pk) if wanted else None
    return job, refused


def _refusal(size):
    if not size:
        return "The file is empty."
    return f"Larger than {settings.MAX_IMAGE_BYTES // 2**20} MB." if size > settings.MAX_IMAGE_BYTES else ""


def take_sent_images(job, report):
    """The work of a job that was announced and completed; its result says of each picture what became of it."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    try:
        return Taking(job, dataset, report).run()
    except Dataset.DoesNotExist:
        forget_files([f"datasets/{dataset.pk}/"])  # what was stored since it was deleted
        raise WorkFailed("The dataset was deleted while its pictures were looked at.") from None
    finally:
        refresh_counts(dataset)


class Taking:
    """One run over what was sent. Rows go in by batches: what a kill leaves is whole, and the next run finds it."""

    def __init__(self, job, dataset, report):
        self.job, self.dataset, self.report = job, dataset, report
        self.created, self.duplicates, self.rejected, self.told = [], [], [], set()

    def run(self):
        files = self.job.params["files"]
        done = 0
        with ThreadPoolExecutor(READERS, thread_name_prefix="look") as pool:
            for batch in _batches(files):
                self.report(done / len(files), f"{done} of {len(files)} looked at")
                looked_at = zip(batch, pool.map(self._look, batch), strict=True)
                self._take({number: (name, new) for (number, name, _), new in looked_at})
                done += len(batch)
        return self._result()

    def _look(self, file):
        """The checked NewImage of a file, or why it is refused; asks no database."""
        number, name, size = file
        data = sent_files.read(self.job, number, size)
        if data is None:
            return NEVER_CAME
        try:
            return check_new_image(self.dataset, name, data, source="upload", import_job=self.job)
        except BadImage as bad:
            return str(bad)

    def _take(self, found):
        """Store the pictures of a batch `{number: (name, NewImage or why not)}`, then their rows."""
        first = {}
        for _, new in found.values():
            if not isinstance(new, str):
                first.setdefault(new.row.sha256, new)
        full = self._without_room(first)
        coming = [new for sha256, new in first.items() if sha256 not in full]
        store_images(coming)
        with transaction.atomic():
            work.update_running(self.job)  # raises where it was cancelled: then not even this batch goes in
            inserted, existing = insert_rows(self.dataset, [new.row for new in coming])
            add_to_counts(self.dataset, images=len(inserted), splits=Counter(row.split for row in inserted))
        rows = existing | {row.sha256: row for row in inserted}
        for number, (name, new) in found.items():
            if isinstance(new, str):
                self._refuse(number, name, new)
            elif new.row.sha256 in full:
                self._refuse(number, name, full[new.row.sha256])
            else:
                self._say(number, name, rows[new.row.sha256])

    def _without_room(self, first):
        """`{sha256: why}` of those that do not fit; what is in the dataset already takes no room."""
        known = DatasetImage.objects.filter(dataset=self.dataset, sha256__in=first)
        known, full = set(known.values_list("sha256", flat=True)), {}
        for sha256, new in first.items():
            if sha256 not in known:
                try:
                    quotas.check_room(self.dataset.owner_id, self.dataset.team_id, new.row.num_bytes)
                except NoRoomLeft as words:
                    full[sha256] = str(words)
        return full

    def _say(self, number, name, row):
        """A picture that this job brought in, now or before its worker was killed, is new; once."""
        is_new = row.import_job_id == self.job.pk and row.pk not in self.told
        self.told.add(row.pk)
        told = {"number": number, "filename": name, "image_id": row.pk}
        (self.created if is_new else self.duplicates).append(told)

    def _refuse(self, number, name, reason):
        self.rejected.append({"number": number, "filename": name, "reason": reason})

    def _result(self):
        problems = [{"file": bad["filename"], "line": None, "reason": bad["reason"]} for bad in self.rejected]
        return {
            "created": self.created, "duplicates": self.duplicates, "rejected": self.rejected,
            "dataset_id": self.dataset.pk, "page_words": "See the images",
            "page_url": reverse("datasets:dataset_detail", args=[self.dataset.pk]),
            "figures": {
                "images": len(self.created), "already here": len(self.duplicates), "refused": len(self.rejected)
            },
            "problems": problems, "num_problems": len(problems),
        }  # fmt: skip


def _batches(files):
    """`files` = [[number, name, bytes]] in lists of at most BATCH, and BATCH_BYTES where there is more than one."""
    batch, size = [], 0
    for file in files:
        if batch and (len(batch) == BATCH or size + file[2] > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(file)
        size += file[2]
    if batch:
        yield batch
