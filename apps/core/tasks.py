from celery import shared_task

from apps.core import jobs, work
from apps.core.models import Job


@shared_task(ignore_result=True)
def sweep_jobs():
    """Give back what dead workers held, and send what was not sent."""
    work.sweep(Job, lambda job: job.task, jobs.MAX_ATTEMPTS)


@shared_task(ignore_result=True)
def expire_job_files():
    """Delete uploads and exports that are past their time."""
    jobs.expire_files()
