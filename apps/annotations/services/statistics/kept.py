"""The statistics of a dataset as they are kept: a small dataset's are always exact, a large one's are counted anew
by a job as soon as somebody asks for them and they are not of the dataset as it is."""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.annotations.services.statistics.counting import FORMAT, count_dataset
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.datasets.models import Dataset, DatasetReport
from apps.datasets.services.reports import keep_report, kept_report

TASK = "apps.annotations.tasks.count_statistics"
KIND = DatasetReport.Kind.STATISTICS
JOB_KIND = "statistics"
SMALL_IMAGES, SMALL_BOXES = 2_000, 20_000  # counted in a fraction of a second: at once, in the request
LEAST_REST = 15  # seconds between two counts of a dataset that keeps changing
RESTS_FOR_A_COUNT = 5  # times as long as the count took
PAUSE_AFTER_FAILURE = 300  # seconds


@dataclass
class Kept:
    """What is kept: `data` of counting.py (None: never counted), and the job that counts anew, where there is one."""

    data: dict | None
    computed_at: object = None
    is_current: bool = False
    job: Job | None = None


def kept_statistics(dataset):
    """The figures at hand; where they are not those of now, a small dataset is counted and a large one's job queued."""
    report = kept_report(dataset, KIND)
    if report and report.data.get("format") != FORMAT:
        report = None
    if not (report and report.is_current) and is_small(dataset):
        report = recount(dataset)
    if report and report.is_current:
        return Kept(report.data, report.computed_at, is_current=True)
    job = _job_of(dataset, report)
    return Kept(report.data, report.computed_at, job=job) if report else Kept(None, job=job)


def is_small(dataset):
    """Whether it is counted within a request."""
    return dataset.num_images <= SMALL_IMAGES and dataset.num_boxes <= SMALL_BOXES


def recount(dataset, report=lambda progress, message: None):
    """Count a dataset and keep the figures as those of its `updated_at` before; returns the report."""
    of, began = dataset.updated_at, time.monotonic()
    data = count_dataset(dataset, report)
    return keep_report(dataset, KIND, data, of, time.monotonic() - began)


def run_recount(job, report):
    """The work of a statistics job."""
    dataset = Dataset.objects.filter(pk=job.params["dataset_id"]).first()
    if dataset is None:
        raise WorkFailed("The dataset is gone.")
    recount(dataset, report)
    return {
        "figures": {"images": dataset.num_images, "boxes": dataset.num_boxes},
        "page_url": f"/datasets/{dataset.pk}/statistics", "page_words": "See the statistics",
    }  # fmt: skip


def _job_of(dataset, report):
    """The job that counts, which is queued where there is none and the last count is long enough ago."""
    jobs = Job.objects.filter(subject=f"dataset:{dataset.pk}", kind=JOB_KIND)
    last = jobs.first()
    if _must_wait(last, report):
        return last
    with transaction.atomic():
        Dataset.objects.select_for_update().filter(pk=dataset.pk).first()  # of two that ask at once, one queues
        last = jobs.first()
        if _must_wait(last, report):
            return last
        jobs.exclude(status__in=Job.ACTIVE).delete()  # the figures are what is kept, not how often they were counted
        return create_job(
            dataset.owner,
            JOB_KIND,
            TASK,
            subject=f"dataset:{dataset.pk}",
            params={"dataset_id": dataset.pk},
            team_id=dataset.team_id,
        )


def _must_wait(job, report):
    now = timezone.now()
    if job and job.is_active:
        return True
    if job and job.status == Job.Status.FAILED and now - job.completed_at < timedelta(seconds=PAUSE_AFTER_FAILURE):
        return True
    rest = max(LEAST_REST, RESTS_FOR_A_COUNT * report.seconds) if report else 0
    return bool(report) and now - report.computed_at < timedelta(seconds=rest)
