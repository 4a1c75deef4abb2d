"""Pages of deployments: the list, one with all that is known of it, and what its owner may do there."""

from dataclasses import asdict

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.core.access import Right
from apps.inference import services
from apps.inference.access import (
    deployments_visible_to,
    get_deployment,
    get_deployment_to_edit,
    is_inside,
    may_edit,
    models_to_bring,
    versions_to_judge_on,
)
from apps.inference.deployment_forms import (
    ChoiceForm,
    DefaultsForm,
    GateForm,
    NewDeploymentForm,
    SettingsForm,
    SwitchForm,
)
from apps.inference.samples import code_samples
from apps.inference.tokens import names_of_tokens_to_ask
from apps.models.access import held_by as models_held_by
from apps.models.access import visible_to as models_visible_to
from apps.models.lineage import lineage_of
from apps.models.serializers import ENDPOINT

A_PAGE = 30
MOST_OFFERED = 200
CHOICE_FIELDS = ("runtime", "precision", "img_size")
MOST_HISTORY = 50


@login_required
def deployment_list(request):
    rows = deployments_visible_to(request.user)
    search = request.GET.get("search", "")[:120]
    if search:
        rows = rows.filter(name__icontains=search)
    if team := _number(request.GET.get("team", "")):
        rows = rows.filter(team=team)
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    is_part = request.htmx and not request.htmx.boosted
    return render(
        request, f"inference/deployment_list.html{'#rows' if is_part else ''}", {"page": page, "search": search}
    )


@login_required
def deployment_new(request):
    """A name for a model of one's own or of one's team, whose the deployment is then."""
    models = models_held_by(request.user, Right.EDIT).exclude(stage="archived").defer("metrics", "card").order_by("-pk")
    chosen = models.filter(pk=_number(request.GET.get("model", ""))).first()
    initial = {"model": chosen, "name": chosen.name if chosen else ""}
    versions = versions_to_judge_on(request.user)
    form = NewDeploymentForm(request.POST or None, models=models, versions=versions, initial=initial)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            gate = services.gate_on(data["gate_version"])
            deployment = services.create_deployment(
                request.user, data["name"], is_public=data["is_public"], team_id=data["model"].team_id, **gate
            )
            try:
                services.start_switch(deployment, data["model"], request.user, choice=form.choice())
            except (services.SwitchRefused, services.ChoiceRefused) as refused:
                services.delete_deployment(deployment, request.user)
                form.add_error(getattr(refused, "field", "model"), str(refused))
            else:
                return redirect("inference:deployment_detail", deployment.pk)
        except services.DeploymentRefused as refused:
            form.add_error(refused.field, str(refused))
    context = {"form": form, "has_models": models.exists(), "choices": [form[name] for name in CHOICE_FIELDS]}
    context["is_chosen"] = any(one.errors or one.value() not in (None, "", "auto") for one in context["choices"])
    context["fields"] = [field for field in form if field.name not in CHOICE_FIELDS]
    return render(request, "inference/deployment_form.html", context, status=400 if form.errors else 200)


@login_required
def deployment_detail(request, pk):
    """All of it; while a switch is under way, the page asks again for the part that changes."""
    deployment = get_deployment(request.user, pk)
    return _page(request, deployment)


def _page(request, deployment, status=200, **forms):
    can_edit = may_edit(request.user, deployment)
    context = {"deployment": deployment, "can_edit": can_edit, "live": deployment.served}
    context["is_inside"] = is_inside(request.user, deployment)
    context["switches"] = _history(deployment) if context["is_inside"] else []
    last = context["switches"][0] if context["switches"] else None
    context |= {"last": last, "is_running": bool(last and last.is_running)}
    context["way"] = deployment.build.way if deployment.build else ""
    context["before_way"] = deployment.previous_build.way if deployment.previous_build else ""
    if request.htmx and not request.htmx.boosted and request.method == "GET":
        response = render(request, "inference/deployment_detail.html#state", context)
        if not context["is_running"]:
            response["HX-Refresh"] = "true"  # the whole page shows what came of it
        return response
    tokens = names_of_tokens_to_ask(request.user)
    context |= {
        "judged": next((switch for switch in context["switches"] if switch.judgement), None),
        "samples": code_samples(
            request.build_absolute_uri(ENDPOINT), ("model", deployment.name), tokens[0] if tokens else ""
        ),
        "endpoint": request.build_absolute_uri(ENDPOINT), "tokens": tokens,
        "effective": effective_defaults(deployment), "lineage": _lineage(request.user, deployment.model),
        "sees_model": deployment.model and models_visible_to(request.user).filter(pk=deployment.model_id).exists(),
    }  # fmt: skip
    if can_edit:
        context |= _forms(request, deployment) | forms
    return render(request, "inference/deployment_detail.html", context, status=status)


def _history(deployment):
    return list(
        deployment.switches.select_related("old__line", "new__line", "by", "job", "old_build", "new_build")[
            :MOST_HISTORY
        ]
    )


def _lineage(user, model):
    return model and lineage_of(user, model)


def _forms(request, deployment):
    models = models_to_bring(request.user, deployment)[:MOST_OFFERED]
    versions = versions_to_judge_on(request.user)
    has_ground = services.has_ground(deployment)
    return {
        "has_ground": has_ground, "versions": [] if has_ground else versions[:MOST_OFFERED],
        "models": models, "wanted": _number(request.GET.get("to", "")),
        "gate_form": GateForm(instance=deployment, versions=versions),
        "settings_form": SettingsForm(instance=deployment),
        "defaults_form": _defaults_form(deployment),
        "choice_form": ChoiceForm(initial=asdict(services.choice_of(deployment))),
    }  # fmt: skip


def _defaults_form(deployment, data=None):
    names = deployment.model.class_names if deployment.model else []
    effective = effective_defaults(deployment)
    return DefaultsForm(data, defaults=deployment.defaults, class_names=names, effective=effective)


def effective_defaults(deployment):
    """What holds where a call says nothing, for people: {conf, iou, max_det, num_per_class, classes, from}."""
    known, point = deployment.defaults, (deployment.model.operating_point if deployment.model else {})
    own = "conf" in known or "per_class" in known
    names = deployment.model.class_names if deployment.model else []
    return {
        "conf": known.get("conf", point.get("confidence", services.DEFAULT_CONF)), "iou": known.get("iou", 0.7),
        "max_det": known.get("max_det", 300),
        "num_per_class": len((known if own else point).get("per_class") or {}),
        "classes": [names[one] for one in known.get("classes", ()) if one < len(names)],
        "from": "set here" if "conf" in known else "the model’s operating point" if point else "as nothing is set",
    }  # fmt: skip


@login_required
@require_POST
def switch(request, pk):
    deployment = get_deployment_to_edit(request.user, pk)
    models = models_to_bring(request.user, deployment, with_live="runtime" in request.POST)
    form = SwitchForm(request.POST, models=models, versions=versions_to_judge_on(request.user))
    choice = _overruled_choice(request.POST)
    if not form.is_valid() and "version" in form.errors:
        messages.error(request, "Choose a version of a dataset that you can see.")
    elif not form.is_valid():
        messages.error(request, "Choose one of the owner’s models that is not archived and does not answer already.")
    else:
        data = form.cleaned_data
        try:
            services.start_switch(deployment, data["model"], request.user, data["overrule"], choice, data["version"])
        except (services.SwitchRefused, services.ChoiceRefused) as refused:
            messages.error(request, str(refused))
    return redirect("inference:deployment_detail", pk)


def _overruled_choice(data):
    """How the switch that is overruled was to be served; None for as what answers now."""
    form = ChoiceForm(data)
    return form.choice() if "runtime" in data and form.is_valid() else None


@login_required
@require_POST
def serving(request, pk):
    """Serve the model that answers in another way: built, judged against how it is served now, then swapped."""
    deployment = get_deployment_to_edit(request.user, pk)
    form = ChoiceForm(request.POST)
    if deployment.model is not None and form.is_valid():
        try:
            services.start_switch(deployment, deployment.model, request.user, choice=form.choice())
        except services.ChoiceRefused as refused:
            form.add_error(refused.field, str(refused))
        except services.SwitchRefused as refused:
            form.add_error(None, str(refused))
        else:
            return redirect("inference:deployment_detail", pk)
    return _page(request, deployment, status=400, choice_form=form)


@login_required
@require_POST
def switch_cancel(request, pk):
    services.cancel_switch(get_deployment_to_edit(request.user, pk))
    return redirect("inference:deployment_detail", pk)


@login_required
@require_POST
def back(request, pk):
    deployment = get_deployment_to_edit(request.user, pk)
    try:
        done = services.go_back(deployment, request.user)
    except services.SwitchRefused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"“{done.new.title}” answers again.")
    return redirect("inference:deployment_detail", pk)


@login_required
@require_POST
def change(request, pk, part):
    """Save the defaults, the gate, the name and notes, or whether it answers at all."""
    deployment = get_deployment_to_edit(request.user, pk)
    if part == "pause":
        return _save(request, pk, None, {"is_active": False}, "It is paused: who calls it is told so.")
    if part == "resume":
        return _save(request, pk, None, {"is_active": True}, "It answers again.")
    if part == "defaults":
        form = _defaults_form(deployment, request.POST)
        return _save(request, pk, form, {"defaults": form.defaults()} if form.is_valid() else None, "Saved.", part)
    if part == "gate":
        form = GateForm(request.POST, instance=deployment, versions=versions_to_judge_on(request.user))
    else:
        form = SettingsForm(request.POST, instance=deployment)
    return _save(request, pk, form, dict(form.cleaned_data) if form.is_valid() else None, "Saved.", part)


def _save(request, pk, form, values, words, part=""):
    deployment = get_deployment_to_edit(request.user, pk)  # afresh: a form writes into the one that it has
    if values is not None:
        try:
            services.update_deployment(deployment, request.user, **values)
        except services.DeploymentRefused as refused:
            if form is None:
                messages.error(request, str(refused))
                return redirect("inference:deployment_detail", pk)
            form.add_error(refused.field, str(refused))
        else:
            messages.success(request, words)
            return redirect("inference:deployment_detail", pk)
    return _page(request, deployment, status=400, **{f"{part}_form": form})


@login_required
@require_POST
def delete(request, pk):
    deployment = get_deployment_to_edit(request.user, pk)
    services.delete_deployment(deployment, request.user)
    messages.success(request, f"The deployment “{deployment.name}” is deleted.")
    return redirect("inference:deployment_list")


def _number(text):
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
