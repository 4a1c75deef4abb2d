from celery import shared_task

from apps.core import fetching, jobs, retention, sent_files, uploads, work
from apps.core.models import Job
from apps.core.scratch import sweep_scratch
from apps.core.storage import sweep_drafts
from apps.core.webhooks import delivering


@shared_task(ignore_result=True)
def sweep_jobs():
    """Give back what dead workers held, send what was not sent, and delete the folders that killed ones left here."""
    work.sweep(Job, lambda job: job.task, jobs.MAX_ATTEMPTS, jobs.tell_of_end)
    sweep_scratch()


@shared_task(ignore_result=True)
def delete_old():
    """Delete what is past its time by the rules of every app that have no task of their own."""
    retention.sweep(every="night")


@shared_task(ignore_result=True)
def delete_all_old():
    """Delete what is past its time by all rules, now: for an operator who asks for it."""
    retention.sweep()


@shared_task(ignore_result=True)
def expire_job_files():
    """Delete uploads and exports that are past their time, and what kills left half written."""
    jobs.expire_files()
    jobs.sweep_stray_files()
    uploads.sweep_uploads()
    fetching.forget_addresses()
    sent_files.sweep()
    sweep_drafts()


@shared_task(ignore_result=True)
def fetch_upload(pk):
    """Fetch a file from an address."""
    jobs.run_job(pk, fetching.run_fetch)


@shared_task(ignore_result=True)
def deliver_webhook(pk):
    """Make an attempt of a delivery."""
    delivering.deliver(pk)


@shared_task(ignore_result=True)
def sweep_webhooks():
    """Send deliveries that are due."""
    delivering.sweep()


@shared_task(ignore_result=True)
def expire_webhook_log():
    """Delete old deliveries."""
    delivering.expire_log()
