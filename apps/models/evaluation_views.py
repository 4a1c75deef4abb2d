"""Pages about what a model does on a dataset version: starting it, and the images that it got wrong."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Case, When
from django.http import Http404, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from apps.annotations.models import DatasetVersion
from apps.datasets.access import get_image_to_review
from apps.datasets.access import may_review as may_review_dataset
from apps.datasets.access import visible_to as datasets_visible_to
from apps.models import services
from apps.models.access import evaluations_visible_to, get_evaluation, get_model_to_edit
from apps.models.error_lists import describe_images, ranked_images
from apps.models.forms import EvaluationForm, WantedForm
from apps.models.mistakes import KINDS

IMAGES_A_PAGE = 24
MOST_VERSIONS = 100


def versions_to_measure_on(user, model):
    """The versions that a person may measure this model on: of its own dataset first, then of others they see."""
    own = model.dataset_version.dataset_id if model.dataset_version else 0
    versions = DatasetVersion.objects.filter(dataset__in=datasets_visible_to(user)).select_related("dataset")
    return versions.order_by(Case(When(dataset=own, then=0), default=1), "-pk")


@login_required
@require_POST
def evaluation_start(request, pk):
    model = get_model_to_edit(request.user, pk)
    form = EvaluationForm(request.POST, versions=versions_to_measure_on(request.user, model))
    if not form.is_valid():
        messages.error(request, "Choose a version of a dataset that you can see, and one of its splits.")
        return redirect("models:model_detail", pk)
    try:
        row = services.start_evaluation(
            model, form.cleaned_data["version"], form.cleaned_data["split"], request.user, again=True
        )
    except services.EvaluationRefused as refused:
        messages.error(request, str(refused))
        return redirect("models:model_detail", pk)
    return redirect(f"{reverse('models:model_detail', args=[pk])}?evaluation={row.pk}")


@login_required
def error_gallery(request, pk, evaluation_id):
    """The images that the model got most wrong, or those of one cell of the confusion matrix."""
    evaluation = get_evaluation(request.user, pk, evaluation_id)
    if not evaluation.is_measured:
        raise Http404("This evaluation has no result yet.")
    model, dataset = evaluation.model, evaluation.dataset_version.dataset
    wanted = WantedForm(request.GET).wanted(model)
    try:
        rows = ranked_images(evaluation, wanted)
        page = Paginator(rows, IMAGES_A_PAGE).get_page(request.GET.get("page"))
        shown = describe_images(evaluation, page.object_list, wanted)
    except FileNotFoundError:
        messages.error(request, "The file of this evaluation is gone. Evaluate again.")
        return redirect(f"{reverse('models:model_detail', args=[pk])}?evaluation={evaluation.pk}")
    siblings = evaluations_visible_to(request.user, model).filter(evaluated_at__isnull=False)
    context = {
        "model": model, "evaluation": evaluation, "dataset": dataset, "page": page, "shown": shown, "wanted": wanted,
        "kinds": KINDS.items(), "classes": list(enumerate(model.class_names)),
        "cell_words": _cell_words(model, wanted.cell), "siblings": siblings.defer("results", "curves"),
        "can_label": may_review_dataset(request.user, dataset),
    }  # fmt: skip
    part = "#rows" if request.htmx and not request.htmx.boosted else ""
    return render(request, f"models/error_gallery.html{part}", context)


def _cell_words(model, cell):
    """What a cell of the confusion matrix holds, in words; None where none is asked for."""
    if cell is None:
        return None
    predicted, true = (model.class_names[i] if i < len(model.class_names) else None for i in cell)
    if predicted is None:
        return f"“{true}” that the model missed"
    if true is None:
        return f"“{predicted}” that the model saw where nothing is labelled"
    return f"“{true}” that the model called “{predicted}”" if predicted != true else f"“{true}” that the model found"


@login_required
@require_POST
def labels_confirm(request, pk, evaluation_id, image_id):
    """“These labels are right”, or not after all."""
    evaluation = get_evaluation(request.user, pk, evaluation_id)
    image = get_image_to_review(request.user, evaluation.dataset_version.dataset_id, image_id)
    revision = request.POST.get("revision", "")
    if not revision.isascii() or not revision.isdecimal() or len(revision) > 9:
        return HttpResponseBadRequest("`revision` is the number of the labels that were looked at.")
    if request.POST.get("undo"):
        services.unconfirm_labels(image, int(revision))
    else:
        services.confirm_labels(image, int(revision), request.user)
        messages.success(request, f"The labels of “{image.filename}” are noted as right; it has left the list.")
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts=None) or not back.startswith("/"):
        back = reverse("models:error_gallery", args=[pk, evaluation_id])
    return redirect(back)
