"""Pages about trained models."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.accounts.teams.transfer import transfer_page
from apps.core.access import Right, may
from apps.models import services
from apps.models.access import (
    evaluations_visible_to,
    get_model,
    get_model_to_edit,
    held_by,
    may_edit,
    versions_visible_to,
    visible_to,
)
from apps.models.api import weights_response
from apps.models.evaluation_views import MOST_VERSIONS, versions_to_measure_on
from apps.models.filters import ModelFilter, offered
from apps.models.forms import ModelForm
from apps.models.lineage import files_of, lineage_of
from apps.models.models import Evaluation, TrainedModel

MODELS_A_PAGE = 30
_STAGE_WORDS = {"candidate": "a candidate", "live": "the live version", "archived": "archived"}


@login_required
def model_list(request):
    models = visible_to(request.user)
    found = ModelFilter(request.GET, queryset=models.prefetch_related("tags"), request=request)
    page = Paginator(found.qs, MODELS_A_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "query": request.GET, "is_filtered": any(request.GET.get(n) for n in found.filters)}
    if request.htmx and not request.htmx.boosted:
        return render(request, "models/model_list.html#rows", context)
    return render(request, "models/model_list.html", context | offered(request.user, models))


@login_required
def recent(request):
    """A fragment for the dashboard: the newest models of mine and my teams."""
    models = held_by(request.user).exclude(stage="archived")[:5]
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
        "model": model, "can_edit": may_edit(request.user, model), "can_give": may(request.user, Right.MANAGE, model),
        "evaluations": evaluations, "chosen": chosen,
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
    context |= {
        "lineage": lineage_of(request.user, model), "files": files_of(model), "tags": model.tags.all(),
        "versions_of_line": versions_visible_to(request.user, model).defer("metrics", "card")[:MOST_VERSIONS],
    }  # fmt: skip
    if context["can_edit"]:
        context["is_answering"] = any(one.is_active for one in context["lineage"]["deployments"])
        context["answering"] = services.answering_of_line(model)
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
        try:
            services.update_model(model, request.user, **form.cleaned_data)
        except services.NameTaken as error:
            form.add_error("name", str(error))
        except services.StageRefused as error:
            form.add_error("stage", str(error))
        else:
            messages.success(request, "Saved.")
            return redirect("models:model_detail", pk)
    model = get_model_to_edit(request.user, pk)  # the form has written into the other one
    return render(request, "models/model_form.html", {"model": model, "form": form}, status=400 if form.errors else 200)


@login_required
@require_POST
def model_stage(request, pk):
    """Make a model a candidate, live or archived."""
    model = get_model_to_edit(request.user, pk)
    stage = request.POST.get("stage")
    if stage not in TrainedModel.Stage.values:
        messages.error(request, f"Stages are {', '.join(TrainedModel.Stage.values)}.")
    else:
        try:
            services.update_model(model, request.user, stage=stage)
        except services.StageRefused as reason:
            messages.error(request, str(reason))
        else:
            messages.success(request, f"“{model.title}” is {_STAGE_WORDS[stage]} now.")
    return redirect("models:model_detail", pk)


@login_required
def model_transfer(request, pk):
    """Give its whole line to a team, or take it out of one."""
    model = get_model(request.user, pk)
    context = {"back_url": reverse("models:model_detail", args=[pk])}
    return transfer_page(request, "line", model.line, ("models:model_detail", pk), context)


@login_required
@require_POST
def model_delete(request, pk):
    model = get_model_to_edit(request.user, pk)
    try:
        services.delete_model(model, request.user)
    except services.DeleteRefused as refused:
        messages.error(request, str(refused))
        return redirect("models:model_detail", pk)
    messages.success(request, f"“{model.title}” is deleted.")
    return redirect("models:model_list")


@login_required
def model_download(request, pk):
    return weights_response(request, get_model(request.user, pk))
