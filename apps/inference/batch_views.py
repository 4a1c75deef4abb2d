"""Pages about batches: start one from a model or a deployment, see how far it is and what came out."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST
from rest_framework.exceptions import ValidationError

from apps.core.access import check_may_steer, jobs_visible_to, may_steer
from apps.inference import batch
from apps.inference.access import NotAnswering, deployments_visible_to, get_deployment, get_model_to_ask
from apps.inference.batch_api import get_batch, start
from apps.inference.forms import BatchForm
from apps.inference.serializers import options_for
from apps.inference.shown import CHIPS, shown_answers
from apps.inference.video_views import video_page
from apps.models.access import visible_to

A_PAGE = 24


@login_required
def batch_new(request, pk):
    """Choose images, an archive, a video or a dataset for a model; earlier batches of one's own with it."""
    try:
        model = get_model_to_ask(request.user, pk)
    except NotAnswering as reason:
        messages.error(request, str(reason))
        return redirect("models:model_detail", pk)
    if not model.serving_file:
        return redirect("models:model_detail", pk)
    return _form_page(request, batch.Asking(request.user, model, {}), {"subject": f"model:{model.pk}"})


@login_required
def batch_of_deployment(request, pk):
    """The same for a deployment: the model that answers for it now answers all of the batch."""
    deployment = get_deployment(request.user, pk)
    if not deployment.answers:
        return redirect("inference:deployment_detail", pk)
    asking = batch.Asking(request.user, deployment.model, {}, deployment)
    return _form_page(request, asking, {"params__deployment_id": pk})


def _form_page(request, asking, earlier):
    sent = (request.POST, request.FILES) if request.method == "POST" else ()
    form = BatchForm(*sent, user=request.user)
    defaults = asking.deployment.defaults if asking.deployment else {}
    if request.method == "POST" and form.is_valid():
        asking.options.update(options_for(asking.model, {"conf": form.cleaned_data["conf"]}, defaults))
        try:
            return redirect("inference:batch_detail", start(asking, form.asked()).pk)
        except ValidationError as error:  # what was uploaded has expired since
            form.add_error(None, " ".join(str(reason) for reasons in error.detail.values() for reason in reasons))
    context = {
        "model": asking.model, "deployment": asking.deployment, "form": form, "usual_conf": defaults.get("conf"),
        "earlier": jobs_visible_to(request.user).filter(kind="batch", **earlier)[:10],
    }  # fmt: skip
    return render(request, "inference/batch_form.html", context)


@login_required
def batch_detail(request, job_id):
    """A batch's progress and its answers; while it runs, the page asks again for the part that changes."""
    job = get_batch(request.user, job_id)
    context = {"job": job, "can_steer": may_steer(request.user, job), **_asked(request.user, job)}
    if job.params["source"] == "video":
        return video_page(request, job, context)
    shown = request.GET.get("show", "")
    rows = shown_answers(job, shown)
    context |= {"page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")), "shown": shown, "chips": CHIPS}
    is_part = request.htmx and not request.htmx.boosted
    return render(request, f"inference/batch_detail.html{'#batch' if is_part else ''}", context)


@login_required
@require_POST
def batch_go_on(request, job_id):
    job = get_batch(request.user, job_id)
    check_may_steer(request.user, job)
    if not batch.go_on(job):
        messages.error(request, "It has not stopped, so it cannot go on.")
    return redirect("inference:batch_detail", job_id)


def _asked(user, job):
    """What was asked, as far as `user` may see its page: the deployment, or the model."""
    deployment_id = job.params.get("deployment_id")
    deployment = deployments_visible_to(user).filter(pk=deployment_id).first() if deployment_id else None
    model = None if deployment else visible_to(user).filter(pk=job.params["model_id"]).first()
    return {"model": model, "deployment": deployment}
