from celery import shared_task

from apps.core.jobs import run_job
from apps.models.services.evaluations import run_evaluation
from apps.models.services.exports import run_export
from apps.models.services.uploads import run_upload


@shared_task(ignore_result=True)
def evaluate(pk):
    """Measure a model on a split of a dataset version."""
    run_job(pk, run_evaluation)


@shared_task(ignore_result=True)
def take_upload(pk):
    """Check uploaded weights and keep them."""
    run_job(pk, run_upload)


@shared_task(ignore_result=True)
def export(pk):
    """Export a model to another format, and measure what came out."""
    run_job(pk, run_export)
