from celery import shared_task

from apps.core.jobs import run_job
from apps.training import services


@shared_task(ignore_result=True, acks_late=True)  # late: a busy trainer does not hold messages that another could use
def train(pk=None):
    """Supervise the training whose turn it is. `pk` says for which job the message was sent, not which is to run."""
    if services.run_next():
        services.send_next()


@shared_task(ignore_result=True)
def sweep_training():
    """Give back what dead trainers held, and send what was not sent."""
    services.sweep_training()


@shared_task(ignore_result=True)
def clean_yolo_folders():
    """Delete this machine's folders of old runs, and of versions that are gone or long unused."""
    services.clean_folders()


@shared_task(ignore_result=True)
def preview_augmentation(pk):
    """Draw a dataset's images as the network will see them."""
    run_job(pk, services.run_preview)
