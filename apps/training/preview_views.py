"""The live preview of the augmentation, as fragments of the training form."""

from django.contrib.auth.decorators import login_required
from django.core.files.storage import default_storage
from django.http import FileResponse, Http404
from django.shortcuts import render
from django.views.decorators.http import require_POST

from apps.core.access import jobs_visible_to
from apps.training import services
from apps.training.access import get_dataset_to_train_on
from apps.training.arguments import AUGMENTATION, GROUPS
from apps.training.forms import TrainingForm
from apps.training.machine import trainer_machine
from apps.training.services.preview import KIND

PART = "training/preview.html"


@login_required
@require_POST
def preview_start(request):
    """Begin to draw what the form's augmentation looks like; answers the fragment that asks for the picture."""
    number = request.GET.get("dataset", "")
    dataset = get_dataset_to_train_on(request.user, int(number) if number.isdecimal() and len(number) < 19 else 0)
    form = TrainingForm(request.POST, user=request.user, dataset=dataset, machine=trainer_machine())
    form.is_valid()
    wrong = [name for name in ("img_size", *GROUPS[AUGMENTATION]) if name in form.errors]
    if wrong:
        return render(request, PART, {"refused": " ".join(form.errors[wrong[0]])})
    seed = form.cleaned_data.get("seed") or 0
    job = services.start_preview(request.user, dataset, form.cleaned_data["img_size"], form.arguments(), seed)
    return render(request, PART, {"job": job})


@login_required
def preview(request, pk):
    """How far a picture is, and the picture."""
    return render(request, PART, {"job": _get(request.user, pk)})


@login_required
def preview_picture(request, pk):
    """The picture itself."""
    job = _get(request.user, pk)
    if not job.file or not default_storage.exists(job.file.name):
        raise Http404("This picture is gone; move a slider and it is drawn again.")
    response = FileResponse(job.file.open("rb"), content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=3600"
    return response


def _get(user, pk):
    """A preview of this person's own, or Http404."""
    job = jobs_visible_to(user).filter(owner=user, kind=KIND, pk=pk).first()
    if job is None:
        raise Http404("No such preview.")
    return job
