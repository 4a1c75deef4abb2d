"""Starting and stopping a shadow. One that is not built yet is built by a job, and answers from then on."""

from django.db import transaction
from django.utils import timezone

from apps.core import work
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.inference.models import Deployment
from apps.inference.services import build, is_built
from apps.inference.services.building import told_of
from apps.inference.services.deployments import lock_deployment
from apps.models import services as models
from apps.models.models import TrainedModel

TASK = "apps.inference.tasks.build_shadow"
KIND = "shadow"


class ShadowRefused(ValueError):
    """This model cannot be the shadow; the message says why."""


@transaction.atomic
def start_shadow(deployment, model, share, user):
    """Have `model` answer `share` (0..1) of the deployment's questions too; returns the job that builds it, or None.

    The same model again changes the share alone. Raises ShadowRefused.
    """
    deployment = lock_deployment(deployment, model)
    if not models.is_there(model):
        raise ShadowRefused(f"“{model.title}” was deleted meanwhile.")
    if deployment.model_id == model.pk:
        raise ShadowRefused(f"“{model.title}” is live: choose another one to hold against it.")
    if deployment.model_id is None:
        raise ShadowRefused("Nothing is live here. Bring a model behind the deployment first.")
    try:
        models.check_deployable(model)
    except models.NotDeployable as reason:
        raise ShadowRefused(str(reason)) from None
    Deployment.objects.filter(pk=deployment.pk).update(shadow=model, shadow_share=share, updated_at=timezone.now())
    if is_built(model):
        return None
    job = building_job(deployment, model)
    if job and job.is_active:
        return job
    params = {"deployment_id": deployment.pk, "model_id": model.pk}
    return create_job(user, KIND, TASK, subject=f"deployment:{deployment.pk}", params=params, about=deployment)


def building_job(deployment, model=None):
    """The newest job that builds, or built, this model (None: the shadow of now) for the deployment; or None."""
    model_id = model.pk if model else deployment.shadow_id
    jobs = Job.objects.filter(subject=f"deployment:{deployment.pk}", kind=KIND)
    return jobs.filter(params__model_id=model_id).first()


def run_build(job, report):
    """The work of a job that builds a shadow; safe to run again. Nothing is live by it."""
    model = TrainedModel.objects.select_related("line").filter(pk=job.params["model_id"]).first()
    if model is None:
        raise WorkFailed("The model is gone.")
    if not Deployment.objects.filter(pk=job.params["deployment_id"], shadow=model).exists():
        raise WorkFailed("The shadow was stopped.")
    serving = model.serving if is_built(model) else build(model, report)
    return {
        "model_id": model.pk, **told_of(serving), "page_url": f"/deployments/{job.params['deployment_id']}",
        "page_words": "The deployment",
    }  # fmt: skip


@transaction.atomic
def stop_shadow(deployment):
    """No shadow any more; what was counted stays for its time, and is shown again where it comes back."""
    deployment = lock_deployment(deployment)
    job = building_job(deployment) if deployment.shadow_id else None
    if job and job.is_active:
        work.cancel(job)
    Deployment.objects.filter(pk=deployment.pk).update(shadow=None, updated_at=timezone.now())


def state_of(deployment):
    """off, building, failed (it could not be built) or answering."""
    if deployment.shadow is None:
        return "off"
    if deployment.shadow.serving_file:
        return "answering"
    job = building_job(deployment)
    return "building" if job and job.is_active else "failed"
