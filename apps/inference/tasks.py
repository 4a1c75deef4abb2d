from celery import shared_task

from apps.core.jobs import run_job
from apps.inference import prelabel as prelabelling
from apps.inference import services


@shared_task(ignore_result=True)
def deploy(pk):
    """Export a model to the serving format, prove it, and serve it."""
    run_job(pk, services.run_deployment)


@shared_task(ignore_result=True)
def prelabel(pk):
    """A model's suggestions on many images."""
    run_job(pk, prelabelling.run_prelabel)
