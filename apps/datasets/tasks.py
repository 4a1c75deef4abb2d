from celery import shared_task

from apps.core import sent_files
from apps.core.jobs import run_job
from apps.core.models import Job
from apps.datasets import services
from apps.datasets.services.duplicates import run_duplicates
from apps.datasets.services.leaks import run_look, run_mend
from apps.datasets.services.moves import run_undo
from apps.datasets.services.sent_images import take_sent_images as run_taking
from apps.datasets.services.splits import run_split


@shared_task(ignore_result=True)
def delete_pending_files():
    """Delete stored files whose rows are gone, where a kill came in between."""
    services.delete_pending_files()


@shared_task(ignore_result=True)
def take_sent_images(pk):
    """Look at pictures that lie in the store, and take them into their dataset."""
    run_job(pk, run_taking)
    for job in Job.objects.filter(pk=pk):
        sent_files.forget(job)


@shared_task(ignore_result=True)
def find_duplicates(pk):
    """Look for duplicates in a dataset."""
    run_job(pk, run_duplicates)


@shared_task(ignore_result=True)
def find_leaks(pk):
    """Look for images of one source on both sides of a split."""
    run_job(pk, run_look)


@shared_task(ignore_result=True)
def mend_leaks(pk):
    """Put every leaking group on one side."""
    run_job(pk, run_mend)


@shared_task(ignore_result=True)
def split_dataset(pk):
    """Share a dataset's images out to train, val and test."""
    run_job(pk, run_split)


@shared_task(ignore_result=True)
def undo_moves(pk):
    """Take back what a split or a mending moved."""
    run_job(pk, run_undo)


@shared_task(ignore_result=True)
def purge_trash(pk):
    """Delete images of the trash for good."""
    run_job(pk, services.run_purge)


@shared_task(ignore_result=True)
def empty_trash():
    """Delete for good what has been in the trash for its time, and what can be taken back no more."""
    services.purge_expired()
    services.forget_old_changes()
