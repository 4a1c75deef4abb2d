"""The pages of the trash: look, restore, delete for good."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from apps.datasets import services
from apps.datasets.access import get_dataset_to_edit, get_image_to_edit
from apps.datasets.models import DatasetImage
from apps.datasets.views import IMAGES_A_PAGE, dataset_context


@login_required
def trash(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    pages = Paginator(services.trashed_images(dataset).select_related("deleted_by"), IMAGES_A_PAGE)
    pages.count = dataset.num_trashed
    page = pages.get_page(request.GET.get("page"))
    for image in page:
        image.days_left = max(0, settings.TRASH_DAYS - (timezone.now() - image.deleted_at).days)
    context = dataset_context(request, dataset) | {"page": page, "trash_days": settings.TRASH_DAYS}
    return render(request, "datasets/trash.html", context)


@login_required
@require_POST
def image_delete(request, pk, image_id):
    image = get_image_to_edit(request.user, pk, image_id)
    services.trash_images(image.dataset, DatasetImage.objects.filter(pk=image.pk), request.user)
    messages.success(request, f"“{image.filename}” is in the trash.")
    return redirect("datasets:dataset_detail", pk)


@login_required
@require_POST
def trash_restore(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    count, refused = services.restore_images(dataset, _chosen(request, dataset), request.user)
    if count:
        messages.success(request, f"{_images(count)} restored.")
    for row in refused[:5]:
        messages.error(request, f"“{row['filename']}” stays here: {row['reason']}")
    if len(refused) > 5:
        messages.error(request, f"{_images(len(refused) - 5)} more stay here for the same reasons.")
    return redirect("datasets:trash", pk)


@login_required
@require_POST
def trash_purge(request, pk):
    dataset = get_dataset_to_edit(request.user, pk)
    count, job = services.purge_from_trash(request.user, dataset, _ids(request))
    if job:
        return redirect("core:job_detail", job.pk)
    messages.success(request, f"{_images(count)} deleted for good.")
    return redirect("datasets:trash", pk)


def _ids(request):
    """The chosen ids, or None for all."""
    if request.POST.get("all"):
        return None
    return [int(word) for word in request.POST.getlist("ids") if word.isdecimal() and len(word) < 19]


def _chosen(request, dataset):
    images, ids = services.trashed_images(dataset), _ids(request)
    return images if ids is None else images.filter(pk__in=ids)


def _images(count):
    return f"{count} image{'' if count == 1 else 's'}"
