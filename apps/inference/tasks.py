from celery import shared_task

from apps.core.jobs import run_job
from apps.inference import batch as batches
from apps.inference import prelabel as prelabelling
from apps.inference import services
from apps.inference.capture import inbox, storing
from apps.inference.monitoring import rollup
from apps.inference.shadow import settings as shadow
from apps.inference.shadow.counting import forget_old_counts
from apps.inference.videos import work as videos


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
def video(pk):
    """A model's answers on the frames of a video."""
    run_job(pk, videos.run_video)


@shared_task(ignore_result=True)
def expire_answers():
    """Forget the answers of old batches."""
    batches.expire_answers()


@shared_task(ignore_result=True)
def roll_up_traffic():
    """Old minutes of traffic become hours, and old hours days."""
    rollup.roll_up()


@shared_task(ignore_result=True)
def store_captures(pk):
    """Bring what a deployment captured into its dataset."""
    storing.store_waiting(pk)


@shared_task(ignore_result=True)
def sweep_captures():
    """Bring in what no worker was called for."""
    storing.sweep_waiting()


@shared_task(ignore_result=True)
def expire_captures():
    """Delete captured images that nobody wanted in their time, and old counts of shadows."""
    inbox.delete_expired()
    forget_old_counts()


@shared_task(ignore_result=True)
def build_shadow(pk):
    """Build what serves a shadow."""
    run_job(pk, shadow.run_build)
