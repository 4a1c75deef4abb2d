"""Fragments about traffic: a deployment's monitoring, and the usage of one's tokens."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse

from apps.inference.access import get_deployment_to_edit
from apps.inference.monitoring import reports, usage
from apps.inference.samples import code_samples
from apps.models.serializers import ENDPOINT

USAGE_DAYS = 30


@login_required
def deployment_monitoring(request, pk):
    """The part of a deployment's page that only its owner sees; the charts ask the API for their numbers."""
    deployment = get_deployment_to_edit(request.user, pk)
    context = {
        "deployment": deployment,
        "spans": reports.SPANS,
        "source": reverse("api:deployment_monitoring", args=[pk]),
        "sample": _first_call(request, deployment),
    }
    template = "inference/monitoring.html" if request.htmx else "inference/monitoring_page.html"
    return render(request, template, context)


def _first_call(request, deployment):
    """The first of the calls by curl that the deployment's page shows."""
    samples = code_samples(request.build_absolute_uri(ENDPOINT), ("model", deployment.name))
    return next(code for _, key, code in samples if key == "curl").split("\n\n")[0]


@login_required
def token_usage(request):
    """The part of the tokens' page that says what was asked with them."""
    return render(request, "inference/token_usage.html", usage.usage_of(request.user, USAGE_DAYS))
