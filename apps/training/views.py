"""Pages about training."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from apps.datasets.access import held_by as datasets_held_by
from apps.datasets.access import visible_to as datasets_visible_to
from apps.datasets.views import dataset_context
from apps.models.access import held_by as models_held_by
from apps.training import services
from apps.training.access import get_dataset_to_train_on, get_job, get_job_to_steer, may_steer, visible_to
from apps.training.forms import TrainingForm
from apps.training.machine import trainer_machine
from apps.training.models import TrainingJob
from apps.training.proposals import presets_for, propose
from apps.training.registry import MODEL_TYPES
from apps.training.settings_words import default_arguments, set_arguments
from apps.training.weights import at_hand, start_in_words, weights_path


@login_required
def recent(request):
    """A fragment for the dashboard: my newest jobs."""
    jobs = visible_to(request.user).filter(user=request.user)[:5]
    return render(request, "training/job_list.html#recent", {"jobs": jobs})


@login_required
def next_steps(request):
    """A fragment for the dashboard: how far this person is on the road, and the next step."""
    datasets = datasets_held_by(request.user)
    models = models_held_by(request.user)
    jobs = visible_to(request.user).filter(user=request.user)
    dataset = datasets.filter(num_labeled__gt=0).first() or datasets.first()
    model = models.filter(is_deployed=True).first() or models.first()
    steps = [
        ("Bring images in", datasets.filter(num_images__gt=0).exists(), reverse("datasets:dataset_create")),
        ("Label them", datasets.filter(num_labeled__gt=0).exists(),
         reverse("annotations:workspace", args=[dataset.pk]) if dataset else reverse("datasets:dataset_list")),
        ("Train a model", jobs.exists(),
         reverse("training:job_create") + (f"?dataset={dataset.pk}" if dataset else "")),
        ("Deploy it", models.filter(is_deployed=True).exists(),
         reverse("models:model_detail", args=[model.pk]) if model else reverse("models:model_list")),
        ("Call it with a token", request.user.api_tokens.filter(last_used_at__isnull=False).exists(),
         reverse("accounts:token_list")),
    ]  # fmt: skip
    upcoming = next((index for index, (_, done, _) in enumerate(steps) if not done), None)
    return render(request, "training/next_steps.html", {"steps": steps, "upcoming": upcoming})


@login_required
def job_create(request):
    if "dataset" not in request.GET:
        datasets = datasets_visible_to(request.user).filter(num_labeled__gt=0).select_related("owner", "team")[:200]
        return render(request, "training/job_choose.html", {"datasets": datasets})
    dataset = get_dataset_to_train_on(request.user, _number(request.GET["dataset"]))
    version = _version(dataset, request.GET)
    machine = trainer_machine()
    choices = presets_for(dataset, services.images_of(dataset, version), machine)
    chosen = next((preset for preset in choices if preset.key == request.GET.get("preset")), None)
    initial = propose(dataset, choices) | (chosen.values if chosen else {})
    initial |= {"dataset_version": version.number if version else ""}
    form = TrainingForm(request.POST or None, user=request.user, dataset=dataset, machine=machine, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            job = services.create_job(request.user, dataset, **form.settings())
        except services.TrainingRefused as refused:
            _show(refused, form)
        else:
            return redirect("training:job_detail", job.pk)
    if form.is_bound and "dataset_version" in form.cleaned_data:
        version = form.cleaned_data["dataset_version"]
    problems = services.readiness_problems(dataset, version)
    context = dataset_context(request, dataset) | {
        "form": form,
        "version": version,
        "problems": problems,
        "health": [] if problems else services.health_warnings(dataset, version),
        "presets": choices,
        "preset_values": {preset.key: {"values": preset.values, "says": preset.says} for preset in choices},
        "chosen": chosen,
        "at_hand": [name for name in MODEL_TYPES if at_hand(name)],
        "weights_folder": weights_path("x").parent,
    }
    part = "#learns_from" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"training/job_form.html{part}", context, status=400 if form.errors else 200)


@login_required
def plan(request):
    """A fragment for the form: what its settings, as they stand, would be like."""
    dataset = get_dataset_to_train_on(request.user, _number(request.GET.get("dataset", "")))
    machine = trainer_machine()
    form = TrainingForm(request.GET, user=request.user, dataset=dataset, machine=machine)
    context = {"form": form, "machine": machine}
    if form.is_valid():
        wanted = form.settings()
        context |= {
            "outlook": services.outlook(
                form.architecture, services.images_of(dataset, form.version), machine, **wanted
            ),
            "fit_batch": form.cleaned_data["fit_batch"],
            "place": services.Queue().place_of_new(request.user.pk),
            "starts_from": start_in_words(wanted["weights"], form.architecture.name, form.models),
        }  # fmt: skip
    else:
        context["unfinished"] = " ".join(_reasons(form))
    return render(request, "training/job_form.html#plan", context)


def _reasons(form):
    """The form's errors as sentences that name their field."""
    return [f"{form.fields[name].label or name.capitalize()}: {errors[0]}" for name, errors in form.errors.items()]


def _version(dataset, query):
    return dataset.versions.filter(number=_number(query.get("dataset_version", ""))).first()


@login_required
def job_detail(request, pk):
    job = get_job(request.user, pk)
    context = {
        "job": job,
        "can_steer": may_steer(request.user, job),
        "days_kept": settings.RUN_FOLDER_DAYS,
        "set_arguments": set_arguments(job),
        "default_arguments": default_arguments(job),
    }
    if request.user.is_superuser:
        context["traceback"] = TrainingJob.objects.values_list("traceback", flat=True).get(pk=pk)
    return render(request, "training/job_detail.html", context)


@login_required
@require_POST
def job_cancel(request, pk):
    job = get_job_to_steer(request.user, pk)
    if not services.cancel_job(job, keep=request.POST.get("keep", "yes") != "no"):
        messages.info(request, "It had ended already.")
    return redirect("training:job_detail", pk)


@login_required
@require_POST
def job_pause(request, pk):
    return _steered(request, pk, services.pause_job)


@login_required
@require_POST
def job_resume(request, pk):
    return _steered(request, pk, services.resume_job)


def _steered(request, pk, service):
    job = get_job_to_steer(request.user, pk)
    try:
        service(job)
    except services.TrainingRefused as refused:
        messages.error(request, str(refused))
    return redirect("training:job_detail", pk)


def _show(refused, form):
    for field, reason in refused.problems.items():
        form.add_error(field if field in form.fields else None, reason)


def _number(text):
    return int(text) if text.isdecimal() and len(text) < 19 else 0
