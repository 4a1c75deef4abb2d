from celery import shared_task

from apps.core.jobs import run_job
from apps.inference import batch as batches
from apps.inference import prelabel as prelabelling
from apps.inference import services
from apps.inference.monitoring import rollup


@shared_task(ignore_result=True)
def deploy(pk):
    """Export a model to the serving format, prove it, and serve it."""
    run_job(pk, services.run_deployment)


@shared_task(ignore_result=True)
def switch(pk):
    """Build, judge and bring another version of a model behind a deployment."""
    run_job(pk, services.run_switch)


@shared_task(ignore_result=True)
def prelabel(pk):
    """A model's suggestions on many images."""
    run_job(pk, prelabelling.run_prelabel)


@shared_task(ignore_result=True)
def batch(pk):
    """A model's answers on many images."""
    run_job(pk, batches.run_batch)


@shared_task(ignore_result=True)
def expire_answers():
    """Forget the answers of old batches."""
    batches.expire_answers()


@shared_task(ignore_result=True)
def roll_up_traffic():
    """Old minutes of traffic become hours, and old hours days."""
    rollup.roll_up()
