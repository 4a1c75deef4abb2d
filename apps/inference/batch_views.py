"""Pages about batches: start one from a model, see how far it is and what came out."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from rest_framework.exceptions import ValidationError

from apps.core.models import Job
from apps.inference.access import get_model_to_ask
from apps.inference.batch_api import get_batch, start
from apps.inference.forms import BatchForm
from apps.inference.shown import CHIPS, shown_answers
from apps.inference.video_views import video_page
from apps.models.models import TrainedModel

A_PAGE = 24


@login_required
def batch_new(request, pk):
    """Choose images, an archive or a dataset for a model; earlier batches of one's own with it."""
    model = get_model_to_ask(request.user, pk)
    if not model.serving_file:
        return redirect("models:model_detail", pk)
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = BatchForm(*sent, user=request.user)
    if request.method == "POST" and form.is_valid():
        options = {"conf": form.cleaned_data["conf"], "per_class": None, "iou": 0.7, "max_det": 300, "classes": None}
        try:
            return redirect("inference:batch_detail", start(request.user, model, options, form.asked()).pk)
        except ValidationError as error:  # what was uploaded has expired since
            form.add_error(None, " ".join(str(reason) for reasons in error.detail.values() for reason in reasons))
    earlier = Job.objects.filter(kind="batch", subject=f"model:{model.pk}", owner=request.user)[:10]
    return render(request, "inference/batch_form.html", {"model": model, "form": form, "earlier": earlier})


@login_required
def batch_detail(request, job_id):
    """A batch's progress and its answers; while it runs, the page asks again for the part that changes."""
    job = get_batch(request.user, job_id)
    if job.params["source"] == "video":
        return video_page(request, job)
    shown = request.GET.get("show", "")
    rows = shown_answers(job, shown)
    context = {
        "job": job, "page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")), "shown": shown,
        "model": TrainedModel.objects.filter(pk=job.params["model_id"]).first(), "chips": CHIPS,
    }  # fmt: skip
    is_part = request.htmx and not request.htmx.boosted
    return render(request, f"inference/batch_detail.html{'#batch' if is_part else ''}", context)
