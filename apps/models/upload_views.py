"""The page where weights made elsewhere come in, and what was made of a dataset's versions."""

from django.contrib.auth.decorators import login_required
from django.shortcuts import redirect, render

from apps.core.access import Right, get_job, get_job_to_steer, may_steer, rows_held
from apps.datasets.access import get_dataset
from apps.models import services
from apps.models.access import visible_to
from apps.models.forms import ClassNamesForm, UploadForm
from apps.models.models import ModelLine

MOST_LINES, MOST_MODELS = 200, 200


@login_required
def weights_upload(request):
    """Choose a file; the page of its job says what became of it."""
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = UploadForm(request.user, *sent, initial={"name": _name(request), "team": request.GET.get("team")})
    if sent and form.is_valid():
        data = dict(form.cleaned_data)
        try:
            return redirect("core:job_detail", services.start_upload(request.user, data.pop("weights"), **data).pk)
        except services.UploadRefused as refused:
            form.add_error("file", str(refused))
    lines = (
        rows_held(ModelLine.objects.all(), request.user, Right.EDIT)
        .order_by("name")
        .values_list("name", flat=True)[:MOST_LINES]
    )
    status = 400 if form.errors else 200
    return render(request, "models/weights_upload.html", {"form": form, "lines": lines}, status=status)


@login_required
def class_names(request, job_id):
    """The fragment on a job's page that asks for the names of the classes; a POST starts the check again with them."""
    job = get_job_to_steer(request.user, job_id) if request.method == "POST" else get_job(request.user, job_id)
    form = ClassNamesForm(request.POST or None, count=job.result.get("num_classes"))
    if request.method == "POST" and form.is_valid():
        try:
            services.give_class_names(job, form.cleaned_data["class_names"])
        except services.UploadRefused as refused:
            form.add_error("class_names", str(refused))
        else:
            return redirect("core:job_detail", job_id)
    can_give = may_steer(request.user, job) and services.asks_for_names(job)
    context = {"job": job, "form": form, "can_give": can_give or form.errors}
    page = "models/class_names.html#form" if request.htmx and not request.htmx.boosted else "models/class_names.html"
    return render(request, page, context, status=400 if form.errors else 200)


def _name(request):
    """“Another version” on a model's page leads here with its name."""
    return request.GET.get("name", "")[:120]


@login_required
def models_of_versions(request, dataset_id):
    """A fragment for the dataset's page of versions: the models that were made of each."""
    dataset = get_dataset(request.user, dataset_id)
    models = (
        visible_to(request.user).filter(dataset_version__dataset=dataset).order_by("-dataset_version__number", "-pk")
    )
    shown = models.defer("metrics", "card")[:MOST_MODELS]
    return render(request, "models/models_of_versions.html", {"dataset": dataset, "models": shown})
