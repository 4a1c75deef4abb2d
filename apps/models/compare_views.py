"""The page that holds two to six models side by side."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.models import services
from apps.models.access import may_edit
from apps.models.comparisons import (
    FEWEST,
    MOST,
    common_versions,
    compare,
    figure_rows,
    models_to_compare,
    splits_of,
)


@login_required
def model_compare(request):
    """On the split that is asked for, else on validation of the version that most of them learned from."""
    chosen, problem = _chosen(request.user, request.GET)
    if problem:
        messages.error(request, problem)
        return redirect("models:model_list")
    models, versions, version, split = chosen
    found = compare(request.user, models, version, split)
    context = found | {
        "models": models, "versions": versions, "version": version, "split": split, "splits": splits_of(version),
        "figures": figure_rows(found["columns"]), "ids": ",".join(str(model.pk) for model in models),
    }  # fmt: skip
    if request.htmx and not request.htmx.boosted:
        response = render(request, "models/model_compare.html#state", context)
        if not found["running"]:
            response["HX-Refresh"] = "true"
        return response
    return render(request, "models/model_compare.html", context)


@login_required
@require_POST
def compare_measure(request):
    """Measure on this split all that were not yet, as far as they are this person's."""
    chosen, problem = _chosen(request.user, request.POST)
    if problem:
        messages.error(request, problem)
        return redirect("models:model_list")
    models, _, version, split = chosen
    for model in compare(request.user, models, version, split)["missing"]:
        if may_edit(request.user, model):
            try:
                services.start_evaluation(model, version, split, request.user)
            except services.EvaluationRefused as refused:
                messages.error(request, f"“{model.name}”: {refused}")
    ids = ",".join(str(model.pk) for model in models)
    return redirect(f"{request.path.removesuffix('/measure')}?ids={ids}&version={version.pk}&split={split}")


def _chosen(user, query):
    """((models, versions, version, split), "") or (None, what is wrong in words)."""
    words = ",".join(query.getlist("ids")).split(",")
    ids = [int(word) for word in words if word.isascii() and word.isdecimal() and len(word) < 19]
    models = models_to_compare(user, ids)
    if not FEWEST <= len(models) <= MOST:
        return None, f"Choose {FEWEST} to {MOST} models to compare."
    versions = common_versions(user, models)
    if not versions:
        return (
            None,
            "You can see none of the datasets that these models learned from, so there is nothing to compare on.",
        )
    version = next((v for v in versions if str(v.pk) == query.get("version")), versions[0])
    splits = [name for name, _ in splits_of(version)]
    split = query.get("split") if query.get("split") in splits else (splits or ["val"])[0]
    return (models, versions, version, split), ""
