"""The run of an import job."""

import errno

from django.db import transaction
from django.urls import reverse

from apps.annotations.formats import FormatError, read
from apps.annotations.models import Revision
from apps.annotations.services.imports.archive import job_archive, said
from apps.annotations.services.imports.batches import Batches
from apps.annotations.services.imports.classes import ClassMap
from apps.annotations.services.imports.labels import LabelTaker
from apps.annotations.services.imports.options import ImportOptions
from apps.annotations.services.imports.undo import imported_images
from apps.annotations.services.imports.words import KIND_WORDS, Kind
from apps.annotations.services.imports.write import Writer
from apps.core import work
from apps.core.archives import ArchiveError
from apps.core.reports import CHANGED, LEFT_OUT, NOTE, Report
from apps.core.work import WorkFailed
from apps.datasets import services as datasets
from apps.datasets.models import Dataset
from apps.datasets.services.files import forget_files


def run_import(job, report):
    """The work of an import job; returns its report. Bad files are named and the rest goes in."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    work.update_running(job, result=_beginnings(job, dataset))  # what a cancelled one still knows
    try:
        with job_archive(job) as archive, Report() as rows:
            return Import(job, dataset, archive, report, rows).run()
    except (FormatError, ArchiveError) as refusal:
        _take_back(dataset, job)
        raise WorkFailed(said(refusal)) from None
    except WorkFailed:
        _drop_if_made_for_it(dataset, job)
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WorkFailed("The server's disk is full. Make room and import the archive again.") from None
        raise
    except Dataset.DoesNotExist:
        forget_files([f"datasets/{dataset.pk}/"])  # what was stored since it was deleted
        raise WorkFailed("The dataset was deleted while the archive was read.") from None
    finally:
        if dataset.pk:
            datasets.refresh_counts(dataset)


def _beginnings(job, dataset):
    return {
        "dataset_id": dataset.pk,
        "page_url": reverse("datasets:dataset_detail", args=[dataset.pk]), "page_words": "See the images",
        "more_url": reverse("annotations:import_summary", args=[dataset.pk, job.pk]),
    }  # fmt: skip


def _take_back(dataset, job):
    """Of an archive that is refused nothing stays: neither the images that it brought in, unless someone worked on them
    meanwhile, nor a dataset that was made for it."""
    edited = Revision.objects.filter(created_at__gte=job.started_at).exclude(kind=Revision.Kind.IMPORT)
    untouched = imported_images(job).exclude(pk__in=edited.values("image"))
    if untouched.exists():
        datasets.purge_images(dataset, untouched)
    _drop_if_made_for_it(dataset, job)


def _drop_if_made_for_it(dataset, job):
    if job.params.get("new") and not dataset.images.exists():
        datasets.delete_dataset(dataset)


class Import:
    """One run over an archive. Rows go in by batches: what a kill leaves is whole, and the next run finds it."""

    def __init__(self, job, dataset, archive, say, report):
        self.job, self.dataset, self.archive, self.say, self.report = job, dataset, archive, say, report
        known = ("format", "classes", "splits")
        self.options = ImportOptions(**{name: job.params[name] for name in known if name in job.params})

    def run(self):
        self.say(0, "Reading the labels")
        reading = read(self.archive, self.options.format)
        for skipped in self.archive.skipped:
            self.report.add(skipped.name, None, f"not opened: {skipped.reason}", Kind.SKIPPED)
        classes = self._classes(reading)
        taker = LabelTaker(self.dataset, classes, self.report)
        writer = Writer(self.dataset, self.job, taker, self.options, self.report)
        batches = Batches(self.dataset, self.archive, reading.images, self.job.params["filename"], self.job)
        total, done = max(reading.image_count, 1), 0
        for batch in batches:
            self.say.check()
            writer.write(batch)
            self._drain(reading)
            done += len(batch)
            self.say(done / total, f"{done} of {reading.image_count} images")
        self._drain(reading)
        return self._result(reading, classes, writer)

    @transaction.atomic
    def _classes(self, reading):
        classes = ClassMap(self.dataset, reading, self.options, self.job.owner)
        for name, today in classes.by_former_name.items():
            reason = f"the class “{name}” is “{today}” here, by its former name"
            self.report.add("", None, reason, Kind.FORMER_NAME, NOTE)
        return classes

    def _drain(self, reading):
        for problem in reading.problems.drain():
            self.report.add(problem.file, problem.line, problem.reason, str(problem.code), problem.effect)

    def _result(self, reading, classes, writer):
        kept = self.report.save(self.job, KIND_WORDS)
        effects = self.report.effects
        rows = [
            {"file": row.file, "line": row.line, "reason": row.reason, "effect": row.effect, "kind": row.kind}
            for row in self.report.first
        ]
        return {
            **_beginnings(self.job, self.dataset), "format": reading.format, "images": writer.images,
            "boxes": writer.boxes, "duplicates": writer.duplicates, "skipped": effects[LEFT_OUT],
            "changed": effects[CHANGED], "classes": list(classes.names), "num_problems": self.report.total,
            "problems": rows, "report": kept, "filename": f"import-{self.job.pk}-report.csv",
            "figures": {
                "images": writer.images, "boxes": writer.boxes, "classes": len(classes.names),
                "duplicates": writer.duplicates, "left out": effects[LEFT_OUT],
                "changed": effects[CHANGED],
            },
        }  # fmt: skip
