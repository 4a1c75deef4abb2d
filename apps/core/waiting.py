"""What a job that waits says: how many others are before it in its queue."""

from celery import current_app
from django.db.models import Count, Q

from apps.core.jobs import WAITING
from apps.core.models import Job


def message_of(job):
    """The job's message; of one that waits for a worker, with the number of jobs of its queue that come before it.

    It asks the database where the job waits, so it is for one job and not for a list.
    """
    if job.status != Job.Status.PENDING or job.message != WAITING:
        return job.message
    earlier = Job.objects.filter(Q(status=Job.Status.PENDING, pk__lt=job.pk) | Q(status=Job.Status.RUNNING))
    of_task = earlier.order_by().values_list("task").annotate(Count("pk"))
    queue = _queue_of(job.task)
    before = sum(count for task, count in of_task if _queue_of(task) == queue)
    return f"{WAITING}: {before} job{'s' if before > 1 else ''} before it" if before else WAITING


def _queue_of(task):
    return current_app.amqp.router.route({}, task)["queue"].name
