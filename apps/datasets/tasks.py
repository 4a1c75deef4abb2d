from celery import shared_task

from apps.datasets import services


@shared_task(ignore_result=True)
def delete_pending_files():
    """Delete stored files whose rows are gone, where a kill came in between."""
    services.delete_pending_files()
