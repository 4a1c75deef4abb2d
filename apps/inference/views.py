"""Pages about deployed models: the panel on a model's page."""

from contextlib import suppress

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.core.access import holder
from apps.inference import services
from apps.inference.access import deployments_of, versions_to_judge_on
from apps.inference.models import Deployment
from apps.inference.samples import code_samples
from apps.inference.tokens import names_of_tokens_to_ask
from apps.models.access import get_model, get_model_to_edit, may_edit
from apps.models.serializers import ENDPOINT
from apps.models.services import NotDeployable, check_deployable, version_to_prove_on

MOST_VERSIONS = 100


@login_required
def deployment(request, pk):
    """The fragment on the model's page: what serves, how it was proven, and how to call it."""
    return _panel(request, get_model(request.user, pk))


@login_required
@require_POST
def deploy(request, pk):
    model = get_model_to_edit(request.user, pk)
    chosen = request.POST.get("version", "")
    wanted = int(chosen) if chosen.isascii() and chosen.isdecimal() and len(chosen) < 19 else 0
    version = versions_to_judge_on(request.user).filter(pk=wanted).first()
    with suppress(NotDeployable):  # the panel says why
        services.deploy_model(model, request.user, version)
    return _panel(request, model) if request.htmx else redirect("models:model_detail", pk)


@login_required
@require_POST
def undeploy(request, pk):
    model = get_model_to_edit(request.user, pk)
    services.undeploy_model(model, request.user)
    return _panel(request, model) if request.htmx else redirect("models:model_detail", pk)


def _panel(request, model):
    """The fragment. Where a deployment began or ended since the page was loaded, htmx loads the page anew: its lineage,
    its files and whether it may be deleted are said outside of the panel."""
    can_edit, job = may_edit(request.user, model), services.last_deployment(model)
    is_watched = request.method == "POST" or "watched" in request.GET
    deployments = Deployment.objects.filter(**holder(model)).select_related("model__line")
    tokens = names_of_tokens_to_ask(request.user) if model.is_deployed else []
    context = {
        "model": model, "can_edit": can_edit, "is_built": bool(model.serving_file), "refusal": _refusal(model),
        "is_answering": model.deployments.filter(is_active=True).exists(),
        "job": job, "deployments": deployments_of(request.user, model),
        "others": deployments.exclude(model=model) if can_edit else [],
        "versions": _versions_to_look_at(request.user, model) if can_edit else [],
        "of_line": deployments.filter(name=model.name).exclude(model=model).first() if can_edit else None,
        "samples": code_samples(
            request.build_absolute_uri(ENDPOINT), ("model_id", model.pk), tokens[0] if tokens else ""
        ),
    }  # fmt: skip
    response = render(request, "inference/deployment.html", context)
    if request.htmx and is_watched and not (job and job.is_active):
        response["HX-Refresh"] = "true"
    return response


def _versions_to_look_at(user, model):
    """What one may choose from, where the model knows of no dataset itself."""
    if model.serving_file or version_to_prove_on(model):
        return []
    return versions_to_judge_on(user)[:MOST_VERSIONS]


def _refusal(model):
    """Why a model cannot be deployed, or nothing."""
    try:
        check_deployable(model)
    except NotDeployable as reason:
        return str(reason)
    return ""
