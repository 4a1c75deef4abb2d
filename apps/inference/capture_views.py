"""Two cards of a deployment's page, each loaded from its own address: what it captures, and its shadow.

Both are for who may change the deployment: they name datasets and candidates that others may not see.
"""

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from apps.inference.access import (
    datasets_to_capture_into,
    get_deployment_to_edit,
    models_to_bring,
)
from apps.inference.capture import settings as captures
from apps.inference.capture_forms import CaptureForm, ShadowForm
from apps.inference.shadow import settings as shadows
from apps.inference.shadow.figures import figures_of, samples_of


@login_required
@require_http_methods(["GET", "POST"])
def capture(request, pk):
    """What is captured, and the form that changes it."""
    deployment = get_deployment_to_edit(request.user, pk)
    known = captures.capture_of(deployment)
    datasets = datasets_to_capture_into(request.user)
    form = CaptureForm(request.POST or None, datasets=datasets, capture=known)
    is_saved = False
    if request.method == "POST" and form.is_valid():
        known = captures.set_capture(deployment, request.user, form.cleaned_data["dataset"], **form.values())
        form, is_saved = CaptureForm(datasets=datasets, capture=known), True
    context = {"deployment": deployment, "capture": known, "form": form, "is_saved": is_saved}
    context["has_datasets"] = datasets.exists()
    if known:
        context |= {
            "figures": captures.figures_of(known),
            "unmapped": captures.unmapped_classes(deployment, known.dataset),
        }
    return _card(request, "capture", context)


@login_required
@require_http_methods(["GET", "POST"])
def shadow(request, pk):
    """The shadow beside the live model, and the form that starts or changes it."""
    deployment = get_deployment_to_edit(request.user, pk)
    form = _shadow_form(request, deployment, request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            shadows.start_shadow(deployment, data["model"], data["share"] / 100, request.user)
            return _shadow_card(request, pk)
        except shadows.ShadowRefused as refused:
            form.add_error("model", str(refused))
    return _shadow_card(request, pk, form)


@login_required
def shadow_figures(request, pk):
    """The part that asks for itself again and again; once the shadow is built, or is not, all of the card comes."""
    deployment = get_deployment_to_edit(request.user, pk)
    if request.GET.get("was") == "building" and shadows.state_of(deployment) != "building":
        card = _shadow_card(request, pk)
        card["HX-Retarget"], card["HX-Reswap"] = "#shadow", "innerHTML"
        return card
    return render(request, "inference/shadow.html#figures", _shadow_context(deployment, samples=False))


@login_required
@require_POST
def shadow_stop(request, pk):
    shadows.stop_shadow(get_deployment_to_edit(request.user, pk))
    return _shadow_card(request, pk)


def _shadow_form(request, deployment, data=None):
    return ShadowForm(data, models=models_to_bring(request.user, deployment), deployment=deployment)


def _shadow_card(request, pk, form=None):
    """The card as it is now; `form` is one with errors."""
    deployment = get_deployment_to_edit(request.user, pk)
    form = form or _shadow_form(request, deployment)
    has_models = form.fields["model"].queryset.exists()
    return _card(request, "shadow", _shadow_context(deployment) | {"form": form, "has_models": has_models})


def _shadow_context(deployment, samples=True):
    context = {"deployment": deployment, "live": deployment.model, "shadow": deployment.shadow}
    if deployment.shadow:
        known = captures.capture_of(deployment)
        context |= {
            "state": shadows.state_of(deployment), "job": shadows.building_job(deployment),
            "figures": figures_of(deployment), "capture": known,
            "samples": samples_of(deployment, known and known.dataset) if samples else [],
        }  # fmt: skip
    return context


def _card(request, name, context):
    """The card alone for HTMX; a page of its own for everybody else, to which a form leads back."""
    failed = bool(context["form"].errors)
    if request.htmx and not request.htmx.boosted:
        return render(request, f"inference/{name}.html", context)  # htmx shows no answer with a status of 400
    if request.method == "POST" and not failed:
        return redirect(reverse(f"inference:{name}", args=[context["deployment"].pk]))
    page = context | {"card": f"inference/{name}.html", "name": name}
    return render(request, "inference/card_page.html", page, status=400 if failed else 200)
