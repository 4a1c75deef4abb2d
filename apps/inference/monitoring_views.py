"""Fragments about traffic: a deployment's monitoring, and the usage of one's tokens."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import render
from django.urls import reverse

from apps.inference.access import get_deployment_to_edit
from apps.inference.monitoring import reports, usage
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
        "endpoint": request.build_absolute_uri(ENDPOINT),
    }
    template = "inference/monitoring.html" if request.htmx else "inference/monitoring_page.html"
    return render(request, template, context)


@login_required
def token_usage(request):
    """The part of the tokens' page that says what was asked with them."""
    return render(request, "inference/token_usage.html", usage.usage_of(request.user, USAGE_DAYS))
