"""Pages on an archive's way in: choose it, look at what was found, start the import, take it back."""

import re

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from apps.annotations.access import get_import
from apps.annotations.forms import ExportForm
from apps.annotations.import_forms import ArchiveForm, FormatForm, PlanForm
from apps.annotations.services.imports import imported_images, start_import, undo_import
from apps.annotations.services.inspection import preview_url, start_inspection, start_inspection_of
from apps.core.access import get_job, jobs_visible_to
from apps.core.outgoing import Refused
from apps.core.upload_errors import UploadError
from apps.datasets import services as datasets
from apps.datasets.access import get_dataset, get_dataset_to_review, may_review
from apps.datasets.models import Dataset
from apps.datasets.views import dataset_context

JOBS_SHOWN = 10


@login_required
def transfer(request, pk):
    """Import into a dataset and export from it."""
    dataset = get_dataset(request.user, pk)
    return render(request, "annotations/transfer.html", transfer_context(request, dataset))


def transfer_context(request, dataset, **forms):
    """What the page of import and export shows."""
    jobs = jobs_visible_to(request.user).filter(subject=f"dataset:{dataset.pk}", kind__in=("import", "export"))
    export_form = ExportForm(dataset=dataset, initial={"version": request.GET.get("version", "")})
    return dataset_context(request, dataset) | {
        "import_form": ArchiveForm(request.user), "export_form": export_form, "jobs": jobs[:JOBS_SHOWN], **forms,
    }  # fmt: skip


@login_required
@require_POST
def dataset_import(request, pk):
    """An archive for a dataset: it is looked into first."""
    dataset = get_dataset_to_review(request.user, pk)
    form = ArchiveForm(request.user, request.POST, request.FILES)
    if form.is_valid() and (job := _inspect(request.user, dataset, form)):
        return redirect(preview_url(job))
    return render(
        request, "annotations/transfer.html", transfer_context(request, dataset, import_form=form), status=400
    )


@login_required
def import_new(request):
    """An archive for a new dataset, which is made when the import starts."""
    form = ArchiveForm(request.user, request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (job := _inspect(request.user, None, form)):
        return redirect(preview_url(job))
    return render(request, "annotations/import_new.html", {"form": form}, status=400 if form.errors else 200)


def _inspect(user, dataset, form):
    """The job that looks into what a valid form names; None where its address is refused, which the form says."""
    data = form.cleaned_data
    if not data.get("url"):
        return start_inspection(user, dataset, data["archive"], filename=data["filename"])
    try:
        return start_inspection_of(user, dataset, data["url"])
    except (Refused, UploadError) as refused:
        form.add_error("url", str(refused))
        return None


@login_required
def import_preview(request, job_id, pk=None):
    """What an inspection found; the form on it starts the import."""
    dataset, job = _inspection(request.user, pk, job_id)
    format = job.result.get("format", job.params["format"])
    context = {"job": job, "dataset": dataset, "format_form": FormatForm(initial={"format": format})}
    if request.htmx and not request.htmx.boosted:
        response = render(request, "annotations/import_preview.html#progress", context)
        if not job.is_active:
            response["HX-Refresh"] = "true"
        return response
    if job.status != "completed":
        return render(request, "annotations/import_preview.html", context)
    initial = {"name": dataset_name(job.params["filename"]), "task": job.result["task"], "splits": "fill"}
    form = PlanForm(job.result, dataset, request.POST or None, initial=initial, user=request.user)
    if request.method == "POST" and form.is_valid():
        return redirect("core:job_detail", _start(request.user, dataset, job, form).pk)
    context["form"] = form
    return render(request, "annotations/import_preview.html", context, status=400 if form.errors else 200)


def _start(user, dataset, job, form):
    options = form.options(job.result["format"])
    is_new = dataset is None
    if is_new:
        data = form.cleaned_data
        dataset = datasets.create_dataset(user, data["name"], task=data["task"], team=data.get("team"))
    filename = job.params["filename"]
    return start_import(user, dataset, job.upload.name, new=is_new, options=options, filename=filename)


@login_required
@require_POST
def import_again(request, job_id, pk=None):
    """Look into the same archive again, as another format."""
    dataset, job = _inspection(request.user, pk, job_id)
    if not job.upload:
        messages.error(request, "This archive is not here. Bring it in once more.")
        return redirect("annotations:transfer", dataset.pk) if dataset else redirect("import_new")
    form = FormatForm(request.POST)
    format = form.cleaned_data["format"] if form.is_valid() else "auto"
    again = start_inspection(request.user, dataset, job.upload.name, format, filename=job.params["filename"])
    return redirect(preview_url(again))


@login_required
def import_summary(request, pk, job_id):
    """A fragment for the import's job page: how many of its images are there, and the way back."""
    dataset = get_dataset(request.user, pk)
    job = get_import(dataset, job_id)
    context = {
        "dataset": dataset, "job": job, "count": imported_images(job).filter(dataset=dataset).count(),
        "can_edit": may_review(request.user, dataset),
    }  # fmt: skip
    return render(request, "annotations/import_summary.html", context)


@login_required
@require_POST
def import_undo(request, pk, job_id):
    """Take back the images that an import brought in."""
    dataset = get_dataset_to_review(request.user, pk)
    job = get_import(dataset, job_id)
    if job.is_active:
        messages.error(request, "This import still runs: cancel it first.")
    else:
        count = undo_import(dataset, job, request.user)
        images = "1 image" if count == 1 else f"{count} images"
        messages.success(request, f"{images} of this import went to the trash of “{dataset.name}”.")
    return redirect("core:job_detail", job.pk)


def _inspection(user, dataset_id, job_id):
    """(dataset or None, job) of an inspection of this person's; Http404 or PermissionDenied."""
    dataset = get_dataset_to_review(user, dataset_id) if dataset_id is not None else None
    job = get_job(user, job_id)
    if job.kind != "inspect" or job.params["dataset_id"] != dataset_id:
        raise Http404("No such import.")
    return dataset, job


def dataset_name(filename):
    """The name that an archive's file name proposes: without its ending and what programs append."""
    stem = re.sub(r"\.(zip|tar|tgz|tar\.gz|tbz2|tar\.bz2)$", "", filename, flags=re.IGNORECASE)
    stem = re.sub(r"[_\s]+", " ", stem).strip(" .-")
    return stem[: Dataset._meta.get_field("name").max_length] or "New dataset"
