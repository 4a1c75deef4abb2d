"""Pages about deployments: the panel on a model's page, and the testing page."""

from contextlib import suppress

from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.inference import services
from apps.inference.access import answering_to
from apps.models.access import get_model, get_model_to_edit, may_edit
from apps.models.serializers import ENDPOINT
from apps.models.services import NotDeployable, check_deployable


@login_required
def deployment(request, pk):
    """The fragment on the model's page: what serves, how it was proven, and how to call it."""
    return _panel(request, get_model(request.user, pk))


@login_required
@require_POST
def deploy(request, pk):
    model = get_model_to_edit(request.user, pk)
    with suppress(NotDeployable):  # the panel says why
        services.deploy_model(model, request.user)
    return _panel(request, model) if request.htmx else redirect("models:model_detail", pk)


@login_required
@require_POST
def undeploy(request, pk):
    model = get_model_to_edit(request.user, pk)
    services.undeploy_model(model)
    return _panel(request, model) if request.htmx else redirect("models:model_detail", pk)


def _panel(request, model):
    context = {
        "model": model,
        "can_edit": may_edit(request.user, model),
        "job": None if model.is_deployed else services.last_deployment(model),
        "endpoint": request.build_absolute_uri(ENDPOINT),
        "refusal": _refusal(model),
        "token_names": _tokens_to_ask(request.user) if model.is_deployed else [],
    }
    return render(request, "inference/deployment.html", context)


def _refusal(model):
    """Why a model cannot be deployed, or nothing."""
    try:
        check_deployable(model)
    except NotDeployable as reason:
        return str(reason)
    return ""


def _tokens_to_ask(user):
    """Names of this person's tokens that may predict."""
    tokens = user.api_tokens.filter(scope__contains="infer").filter(
        Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    )
    return [f"“{name}”" for name in tokens.values_list("name", flat=True)[:5]]


@login_required
def test_page(request):
    models = answering_to(request.user).exclude(serving_file="")
    chosen = models.filter(pk=_number(request.GET.get("model", ""))).first() or models.first()
    return render(request, "inference/test.html", {"models": models, "chosen": chosen, "endpoint": ENDPOINT})


def _number(text):
    return int(text) if text.isdecimal() and len(text) < 19 else 0
