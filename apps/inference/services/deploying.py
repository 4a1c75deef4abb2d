"""Deploying a version of a model: it is built and proven, and answers by its id and behind the name of its line."""

from django.db import transaction
from django.utils import timezone

from apps.annotations.models import DatasetVersion
from apps.core import audit
from apps.core.jobs import create_job
from apps.core.models import Job
from apps.core.work import WorkFailed
from apps.inference.models import Deployment
from apps.inference.services.answering import runtimes
from apps.inference.services.building import build, is_built, told_of
from apps.inference.services.deployments import answer_under_name, split_to_judge_on
from apps.inference.services.telling import tell_deployed
from apps.models import services as models
from apps.models.models import TrainedModel

TASK = "apps.inference.tasks.deploy"


def deploy_model(model, user, version=None):
    """Start serving `model`: at once where its export is proven already (returns None), else through a job.

    `version` is a dataset version to look at, for a model that knows of none; it is the gate's of the deployment that
    is made. Raises NotDeployable.
    """
    models.check_deployable(model)
    if is_built(model):
        _serve(model, user, version)
        return None
    params = {"model_id": model.pk, "version_id": version and version.pk}
    return active_deployment(model) or create_job(
        user, "deploy", TASK, subject=f"model:{model.pk}", params=params, about=model
    )


@transaction.atomic
def undeploy_model(model, actor=None):
    """Stop serving `model`, and pause the deployments that it answers for: a name never answers by surprise."""
    models.lock_lines(model)
    Deployment.objects.filter(model=model, is_active=True).update(is_active=False, updated_at=timezone.now())
    models.mark_undeployed(model)
    models.follow_deployments(model)
    audit.record(actor, "undeployed", model, model.team_id)
    runtimes.drop(model.pk)


def active_deployment(model):
    """The job that deploys `model` now, or None."""
    return Job.objects.filter(subject=f"model:{model.pk}", kind="deploy", status__in=Job.ACTIVE).first()


def last_deployment(model):
    """The newest job that deployed `model`, or None."""
    return Job.objects.filter(subject=f"model:{model.pk}", kind="deploy").first()


def run_deployment(job, report):
    """The work of a deploy job: export, prove, store, and only then say that it serves. Safe to run again."""
    model = TrainedModel.objects.select_related("line").filter(pk=job.params["model_id"]).first()
    if model is None:
        raise WorkFailed("The model is gone.")
    version = DatasetVersion.objects.select_related("dataset").filter(pk=job.params.get("version_id") or 0).first()
    serving = build(model, report, ground=version and (version, split_to_judge_on(version) or "val"))
    report.check()
    try:
        _serve(model, job.owner, version)
    except models.NotDeployable as reason:
        raise WorkFailed(str(reason)) from None
    return {"is_deployed": True, "model_id": model.pk, **told_of(serving)}


@transaction.atomic
def _serve(model, user, version):
    """It is built: it may be asked, by its id and behind the name of its line."""
    models.lock_lines(model)
    is_news = not TrainedModel.objects.filter(pk=model.pk, is_deployed=True).exists()
    models.mark_deployed(model, model.serving_file.name, model.serving, timezone.now())
    answer_under_name(model, user, version)
    if is_news:
        tell_deployed(model)
        audit.record(user, "deployed", model, model.team_id)
