"""What is shown of traffic: the monitoring of a deployment and of a model, and the usage of one's tokens."""

import csv

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from apps.inference.access import get_deployment_inside
from apps.inference.monitoring import reports, usage
from apps.inference.samples import code_samples
from apps.models.access import get_model_inside
from apps.models.serializers import ENDPOINT

USAGE_DAYS = {"7": "Week", "30": "Month", "90": "Quarter", "365": "Year"}


@login_required
def deployment_monitoring(request, pk):
    """The part of a deployment's page that only its owner sees; the charts ask the API for their numbers."""
    deployment = get_deployment_inside(request.user, pk)
    context = {"deployment": deployment, **_charts(request, "deployment", deployment.pk, ("model", deployment.name))}
    template = "inference/monitoring.html" if request.htmx else "inference/monitoring_page.html"
    return render(request, template, context)


@login_required
def model_monitoring(request, pk):
    """The page of what one version of a model was asked, by its id or through deployments; its owner's."""
    model = get_model_inside(request.user, pk)
    context = {"model": model, **_charts(request, "model", pk, ("model_id", pk))}
    return render(request, "inference/monitoring_page.html", context)


def _charts(request, of, pk, asked):
    """What the charts need: where their numbers come from, and the first call by curl for who has none yet."""
    samples = code_samples(request.build_absolute_uri(ENDPOINT), asked)
    return {
        "of": of, "spans": reports.SPANS, "source": reverse(f"api:{of}_monitoring", args=[pk]),
        "sample": next(code for _, key, code in samples if key == "curl").split("\n\n")[0],
    }  # fmt: skip


@login_required
def token_usage(request):
    """What was asked with one's tokens, as a part of the tokens' page; as a page of its own also day by day."""
    days = _days(request)
    found = usage.usage_of(request.user, int(days))
    if request.htmx and not request.htmx.boosted:
        return render(request, "inference/token_usage.html", found)
    context = {**found, "table": usage.by_day(found), "spans": USAGE_DAYS, "span": days}
    return render(request, "inference/token_usage_page.html", context)


@login_required
def token_usage_file(request):
    """The same as CSV: a line for each token and day with a question."""
    days = _days(request)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="token-usage-{days}-days.csv"'
    writer = csv.DictWriter(response, usage.COLUMNS)
    writer.writeheader()
    writer.writerows(usage.by_day(usage.usage_of(request.user, int(days))))
    return response


def _days(request):
    """Which of USAGE_DAYS the query string says; raises Http404 for others."""
    days = request.GET.get("days", "30")
    if days not in USAGE_DAYS:
        raise Http404(f"Days are: {', '.join(USAGE_DAYS)}.")
    return days
