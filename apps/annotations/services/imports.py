"""Importing an archive of images and labels, as a job."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePath

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F
from django.urls import reverse

from apps.annotations.formats import FormatError, read
from apps.annotations.models import Annotation, Revision
from apps.annotations.services.labels import as_dict
from apps.annotations.services.orientation import turned
from apps.annotations.services.shapes import BadLabels, clean_label
from apps.core.archives import ArchiveError, Limits, open_archive
from apps.core.images import BadImage
from apps.core.jobs import create_job
from apps.core.work import WorkFailed
from apps.datasets import services as datasets
from apps.datasets.models import Dataset, DatasetImage
from apps.datasets.services.files import forget_files

TASK = "apps.annotations.tasks.import_archive"
BATCH = 32
KEPT_PROBLEMS = 10_000


def start_import(user, dataset, upload, format="auto", new=False):
    """Queue the import of an uploaded archive into `dataset`, `new` where it was made for it; returns the job."""
    params = {"dataset_id": dataset.pk, "format": format, "filename": PurePath(upload.name).name[:200], "new": new}
    return create_job(user, "import", TASK, subject=f"dataset:{dataset.pk}", params=params, upload=upload)


def run_import(job, report):
    """The work of an import job; returns its report. Bad files are named and the rest goes in."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    limits = Limits(max_total_bytes=settings.MAX_ARCHIVE_BYTES * 4, max_file_bytes=settings.MAX_ARCHIVE_BYTES)
    try:
        with local_file(job.upload.name) as path, open_archive(path, limits, scratch=settings.UPLOAD_DIR) as archive:
            return Import(job, dataset, archive, report).run()
    except (FormatError, ArchiveError) as refusal:
        _take_back(dataset, job)
        raise WorkFailed(str(refusal)) from None
    except Dataset.DoesNotExist:
        forget_files([f"datasets/{dataset.pk}/"])  # what was stored since it was deleted
        raise WorkFailed("The dataset was deleted while the archive was read.") from None
    finally:
        datasets.refresh_counts(dataset)


def _take_back(dataset, job):
    """A dataset that was made for an archive that is refused goes again, where nothing is in it."""
    if job.params.get("new") and not dataset.images.exists():
        datasets.delete_dataset(dataset)


@contextmanager
def local_file(name):
    """A stored file as a path on this machine; fetched where the store is elsewhere."""
    try:
        path = default_storage.path(name)
    except NotImplementedError:
        with tempfile.NamedTemporaryFile(dir=settings.UPLOAD_DIR) as copy, default_storage.open(name) as file:
            for chunk in file.chunks():
                copy.write(chunk)
            copy.flush()
            yield copy.name
    else:
        yield path


class Import:
    """One run over an archive. Rows go in by batches: what a kill leaves is whole, and the next run finds it."""

    def __init__(self, job, dataset, archive, report):
        self.job, self.dataset, self.archive, self.report = job, dataset, archive, report
        self.own_problems = []
        self.seen = set()
        self.images = self.boxes = self.duplicates = 0

    def run(self):
        reading = read(self.archive, self.job.params["format"])
        self.class_ids = self._map_classes(reading.class_names)
        total = max(reading.image_count, 1)
        pairs, done = iter(reading.images), 0
        with ThreadPoolExecutor(2, thread_name_prefix="decode") as pool:
            while batch := list(islice(pairs, BATCH)):
                self._store(pool, batch)
                done += len(batch)
                self.report(done / total, f"{done} of {total} images")
        return self._result(reading)

    def _map_classes(self, names):
        """Archive class → class id here: the one of the same name, else a new one at the end."""
        ids = []
        for name in names:
            known = {n.casefold(): i for i, n in enumerate(self.dataset.class_names)}
            clean = " ".join(name.split())[: datasets.MAX_CLASS_NAME]
            if clean.casefold() in known:
                ids.append(known[clean.casefold()])
                continue
            try:
                ids.append(datasets.add_class(self.dataset, clean))
            except datasets.BadClassName as bad:
                raise WorkFailed(f"The archive's class “{name}” cannot be taken: {bad}") from None
        return ids

    def _store(self, pool, batch):
        # The archive is read by one thread; decoding, which is what costs, runs in the pool.
        waiting = [(labels, pool.submit(self._prepare, labels, data)) for labels, data in self._read(batch)]
        ready = [(labels, future.result()) for labels, future in waiting]
        ready = [(labels, row) for labels, row in ready if row is not None]
        with transaction.atomic():
            inserted, existing = datasets.insert_rows(self.dataset, [row for _, row in ready])
            fresh = {row.sha256: row for row in inserted}
            labeled = 0
            for labels, row in ready:
                if row.sha256 in self.seen:
                    self._leave_out(labels, "the same picture is in the archive twice.")
                elif row.sha256 in fresh:
                    labeled += self._take(fresh[row.sha256], labels)
                else:
                    labeled += self._meet(existing[row.sha256], labels)
                self.seen.add(row.sha256)
            # With the rows, so that the counts hold at every moment and after a kill.
            Dataset.objects.filter(pk=self.dataset.pk).update(
                num_images=F("num_images") + len(inserted), num_labeled=F("num_labeled") + labeled
            )

    def _read(self, batch):
        for labels in batch:
            try:
                with self.archive.open(labels.path) as file:
                    data = file.read(settings.MAX_IMAGE_BYTES + 1)
            except OSError as error:  # a damaged entry; a refused archive raises ArchiveError, which ends the import
                self._problem(labels.path, f"Left out: {error}")
            else:
                yield labels, data

    def _prepare(self, labels, data):
        try:
            return datasets.prepare_image(self.dataset, labels.filename, data, labels.split)
        except BadImage as bad:
            self._problem(labels.path, f"Left out: {bad}")
            return None

    def _meet(self, image, labels):
        """The same bytes are there: an unlabelled image gets the labels, a labelled one keeps its own.

        Returns 1 where the image is labelled by this.
        """
        if labels.labelled and image.revision == 0 and self._take(image, labels):
            return 1
        if image.created_at >= self.job.started_at:
            self.images += 1  # an earlier run of this job put it in
            self.boxes += image.num_boxes
        else:
            self._leave_out(labels, "the same picture is in the dataset already; its labels stay.")
        return 0

    def _take(self, image, labels):
        """Count the image and give it its labels; returns 1 where it is labelled by this."""
        if not labels.labelled:
            self.images += 1
            return 0
        if not DatasetImage.objects.filter(pk=image.pk, revision=0).update(revision=1):
            return 0  # someone labelled it this very moment
        boxes = [self._annotation(image, labels, box) for box in labels.boxes[: settings.MAX_BOXES_PER_IMAGE]]
        boxes = Annotation.objects.bulk_create(row for row in boxes if row)
        if len(labels.boxes) > settings.MAX_BOXES_PER_IMAGE:
            self._problem(labels.path, f"Only the first {settings.MAX_BOXES_PER_IMAGE} of its boxes were taken.")
        self.images += 1
        self.boxes += len(boxes)
        DatasetImage.objects.filter(pk=image.pk).update(
            is_labeled=True, state=DatasetImage.State.LABELED, num_boxes=len(boxes)
        )
        Revision.objects.create(
            image=image, number=1, author=self.job.owner, kind=Revision.Kind.IMPORT, num_annotations=len(boxes),
            added=len(boxes), annotations=[as_dict(row) for row in boxes],
        )  # fmt: skip
        return 1

    def _annotation(self, image, labels, box):
        box = turned(box, labels, image)
        item = {
            "class_id": self.class_ids[box.class_index], "x_center": box.x_center, "y_center": box.y_center,
            "width": box.width, "height": box.height, "confidence": box.confidence, "source": "imported",
            "points": pairs(box.points) if box.points else None,
        }  # fmt: skip
        try:
            return Annotation(image=image, **clean_label(self.dataset, item))
        except BadLabels as bad:
            self._problem(labels.path, f"A box was left out: {bad}")
            return None

    def _leave_out(self, labels, reason):
        self.duplicates += 1
        self._problem(labels.path, f"Left out: {reason}")

    def _problem(self, file, reason, line=None):
        self.own_problems.append({"file": file, "line": line, "reason": reason})

    def _result(self, reading):
        problems = [{"file": p.file, "line": p.line, "reason": p.reason} for p in reading.problems]
        problems += [{"file": s.name, "line": None, "reason": f"Skipped: {s.reason}"} for s in self.archive.skipped]
        problems += self.own_problems
        total = reading.problems.total + len(self.archive.skipped) + len(self.own_problems)
        return {
            "dataset_id": self.dataset.pk, "format": reading.format, "images": self.images, "boxes": self.boxes,
            "skipped": total, "duplicates": self.duplicates, "classes": list(reading.class_names),
            "num_problems": total, "problems": problems[:KEPT_PROBLEMS],
            "figures": {"images": self.images, "boxes": self.boxes, "classes": len(reading.class_names)},
            "page_url": reverse("datasets:dataset_detail", args=[self.dataset.pk]), "page_words": "See the images",
        }  # fmt: skip


def pairs(flat):
    """[x, y, x, y, …] → [[x, y], …]"""
    return [list(point) for point in zip(flat[::2], flat[1::2], strict=True)]
