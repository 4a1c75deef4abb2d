"""What a job that waits says: how many others are before it in its queue."""

from celery import current_app
from django.db.models import Q

from apps.core.jobs import WAITING
from apps.core.models import Job

MOST = 1000  # jobs that are looked at


def message_of(job):
    """The job's message; of one that waits for a worker, with the number of jobs of its queue that come before it.

    It asks the database where the job waits, so it is for one job and not for a list.
    """
    if job.status != Job.Status.PENDING or job.message != WAITING:
        return job.message
    earlier = Job.objects.filter(Q(status=Job.Status.PENDING, pk__lt=job.pk) | Q(status=Job.Status.RUNNING))
    queue, tasks = _queue_of(job.task), earlier.order_by("pk").values_list("task", flat=True)[:MOST]
    before = sum(_queue_of(task) == queue for task in tasks)
    return f"{WAITING}: {before} job{'s' if before > 1 else ''} before it" if before else WAITING


def _queue_of(task):
    return current_app.amqp.router.route({}, task)["queue"].name
