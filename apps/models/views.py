"""Pages about trained models."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.models import services
from apps.models.access import evaluations_visible_to, get_model, get_model_to_edit, may_edit, visible_to
from apps.models.api import ModelFilter, weights_response
from apps.models.evaluation_views import MOST_VERSIONS, versions_to_measure_on
from apps.models.forms import ModelForm
from apps.models.models import Evaluation

MODELS_A_PAGE = 30


@login_required
def model_list(request):
    found = ModelFilter(request.GET, queryset=visible_to(request.user), request=request)
    page = Paginator(found.qs, MODELS_A_PAGE).get_page(request.GET.get("page"))
    part = "#rows" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"models/model_list.html{part}", {"page": page, "query": request.GET})


@login_required
def recent(request):
    """A fragment for the dashboard: my newest models."""
    models = visible_to(request.user).filter(owner=request.user)[:5]
    return render(request, "models/model_list.html#recent", {"models": models})


@login_required
def model_detail(request, pk):
    """The report: of the evaluation that is asked for, else of the newest on what the model learned from."""
    model = get_model(request.user, pk)
    rows = evaluations_visible_to(request.user, model).defer("results", "curves")
    evaluations = sorted(
        rows, key=lambda row: (row.dataset_version_id != model.dataset_version_id, row.split != "val", -row.pk)
    )
    chosen = _chosen(evaluations, request.GET.get("evaluation", ""))
    context = {
        "model": model, "can_edit": may_edit(request.user, model), "evaluations": evaluations, "chosen": chosen,
        "is_running": any(row.is_running for row in evaluations), "shown": _mark(chosen),
    }  # fmt: skip
    if request.htmx and not request.htmx.boosted:
        response = render(request, "models/model_detail.html#evaluations", context)
        if context["shown"] != request.GET.get("shown", ""):
            response["HX-Refresh"] = "true"  # the whole page shows the result
        return response
    if context["can_edit"]:
        context["versions"] = versions_to_measure_on(request.user, model)[:MOST_VERSIONS]
        context["splits"] = Evaluation.SPLITS
    context["report"] = chosen.results if chosen and chosen.is_measured else model.metrics
    return render(request, "models/model_detail.html", context)


def _mark(chosen):
    """What tells one result from another: a page is loaded anew only for one that it does not show yet."""
    return f"{chosen.pk}-{chosen.evaluated_at:%s%f}" if chosen and chosen.is_measured else ""


def _chosen(evaluations, wanted):
    """The evaluation with the id that is wanted, else the first that is measured, validation before test."""
    for row in evaluations:
        if wanted == str(row.pk):
            return row
    measured = [row for row in evaluations if row.is_measured]
    return next((row for row in measured if row.split == "val"), measured[0] if measured else None)


@login_required
def model_edit(request, pk):
    model = get_model_to_edit(request.user, pk)
    form = ModelForm(request.POST or None, instance=model)
    if request.method == "POST" and form.is_valid():
        services.update_model(model, **form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("models:model_detail", pk)
    return render(request, "models/model_form.html", {"model": model, "form": form})


@login_required
@require_POST
def model_delete(request, pk):
    model = get_model_to_edit(request.user, pk)
    services.delete_model(model)
    messages.success(request, f"“{model.name}” is deleted.")
    return redirect("models:model_list")


@login_required
def model_download(request, pk):
    return weights_response(get_model(request.user, pk))
